package export

const (
	// defaultFileBytes is Kafka's default segment.bytes. A broker loads no file
	// above 2 GiB.
	defaultFileBytes = 1 << 30

	// maxParallel bounds the partitions written at once: each holds a segment of
	// the archive, and a row group or a buffer.
	maxParallel = 8

	// bufferBytes is what is gathered before a file or a stream is written to.
	bufferBytes = 256 << 10

	// rowGroupBytes is where a row group of Parquet ends, as bytes of its records:
	// it is held in memory, encoded, until then. Readers skip by row groups, and
	// read whole ones.
	rowGroupBytes = 16 << 20

	// rowGroupRows ends a row group of tiny records: a row takes some 200 bytes
	// of memory besides its record.
	rowGroupRows = 250_000

	// rateBurst is how much may be written at once under a rate, so that small
	// writes do not wait one by one.
	rateBurst = 1 << 20
)
