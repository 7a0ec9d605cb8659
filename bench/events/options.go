package events

// The topics of a generator.
const (
	Orders       = "orders"
	OrderRows    = "cdc.orders"
	CustomerRows = "cdc.customers"
)

// Topics are all topics of a generator.
func Topics() []string { return []string{Orders, OrderRows, CustomerRows} }

// Options shape a stream. The zero value of a field means its default.
type Options struct {
	// Customers is how many there are, 20,000 by default. The first ones order
	// most.
	Customers int
	// OpenOrders is how many orders are under way at a time, 20,000 by default.
	// It decides how far apart the events of one order are: on average so many
	// other steps of orders.
	OpenOrders int
	// Jitter is the highest number of milliseconds that one in four records is
	// stamped too early, as producers on several machines do; 2,000 by default,
	// below 0 for none.
	Jitter int64
	// SnapshotRows is how many rows of each table the snapshot at the start
	// reads at most, 200 by default, below 0 for none.
	SnapshotRows int
	// Node is the machine number in the ids, 0 to 1023. Generators that run
	// side by side need different ones.
	Node int64
}

func (o Options) withDefaults() Options {
	o.Customers = orDefault(o.Customers, 20_000)
	o.OpenOrders = orDefault(o.OpenOrders, 20_000)
	o.Jitter = orDefault(o.Jitter, 2_000)
	o.SnapshotRows = orDefault(o.SnapshotRows, 200)
	return o
}

func orDefault[T int | int64](v, byDefault T) T {
	switch {
	case v == 0:
		return byDefault
	case v < 0:
		return 0
	default:
		return v
	}
}
