package state

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/pipeline/values"
)

// Source yields the records that a table is made of: those of a topic up to the
// moment. It must be safe for concurrent use.
type Source interface {
	// Partitions are those that have records.
	Partitions() []int32
	// Records yields the records of a partition in offset order, each valid
	// until the next. An error comes last.
	Records(ctx context.Context, partition int32) iter.Seq2[recordbatch.Record, error]
}

// Form says what the values of a topic are taken for.
type Form string

// The forms.
const (
	// FormAuto looks at each value, and refuses a topic that has both.
	FormAuto Form = "auto"
	// FormChanges takes what is no Debezium envelope for unreadable.
	FormChanges Form = "debezium"
	// FormRows takes every value for a row, also one that looks like an
	// envelope.
	FormRows Form = "rows"
)

// DefaultKeyColumn is the column that holds a record key which has no columns
// of its own.
const DefaultKeyColumn = "_key"

// Options of [Build].
type Options struct {
	// Topic is named in errors.
	Topic string
	// Form is FormAuto if empty.
	Form Form
	// KeyColumns tell rows apart in place of the record key, which may then be
	// null.
	KeyColumns []string
	// KeyColumn is the column for a record key without fields; with an empty
	// name it is left out.
	KeyColumn string
	// Tables are those whose changes count, with or without schema, "*" for all;
	// if none is named there must be but one in the topic.
	Tables []string
	// SnapshotReplaces takes a row for gone that the last snapshot of its
	// partition did not have and nothing has changed since.
	SnapshotReplaces bool
	// SkipUnreadable goes on without the records that cannot be read.
	SkipUnreadable bool
	// Schemas resolve the ids of framed keys and values; nil knows none.
	Schemas values.Schemas
	// Memory is how much is sorted in memory, in bytes; what is more goes to
	// Dir. At least MinMemory.
	Memory int64
	// Dir is for temporary files. They are encrypted.
	Dir string
	// Workers is how many partitions are read at once, at least 1.
	Workers int
	// Progress, if set, is told how many records have been read. It is called
	// by several goroutines at once.
	Progress func(records int64)
}

// MinMemory is the least [Options.Memory], in bytes.
const MinMemory = 8 << 20

// Validate reports the first thing that is wrong.
func (o *Options) Validate() error {
	switch o.Form {
	case "", FormAuto, FormChanges, FormRows:
	default:
		return fmt.Errorf("form %q: want %s, %s or %s", o.Form, FormAuto, FormChanges, FormRows)
	}
	switch {
	case o.Memory < MinMemory:
		return fmt.Errorf("memory of %d bytes: want %d or more", o.Memory, MinMemory)
	case o.Workers < 1:
		return fmt.Errorf("%d workers: want 1 or more", o.Workers)
	case o.Dir == "":
		return fmt.Errorf("no directory for temporary files")
	}
	for _, c := range o.KeyColumns {
		if c == "" {
			return fmt.Errorf("a column of the key has no name")
		}
	}
	return nil
}

// Place is where a record stands.
type Place struct {
	Partition int32 `json:"partition"`
	Offset    int64 `json:"offset"`
	Timestamp int64 `json:"ts"` // ms since the epoch
}

func (p Place) String() string { return fmt.Sprintf("partition %d offset %d", p.Partition, p.Offset) }

// Unreadable is a record that cannot be read as a change of a row.
type Unreadable struct {
	Place
	Reason string `json:"reason"`
}

// maxListed bounds the list of unreadable records; all are counted.
const maxListed = 10_000

// Counts says what was read.
type Counts struct {
	Records    int64 `json:"records"`
	Tombstones int64 `json:"tombstones"`
	// Messages are logical decoding messages (op m), which concern no row.
	Messages int64 `json:"messages,omitempty"`
	// OtherTables are changes of tables that were not asked for.
	OtherTables int64 `json:"changes_of_other_tables,omitempty"`
	Unreadable  int64 `json:"unreadable"`
	// Rows are in the table; Deleted are keys that were and are not any more.
	Rows    int64 `json:"rows"`
	Deleted int64 `json:"deleted"`
	// NotInSnapshot are rows that the last snapshot of their partition did not
	// have; they stay, unless SnapshotReplaces.
	NotInSnapshot int64 `json:"not_in_last_snapshot,omitempty"`
	// Moved are keys that are in more than one partition.
	Moved int64 `json:"keys_in_several_partitions,omitempty"`
	// Incomplete are rows with a value that is not in the topic any more.
	Incomplete int64 `json:"incomplete_rows,omitempty"`
}

func (c *Counts) add(o Counts) {
	c.Records += o.Records
	c.Tombstones += o.Tombstones
	c.Messages += o.Messages
	c.OtherTables += o.OtherTables
	c.Unreadable += o.Unreadable
}

// NoTableError reports a topic that is no table.
type NoTableError struct {
	Topic, Reason string
	Where         Place
}

func (e *NoTableError) Error() string {
	return fmt.Sprintf("topic %s is no table: %s holds %s", e.Topic, e.Where, e.Reason)
}

// TablesError reports a topic with changes of several tables.
type TablesError struct {
	Topic  string
	Tables []string // sorted
}

func (e *TablesError) Error() string {
	return fmt.Sprintf("topic %s has changes of %d tables: %s: choose with --source-table, or take all as one with --source-table '*'",
		e.Topic, len(e.Tables), strings.Join(e.Tables, ", "))
}

// MixedError reports a topic whose values are of both forms.
type MixedError struct {
	Topic         string
	Changes, Rows Place // the first of each
}

func (e *MixedError) Error() string {
	return fmt.Sprintf("topic %s has Debezium envelopes (%s) and values without an envelope (%s): take the others for unreadable with --rows debezium, or all as they are with --rows rows",
		e.Topic, e.Changes, e.Rows)
}

// UnreadableError reports records that cannot be read, and so a table that is
// not what it was.
type UnreadableError struct {
	Topic string
	Count int64
	// Records are the first of them, by partition and offset.
	Records []Unreadable
}

func (e *UnreadableError) Error() string {
	first := ""
	if len(e.Records) > 0 {
		first = fmt.Sprintf("; the first is %s: %s", e.Records[0].Place, e.Records[0].Reason)
	}
	return fmt.Sprintf("topic %s: %d records cannot be read as changes of rows%s (go on without them with --skip-unreadable)", e.Topic, e.Count, first)
}
