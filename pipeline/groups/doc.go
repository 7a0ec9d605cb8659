// Package groups puts consumer groups where they were, in what a restore brings
// back.
//
//  1. [NewPlan] takes a mark (package marks) and the plan of a restore, and
//     says of every group, topic and partition: the committed offset, the time
//     of the mark, and the offset in the restored topic at which the group reads
//     precisely the records that it had not read. It writes nothing.
//
//  2. [Apply] commits those offsets, once the restored topics are there. Before,
//     it writes a file that says what the target had. It touches empty groups
//     only, reads back what it committed, and may be run again after a crash.
//
//  3. [Rollback] puts back what that file says.
//
// A mark is of an instant at or before the moment of the restore. What a group
// read between the two, it reads again; it never misses a record.
package groups
