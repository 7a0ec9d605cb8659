// Package drill restores a part of an archive on trial and proves what came
// back: that it is what was archived, and how soon it is back.
//
// A drill has five steps, in this order:
//
//  1. The recovery point: where the archive of each partition ends, and then
//     where its log ends in the source cluster. The log is asked last, so that
//     nothing counts as archived that was not.
//  2. The plan, by the code that restore plans with. A hole that nobody
//     explained is a finding, wherever it is. From the plan's segments a sample
//     is chosen by the seed that stands in the result: of each topic those whose
//     SHA-256 of "<seed>\n<name>" is lowest, so that anybody can choose it again.
//  3. The restore, by the code that restore works with, to scratch topics or to
//     nowhere. The clock of the recovery time runs from the beginning of step 2
//     to the first record back and to the last. What is brought back to nowhere
//     is decoded and counted.
//  4. The comparison, record by record: with the source cluster where the
//     offsets still exist there, and with what arrived in the scratch topics.
//     What retention or compaction has taken from the source since is told apart
//     from what is missing.
//  5. The digests of every copy of every segment of the sample, in every region
//     that is used: signature, name, length, key page, the SHA-256 of each block,
//     the CRC of each batch, the number of records.
//
// Whatever is missing, different, added or damaged is a finding, and one finding
// makes the drill fail. The source is read by franz-go's own decoder: a mistake
// in that of the archiver must not vouch for itself.
//
// What is reported stays in the archive as a signed document: see [Seal] and
// [Check]. [Schedule] drills from time to time beside an archiver.
package drill
