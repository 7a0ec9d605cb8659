// Package export writes what a restore plan brings back into files, or to a
// stream, instead of into Kafka. Make the plan without a Kafka client: then it
// says nothing of a target.
//
// # Formats
//
// [JSONLines]: a line a record, with the field names of kcat -J; package
// jsonline has the rules.
//
// [CSV]: RFC 4180, with a header line. A cell cannot tell null from empty, or
// hold bytes that are not text, so key and value have a cell beside them that
// says how to read them:
//
//	null     there is none; the cell is empty
//	text     the cell is the bytes, as UTF-8
//	base64   the bytes in base64 (RFC 4648, section 4): they are not UTF-8, or hold
//	         control characters other than tab and line feed, which readers of CSV
//	         change or refuse
//	guarded  text behind one apostrophe, which is to be taken off: it begins with a
//	         character that makes a spreadsheet run the cell as a formula (= + - @, a
//	         tab or a line feed, and the full-width forms of the first four)
//
// Headers are a JSON array of names and values in turn, as text or, where the
// cell beside it says base64, each in base64; it says null for a record without
// headers.
//
// [Parquet]: a row a record, with the columns topic, partition, offset, timestamp
// (ms, UTC), timestamp_type, key, value, and headers, a list of key and value.
// Keys and values are bytes, for Kafka does not say what they are, and null is
// not the same as empty. Pages are compressed with zstd.
//
// [Log]: segments of a Kafka log. Batches are as they were archived, with their
// offsets, leader epochs and producers; one that was cut is built anew with the
// offsets that its records had. One thing differs: what was committed is no
// longer marked as transactional, for its markers may lie behind the cut, and a
// read_committed consumer would wait for them for ever. There are no index
// files: a broker makes them when it loads a log that lacks them.
//
// # Files
//
// Each partition has a folder, as in a broker's log directory, and in it files
// named by the first offset that they hold:
//
//	DIR/orders-0/00000000000000000000.jsonl
//	DIR/orders-0/00000000000004711000.jsonl
//	DIR/manifest.json
//
// Folders and files carry the names of the target topics. A partition of which
// nothing comes back has no file. The manifest comes last: it names the plan,
// and each file with its records, bytes, offsets and SHA-256. Who finds it knows
// that the export is complete.
//
// # Coming back after a crash
//
// A file is written under another name, synced, renamed, and only then noted in
// unfinished.jsonl, which begins with the plan. The next run with the same
// request takes that plan, keeps every noted file whose SHA-256 is still right,
// removes what is not noted, and goes on behind the last offset of each
// partition. What exists after a crash
//
//	before unfinished.jsonl: an empty directory, or none
//	while a file is written: the finished ones, and one that is thrown away
//	between rename and note: a file that is thrown away
//	after manifest.json: a complete export; the next run checks it and is done
//
// A directory that holds anything else is refused.
package export
