// Package verify proves that an archive is complete, whole and equal in its
// regions, with nothing but the stores and the pinned root key: no Kafka, no
// server, nothing that the archiver says.
//
// For each partition it puts every offset between the first and the last that
// any name claims into one of three classes:
//
//	archived   a copy that verified holds it, in some region
//	known gap  a signed gap says why it is missing
//	missing    neither: a finding
//
// On the way it looks at every copy of every object in every region: signature,
// name, stored length, the store's CRC-32C, key page. What one region lacks is a
// finding, and so is a predecessor that does not exist: segments and gaps name
// the digest of what ends where they begin, and so what was taken out leaves a
// trace even where the offsets still look complete.
//
// With Deep every block of every copy is opened and every batch and record in
// it decoded. Findings come in a fixed order: by partition, offset, region.
package verify
