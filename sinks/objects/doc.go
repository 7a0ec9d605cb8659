// Package objects keeps archive objects in S3, in a directory or in memory,
// behind one small contract.
//
// An object is written once and whole: Put succeeds only where its name is
// free. That is the one thing the archive asks of a store, and it is what makes
// every write safe to repeat. A caller who wants "this name holds these bytes"
// uses [Ensure], which settles a taken name, and an answer that was lost, by
// looking at what is stored.
//
//	s, err := objects.Open(ctx, "s3://orders-a/archive?region=eu-west-1", objects.Options{})
//	if err != nil { ... }
//	s = objects.Stack(s, objects.Options{...})
//	err = objects.Ensure(ctx, s, key, body, objects.PutOptions{})
//
// Start reading at store.go, which holds the contract; errors.go says how a
// failure is told apart from an absence. Each store has files of its own
// (s3*.go, dir*.go, memory.go), and each cross-cut is one decorator: retry,
// circuit breaker, cache and observation. [Stack] puts them in their order. The
// conformance suite that every store passes is in package objectstest.
package objects
