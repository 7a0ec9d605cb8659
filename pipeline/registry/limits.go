package registry

import "time"

const (
	// partBytes is where one document is full, in bytes of JSON. Below
	// signed.MaxFile by what the envelope and one more large schema take.
	partBytes = 256 << 10

	// largestVersion is the longest JSON of one version that is kept: with an
	// envelope around it, it still is a signed file that readers take. A
	// registry of Confluent's keeps no more than a Kafka record of a megabyte.
	largestVersion = 1<<20 - 8<<10

	// maxParts bounds the documents of one set: a gigabyte of schemas is not a
	// registry.
	maxParts = 4096

	// answerBytes is the longest answer that is read from a registry.
	answerBytes = 64 << 20

	// requestTimeout is how long one request may take.
	requestTimeout = 30 * time.Second

	// inParallel is how many requests go out at a time: a look must not be felt
	// by those who use the registry.
	inParallel = 4

	// tries and pause are how often, and after what first pause, a request that
	// only reads is made again.
	tries = 4
	pause = 200 * time.Millisecond

	// closureRounds bounds how often subjects are read again because something
	// refers to a version of theirs that was not there yet.
	closureRounds = 64

	// maxBefore bounds the schemas that one refers to, directly or not.
	maxBefore = 10000

	// refreshAfter is when everything is written down again although nothing
	// changed, so that the newest documents' locks never run out and nobody has
	// to look back through years for them.
	refreshAfter = 30 * 24 * time.Hour

	// settleMode is how long setting modes back may take after everything else
	// was interrupted.
	settleMode = 30 * time.Second
)
