// Package restore brings archived topics back into Kafka as they were at a
// moment.
//
// The rule of the cut: every record whose timestamp is at or before the moment
// comes back, in offset order, and no other. Timestamps need not be in order, so
// a record may come back although one before it does not.
//
// A restore has two steps.
//
//  1. [NewPlan] reads the archive's names and footers and looks at the target.
//     It writes nothing. The plan says what will come, what is known to be
//     missing, what the target lacks, and whether the restore is refused.
//
//  2. [Execute] creates the topics and produces. Each partition is one lane:
//
//     archive → cutter → queue → shipper → office of the broker → broker
//
// A batch that lies wholly at or before the moment is produced as it was
// archived, only its header is rewritten. Every other one is decoded, filtered
// and built anew, with dense offsets, for that is all a broker takes. Up to
// five batches of a partition are out at once, each in a request of its own
// that it shares with batches of other partitions; a broker refuses to take
// them in another order.
//
// # Coming back after a crash
//
// Nothing counts what was produced: the target does. A target partition is
// empty when a restore begins and only the restore writes to it, so its end
// offset is the number of records that arrived and, modulo 2^31, the next
// sequence. The state file keeps the plan, the producer id and epoch, and the
// ids of the target topics. A resumed restore cuts the same records again, skips
// as many as are there, and goes on with the next sequence. A request of its
// dead predecessor that lands late carries the same sequence for the same
// records, so the broker keeps one of the two and answers the other as a
// duplicate.
package restore
