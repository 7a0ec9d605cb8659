// Package demo shows tidemark's main job on one machine with nothing installed:
// `tidemark demo`.
//
// It starts an embedded Kafka broker (franz-go's kfake) and uses two
// directories as regions. A million order and CDC events go in, some in
// transactions that commit and some in ones that abort. The archiver is a
// process of its own, the same executable, and is killed with SIGKILL at a
// random moment in the middle and started again. Then the archive is verified,
// restored to a moment in the middle into topics beside the first ones, and
// searched for one order.
//
// Nothing of what tidemark says about itself is believed: every produced record
// is in a ledger (package bench/events), and both regions and the restored
// topics are read back and compared with it, record by record.
//
// Run tells the story in order, and the files follow it: workspace, broker,
// load (with lane, transactions, sample), archiver, readback, measure, restore,
// find, report, table. Processes are run in command.
package demo
