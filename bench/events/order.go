package events

import (
	"crypto/sha256"
	"math"
)

// status is how far an order has come.
type status uint8

const (
	statusNone status = iota // a free slot
	statusCreated
	statusPaid
	statusShipped
	statusDelivered
	statusReturned
	statusDeleted
)

var (
	eventTypes  = [...]string{"", "OrderCreated", "OrderPaid", "OrderShipped", "OrderDelivered", "OrderReturned", "OrderDeleted"}
	statusNames = [...]string{"", "created", "paid", "shipped", "delivered", "returned", "deleted"}
	payments    = [...]string{"card", "invoice", "sepa_debit", "wallet"}
	currencies  = [...]string{"EUR", "EUR", "EUR", "USD", "GBP", "JPY", "CHF"}
)

// maxItems makes the longest OrderCreated about 64 KB.
const maxItems = 1_450

// order is all that is kept of an order under way. Its items follow from the seed.
type order struct {
	id       int64
	user     int
	created  int64 // ms
	cents    int64
	seed     uint64
	items    int
	currency uint8
	status   status
}

// newOrder draws an order. The number of items has a Pareto tail.
func (g *Generator) newOrder(user int, at int64) order {
	o := order{
		id:       g.ids.next(at),
		user:     user,
		created:  at,
		seed:     g.rng.Uint64(),
		items:    int(min(math.Pow(1-g.rng.Float64(), -1/1.5), maxItems)),
		currency: uint8(g.rng.IntN(len(currencies))),
		status:   statusCreated,
	}
	for i := range o.items {
		_, qty, price := o.item(i)
		o.cents += qty * price
	}
	return o
}

// item derives one item: number of the article, quantity, price in cents.
func (o *order) item(i int) (sku, qty, price int64) {
	r := mix(o.seed + uint64(i))
	return int64(r % 90_000), int64(r>>20&3*(r>>22&1)) + 1, int64(r>>32%20_000) + 99
}

// following draws what happens next: one in five delivered orders is returned,
// two in five are deleted in the end. That is five records an order, tombstones
// counted.
func (g *Generator) following(s status) status {
	if s < statusDelivered {
		return s + 1
	}
	if s == statusDelivered && g.rng.IntN(5) == 0 {
		return statusReturned
	}
	if g.rng.IntN(5) < 2 {
		return statusDeleted
	}
	return statusNone
}

// encodeOrder writes the event of the status that the order has just reached.
func (g *Generator) encodeOrder(o *order, at int64) Event {
	g.followed = eventTypes[o.status]
	b := append(g.value[:0], '{')
	b = appendText(b, "event_type", g.followed)
	b = appendIntText(b, "event_id", g.ids.next(at))
	b = appendIntText(b, "order_id", o.id)
	if o.status != statusDeleted {
		b = appendUser(b, o.user)
		b = appendCents(appendName(b, "amount"), o.cents)
		b = appendText(b, "currency", currencies[o.currency])
		b = appendHex(appendName(b, "device_id"), mix(o.seed+1<<41))
	}
	if o.status == statusCreated {
		b = g.appendCreated(b, o)
	}
	b = appendHex(appendName(b, "consent_token"), mix(o.seed+1<<40))
	b = append(appendInt(appendName(b, "ts"), at), '}')
	return g.event(Orders, appendInt(g.key[:0], o.id), b)
}

// appendCreated adds what only the first event tells. The checksum is SHA-256
// of the items' JSON.
func (g *Generator) appendCreated(b []byte, o *order) []byte {
	g.items = o.appendItems(g.items[:0])
	sum := sha256.Sum256(g.items)
	b = append(appendName(b, "items"), g.items...)
	return appendHexBytes(appendName(b, "checksum"), sum[:])
}

func (o *order) appendItems(b []byte) []byte {
	b = append(b, '[')
	for i := range o.items {
		if i > 0 {
			b = append(b, ',')
		}
		sku, qty, price := o.item(i)
		b = append(appendName(append(b, '{'), "sku"), `"A-`...)
		b = append(appendInt(b, sku+10_000), '"')
		b = appendInt(appendName(b, "qty"), qty)
		b = append(appendCents(appendName(b, "price"), price), '}')
	}
	return append(b, ']')
}
