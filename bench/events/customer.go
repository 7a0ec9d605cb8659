package events

var (
	firstNames = [...]string{"Ada", "Bao", "Chloé", "Deniz", "Edda", "Farid", "Grace", "Hiro", "Inès", "Jürgen", "Kofi", "Łucja", "Mina", "Nils", "Olga", "Zoë"}
	lastNames  = [...]string{"Abe", "Brandt", "Çelik", "Dubois", "Eriksen", "Fischer", "García", "Haas", "Ito", "Jansen", "Kovač", "Lindqvist", "Müller", "Nowak", "O'Neill", "Weiß"}
	cities     = [...]string{"Lyon", "Köln", "Gdańsk", "Porto", "Malmö", "Turin", "Graz", "Cork"}
)

// customer is a row of the table customers. All columns follow from number and
// version.
type customer struct {
	version uint32 // 0: there is no row
}

// changeCustomer writes the row of one who orders for the first time, and now
// and then changes or deletes another.
func (g *Generator) changeCustomer(number int) {
	c := &g.customers[number]
	switch r := g.rng.IntN(400); {
	case c.version == 0:
		c.version++
		g.push(step{kind: customerRow, op: opCreate, number: number, version: c.version})
	case r == 0:
		g.push(step{kind: customerRow, op: opDelete, number: number, version: c.version})
		g.push(step{kind: customerRowTombstone, number: number})
		c.version = 0
	case r < 40:
		c.version++
		g.push(step{kind: customerRow, op: opUpdate, number: number, version: c.version})
	}
}

func appendCustomer(b []byte, number int, version uint32) []byte {
	r := mix(uint64(number)<<32 | uint64(version))
	who := mix(uint64(number))
	b = append(b, '{')
	b = appendInt(appendName(b, "customer_id"), int64(number))
	b = append(appendName(b, "name"), '"')
	b = append(b, firstNames[who%uint64(len(firstNames))]...)
	b = append(b, ' ')
	b = append(append(b, lastNames[who>>8%uint64(len(lastNames))]...), '"')
	b = append(appendName(b, "email"), `"c`...)
	b = append(appendInt(b, int64(number)), `@shop.example"`...)
	b = append(appendName(b, "phone"), `"+49`...)
	b = append(appendInt(b, int64(1_000_000_000+r%9_000_000_000)), '"')
	b = appendText(b, "city", cities[r>>8%uint64(len(cities))])
	b = append(appendName(b, "street"), `"Main Street `...)
	b = append(appendInt(b, int64(r>>16%300)+1), '"')
	b = append(appendName(b, "newsletter"), boolText(r>>40&1 == 0)...)
	b = appendCents(appendName(b, "credit_limit"), int64(r>>24%1_000_000))
	b = appendInt(appendName(b, "version"), int64(version))
	return append(b, '}')
}

func boolText(v bool) string {
	if v {
		return "true"
	}
	return "false"
}
