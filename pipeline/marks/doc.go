// Package marks writes down, now and then, how far an archive is and where
// consumer groups are, and puts that together again for any moment.
//
// Every archiver writes for the partitions that it owns, and nobody waits for
// anybody: a mark is a document (package documents) of one writer. [Writer] reads
// the committed offsets of all configured groups, then the tails, and keeps both
// if something has changed since its last mark; at the latest after
// [Heartbeat], so that readers know how far to look back.
//
// [At] puts together one logical mark: of each partition the newest document at
// or before the moment. What it says was committed at or before the moment, so
// a group that is restored to it may read a record twice and never misses one.
//
// Committed offsets are read with require_stable (KIP-447). A group whose
// transaction stays open for too long, or whose coordinator does not answer,
// is named with the reason, and what was read of it last stands in place.
package marks
