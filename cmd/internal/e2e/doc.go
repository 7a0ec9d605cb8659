// Package e2e holds the test of the whole on real parts: Apache Kafka, two S3
// servers with versions and Object Lock, and the tidemark program as its users
// run it, in processes that are killed and frozen.
//
// Everything that is produced is noted in a ledger (bench/events) as the brokers
// acknowledge it. The ledger is the oracle: what each region holds by itself,
// and what a restore brings into new topics, is compared with it record by
// record, never with what tidemark says of itself.
//
//	producers ──▶ Kafka ──▶ tidemark archive ──▶ region a, region b
//	    │                   (killed, frozen)           │
//	  ledger ◀──────────── compared with ──── read alone, restored
//
// TestRealParts starts the servers once, builds the program, and runs one
// subtest a subject; `go test -run TestRealParts/damage` runs one of them. It
// needs Java and Maven, and says so where they are missing. Random choices come
// from a seed that is printed; TIDEMARK_E2E_SEED repeats them.
package e2e
