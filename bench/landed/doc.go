// Package landed counts what has arrived in an archive's regions, and compares
// it with what the broker acknowledged. It stands outside: it sees the stores'
// listings and objects, never what the archiver says of itself.
//
// [Tails] is cheap: it reads names only, and of a long partition only those
// behind the last it knows, so that it can be asked every second. What a name
// claims is not proven by it.
//
// [Count] is thorough: it verifies every segment in each region, opens every
// block and compares every batch with the ledger of package load. It looks at
// headers and checksums, and decodes no record: a batch whose CRC-32C matches
// both its bytes and the ledger is what was produced.
package landed
