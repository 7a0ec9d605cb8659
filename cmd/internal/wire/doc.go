// Package wire introduces the parts of tidemark to each other.
//
// The packages of pipeline declare what they need as small interfaces, those of
// sinks offer stores, keys and an index, and neither knows the other. This
// package opens what a configuration names and puts the two together:
//
//	open.go, region.go     both regions: place of the data, place of the keys, KMS
//	places.go, signing.go  what `tidemark init` makes, and whom to trust
//	archiver.go, index.go  an archiver with everything it works with
//	stores.go, doctor.go   what is checked before archiving, and on request
//	kafka.go, log.go, http.go   options for clients, the log, telemetry
//
// Nothing here decides anything about data.
package wire
