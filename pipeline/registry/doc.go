// Package registry keeps what a schema registry holds beside the topics, and
// gives it back.
//
// Records that are framed with a schema id mean nothing without the schema. So
// a registry that speaks Confluent's API is read every few minutes, and where
// anything differs from what was kept last, all of it is written down anew
// under schemas/: every subject, every version with its id, type, text and
// references, soft-deleted ones among them, and the compatibility and mode of
// the registry and of each subject. What changes in between two looks and is
// gone at the next (a version that is registered and permanently deleted within
// minutes) is not kept.
//
//	content.go, parts.go   what is kept, and how it is cut into documents
//	client.go, read.go     reading a live registry; live.go for package values
//	capture.go             when it is written down
//	sets.go, archived.go   reading it back, and as the schemas of package values
//	plan.go, apply.go      restoring, with the same ids and versions
//
// Only the default context is kept, under the names that subjects have:
// contexts and renaming subjects are not part of this.
package registry
