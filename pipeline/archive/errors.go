package archive

import "fmt"

// TruncatedError says that Kafka's log no longer holds what was fetched from
// it: an unclean leader election, or another cluster under the same name.
type TruncatedError struct {
	Key Key
	// At is the first offset at which the logs differ, or the log's end.
	At int64
	// Fetched is the offset up to which the old log was archived.
	Fetched int64
}

func (e *TruncatedError) Error() string {
	return fmt.Sprintf("topic %s partition %d: the log ends or differs from offset %d on, but is archived up to %d: truncated by an unclean election, or the wrong cluster; nothing is skipped, the partition waits",
		e.Key.Topic, e.Key.Partition, e.At, e.Fetched)
}

// BatchSizeError says that a batch is larger than the configured limit. The
// partition waits at it; nothing is cut or skipped.
type BatchSizeError struct {
	Key    Key
	Offset int64
	Size   int // bytes; as far as it is known
	Limit  int // bytes
}

func (e *BatchSizeError) Error() string {
	return fmt.Sprintf("topic %s partition %d: the batch at offset %d has %d bytes, above fetch.max_record_bytes of %d: raise the limit to go on",
		e.Key.Topic, e.Key.Partition, e.Offset, e.Size, e.Limit)
}
