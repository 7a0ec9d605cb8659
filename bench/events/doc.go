// Package events makes the records that tidemark is shown, tested and measured
// with: the orders of a shop and the change data capture (CDC) of its tables.
// It also remembers what was made, so that what comes back can be compared.
//
// A [Generator] yields one [Event] at a time, on three topics:
//
//	orders          OrderCreated, OrderPaid, OrderShipped, OrderDelivered, OrderReturned, OrderDeleted and its tombstone
//	cdc.orders      Debezium envelopes of the table orders, a tombstone after each delete
//	cdc.customers   the same of the table customers
//
// Customers come by Zipf's law, an order has five events on average and many
// other orders come between two of them. Most records have three headers; some
// repeat one, some have a null or an empty one, some have none. The same seed,
// options and times give the same events.
//
// A [Ledger] notes a [Sum] of every record at its place, and whether its
// transaction was committed. A [Check] then takes the records of one partition
// as somebody read them and counts what is lost, doubled, out of order, changed
// or should not be there. The ledger is the outside witness: it shares no code
// with what it judges but the record type.
package events
