// Package load is an open-loop generator: it produces events to Kafka at a
// stated rate, or as fast as the broker takes them, and costs little of the
// machine that it helps to measure.
//
// Events are made once. [New] encodes a bank of batches from the generators of
// package events, each compressed as a producer would; a run sends them again
// and again by raw produce requests. What a broker and an archiver see is live
// all the same: every batch gets the time it is sent at, a producer id and
// sequence of its own, and a new checksum.
//
// The schedule does not wait for the broker. When the broker is slow, batches
// become due behind it, and [Result] says how far the run fell behind: a
// measurement must not call a rate what was only asked for.
//
// A [Ledger] notes each batch that the broker acknowledged, by its offset and
// checksum, so that package landed can say what was lost, doubled or changed.
// Requests are idempotent: an answer that never came is settled by sending the
// same batch again.
package load
