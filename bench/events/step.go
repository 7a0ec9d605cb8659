package events

// kind says what a record is about.
type kind uint8

const (
	orderEvent kind = iota
	orderTombstone
	orderRow
	orderRowTombstone
	customerRow
	customerRowTombstone
)

// op is Debezium's word for what happened to a row.
type op byte

const (
	opCreate op = 'c'
	opUpdate op = 'u'
	opDelete op = 'd'
	opRead   op = 'r'
)

// step is a record that was decided on and will be encoded when its turn comes.
type step struct {
	kind   kind
	op     op
	before status // of the order's row
	order  order
	// number and version are those of the customer's row.
	number  int
	version uint32
}

func (g *Generator) encode(s *step, at int64) Event {
	switch s.kind {
	case orderEvent:
		return g.encodeOrder(&s.order, at)
	case orderTombstone:
		return g.tombstone(Orders, appendInt(g.key[:0], s.order.id))
	case orderRow:
		return g.encodeOrderRow(s, at)
	case orderRowTombstone:
		return g.tombstone(OrderRows, appendRowKey(g.key[:0], "order_id", s.order.id))
	case customerRow:
		return g.encodeCustomerRow(s, at)
	default:
		return g.tombstone(CustomerRows, appendRowKey(g.key[:0], "customer_id", int64(s.number)))
	}
}

func (g *Generator) tombstone(topic string, key []byte) Event {
	g.key, g.followed = key, "Tombstone"
	return Event{Topic: topic, Key: key}
}

func (g *Generator) event(topic string, key, value []byte) Event {
	g.key, g.value = key, value
	return Event{Topic: topic, Key: key, Value: value}
}
