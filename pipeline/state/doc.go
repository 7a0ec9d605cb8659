// Package state makes a table of a topic: the rows that a table had at a moment,
// out of the changes that were archived up to it.
//
// Which records count is not decided here: a [Source] yields those of a restore
// plan, under its cut. The moment is one of Kafka's, as everywhere: a change that
// the database committed before it and Kafka stored after it is not in the table.
//
// [Build] reads every partition and sorts the versions of each row (package
// runs; on disk, encrypted, if they do not fit into memory). [Table.Rows] then
// yields the rows in the order of their keys, the same in every call and every
// run. Package out writes them; [Checksum] tells whether a database holds the
// same ones. Package cell says what the values are.
//
// # Which row
//
// A row is known by its record key. A key that is an object, in JSON or Avro,
// with or without its schema, is the values of its fields, taken in the order of
// their names; the names themselves do not count, nor how a number is spelt. Any
// other key is its bytes. [Options.KeyColumns] take columns of the row in place
// of the key, for tables without a primary key. A record without a key and
// without such columns is unreadable.
//
// # Which version
//
// Within a partition the later offset wins, whatever the times say. A key that
// is in several partitions, because the topic grew or the row's key changed, has
// a last version in each. Of these the later one is found by the first of the
// following that all of them have, and where that is equal by the next one:
//
//  1. the place in the database's log, if it is one log: lsn (PostgreSQL),
//     commit_lsn and change_lsn (SQL Server), file, pos and row (MySQL), scn (Oracle)
//  2. the database's time: source.ts_ns, ts_us or ts_ms
//  3. the record's timestamp
//  4. the partition: the higher number is the later one
//
// A tombstone stands where the delete before it in its partition does; one whose
// delete is gone, or never was, has no more than its timestamp.
//
// # What a record says
//
// In a Debezium envelope, as JSON or as Avro in Confluent's frame:
//
//	c r u   the row is as in after; r, a row of a snapshot, replaces like any other
//	d       the row of the key is gone
//	t       all rows are gone whose last version is before it, by the rules above
//	m       a message of the database's log: of no row, counted
//
// An update whose before has another key than its after ends the old row and
// makes the new one. Debezium itself writes that as a delete and a create. A
// value that stands for an unchanged one (__debezium_unavailable_value) is the
// value of the version before; if the topic does not hold that any more, or the
// row's key was in another partition in between, the record is unreadable.
//
// A record with a null value, a tombstone, ends its row, also without the delete
// that compaction took away. Compaction otherwise changes nothing, for only what
// is superseded goes.
//
// A snapshot in the middle of the stream replaces the rows that it has. A row
// that it does not have, and of which no delete is in the topic, stays, for a
// snapshot may be of a part of the table: such rows are counted in
// [Counts.NotInSnapshot]. [Options.SnapshotReplaces] takes them for gone.
//
// Any other value is a row itself, the last one by key: an object's fields are
// the columns, anything else is one column, value. A key that is an object adds
// the fields that the row lacks, any other key is a column _key
// ([Options.KeyColumn]). In a row that Debezium flattened
// (ExtractNewRecordState), which is one with __op or __deleted, names that begin
// with __ are no columns; a row with __deleted true, or __op d, is gone, and the
// position comes from __lsn, __source_ts_ms or __ts_ms.
//
// A topic is refused as a whole if it holds transaction metadata, heartbeats or
// schema changes; if it has changes of several tables and [Options.Tables] does
// not choose; and if it has both envelopes and other values, unless
// [Options.Form] says what to make of that.
//
// # What cannot be read
//
// Broken JSON, text that is not UTF-8, an unknown schema id, an unknown op, a
// value that its type cannot have, a missing key: the record is counted and
// listed with its place and the reason, and the table is refused, for nobody can
// say which rows are not what they were. [Options.SkipUnreadable] goes on without
// such records.
//
// # Columns
//
// The columns are those of all rows in the table, in the order in which the rows
// in key order first have them; a row that lacks one has null there. So a column
// that was dropped is there as long as a row is left that was last written
// before, and one that was added is null in such rows, whatever its default is:
// the database writes no change for them. With a schema a column has the schema's type, else what its values are
// (cell.Infer). Where that differs from row to row, cell.Join says what holds
// both. Of a table without rows the columns are those of all changes.
//
// # Checksum
//
// A row's text is what PostgreSQL prints for ROW(a, b, …) with ISO dates, in UTC:
// columns in their order, numbers without zeros at the end of their fraction,
// JSON as jsonb, times cut to microseconds. The first 60 bits of its SHA-256 are
// a number, and the checksum is the sum of these numbers over all rows, whatever
// their order. [Query] is the SQL for it: run over the real table as it was at
// the moment, it gives the same number if the rows are the same.
package state
