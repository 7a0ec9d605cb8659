package objects

import "hash/crc32"

// castagnoli makes crc32 use the CPU's own instruction.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// crc32c is the CRC-32C (RFC 3720, appendix B.4) of b.
func crc32c(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }
