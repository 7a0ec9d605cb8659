// Package restore brings archived topics back into Kafka as they were at a
// moment.
//
// # The cuts
//
// A cut decides for every record whether it comes back; what does comes in
// offset order.
//
//   - By time ([CutTime]): every record whose timestamp is at or before the
//     moment, and no other. Timestamps need not be in order, so a record may come
//     back although one before it does not. A record has the time that a consumer
//     sees: its producer's, or, in a topic with LogAppendTime, the broker's, which
//     all records of a batch share. A record without a time (-1) is before every
//     moment.
//   - By transactions ([CutTransactions]): a transaction comes back whole, on
//     every partition and topic, if the last of its commit markers is at or before
//     the moment, else not at all, whatever the timestamps of its records. Records
//     outside transactions go by their timestamps.
//   - By offsets ([CutOffsets]): every record below the given offset of its
//     partition, whatever its timestamp. A partition that is not named brings
//     nothing. An offset that was not archived is refused, and so is one behind
//     or within lost offsets. A mark is such a cut.
//
// # Whole transactions
//
// Each partition of a transaction has a marker, and the leader of the partition
// stamps it with its own clock. All archived partitions are looked at, those that
// are not restored too: whether a transfer between two topics counts must not
// depend on which of them is wanted. Markers in topics that are not archived, and
// those of consumer offsets, do not count. Nothing is known of a transaction
// that was aborted: its data is not archived.
//
// Within a partition, data belongs to the next commit marker of its producer.
// Across partitions it depends on the protocol. With version 2 (KIP-890, Kafka
// 4) the coordinator raises the producer's epoch at the end of each transaction:
// a marker carries the epoch of its data plus one, no two transactions share
// it, and the match is exact. Before, a marker carries the epoch of its data, and
// many transactions do. The coordinator finishes all markers of one before the
// producer can write the next, so at one moment only one transaction of a
// producer can be half committed: the last marker before the moment in one
// partition and the first one after it in another may be of one transaction or
// of two. Two they are if they are further apart than the window, or if the later
// part's data was created more than five seconds after the earlier marker and its
// times agree with the broker's. What is left is in the plan as a [Doubt] and is
// refused, unless Request.Force takes it for what its times make likely: each
// Doubt says how.
//
// Markers are looked for within Request.Window of the moment, 15 minutes as
// Kafka's transaction.max.timeout.ms: nothing is open for longer, the markers
// of a transaction are written within it, and the leaders' clocks do not differ by
// as much. Two windows before the moment and one after it are read, of the blocks
// with transactions and of these the headers. Where a marker cannot be found:
//
//   - The archive ends before it: the transaction is left out whole, and the plan
//     warns. It warns too where a partition's archive ends within the window, for
//     a later marker there may be one that is not archived yet.
//   - The log cleaner took it, or a gap: its time lies between those of the
//     markers around it. If the moment does too, that is a Doubt. A gap among
//     the markers that are looked at is refused unless Request.AllowIncomplete.
//
// # The topic of the moment
//
// A topic that was deleted and made again has several lives. The one that was
// current at the moment comes back: the newest whose first sign (its settings
// were written down, or its first segment was begun) is at or before it. If that
// life was followed by another and shows no sign at or after the moment (a
// segment begun, or a record of a time before the next life), the first segments
// of the next one are looked at: a record from behind the last sign of the one
// before, and at or before the moment, shows that the next one was there, though
// the archiver had not seen it yet. Otherwise nobody knows which of the two there
// was, if any: it is refused, and Request.Lineage chooses. The plan lists the
// other lives.
//
// The number of partitions is that of the settings in force at the moment, or
// more if a record that comes back lies in a higher partition: the archiver
// notices a change some time after it was made. The settings are those in
// force, too.
//
// # Two steps
//
//  1. [NewPlan] reads the archive's names and footers and looks at the target.
//     It writes nothing. The plan says what will come, what is known to be
//     missing, what the target lacks, and whether the restore is refused. Without
//     a target, [Plan.Batches] and [Plan.Records] yield what the plan brings.
//
//  2. [Execute] creates the topics and produces. Each partition is one lane:
//
//     archive → cutter → queue → shipper → office of the broker → broker
//
// A batch of which all comes back is produced as it was archived, only its header
// is rewritten. Every other one is decoded, filtered and built anew, with dense
// offsets, for that is all a broker takes. Up to five batches of a partition are
// out at once, each in a request of its own that it shares with batches of other
// partitions; a broker refuses to take them in another order.
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
