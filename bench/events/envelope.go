package events

// encodeOrderRow writes the change of a row of the table orders as Debezium's
// PostgreSQL connector does, with the JSON converter, no schemas, REPLICA
// IDENTITY FULL and decimals as strings.
func (g *Generator) encodeOrderRow(s *step, at int64) Event {
	o := &s.order
	b := append(g.value[:0], `{"before":`...)
	switch s.op {
	case opUpdate:
		b = o.appendRow(b, s.before)
	case opDelete:
		b = o.appendRow(b, o.status)
	default:
		b = append(b, "null"...)
	}
	b = appendName(b, "after")
	if s.op == opDelete {
		b = append(b, "null"...)
	} else {
		b = o.appendRow(b, o.status)
	}
	b = g.appendSource(b, "orders", s.op, at)
	return g.event(OrderRows, appendRowKey(g.key[:0], "order_id", o.id), b)
}

func (o *order) appendRow(b []byte, s status) []byte {
	b = append(b, '{')
	b = appendInt(appendName(b, "order_id"), o.id)
	b = appendUser(b, o.user)
	b = appendText(b, "status", statusNames[s])
	b = appendCents(appendName(b, "amount"), o.cents)
	b = appendText(b, "currency", currencies[o.currency])
	b = appendInt(appendName(b, "item_count"), int64(o.items))
	b = appendHex(appendName(b, "consent_token"), mix(o.seed+1<<40))
	b = appendHex(appendName(b, "device_id"), mix(o.seed+1<<41))
	b = appendText(b, "warehouse", cities[o.seed>>8%uint64(len(cities))])
	b = appendText(b, "payment_method", payments[o.seed>>16%uint64(len(payments))])
	b = appendInt(appendName(b, "created_at"), o.created)
	return append(b, '}')
}

// encodeCustomerRow writes the change of a row of the table customers.
func (g *Generator) encodeCustomerRow(s *step, at int64) Event {
	b := append(g.value[:0], `{"before":`...)
	switch s.op {
	case opUpdate:
		b = appendCustomer(b, s.number, s.version-1)
	case opDelete:
		b = appendCustomer(b, s.number, s.version)
	default:
		b = append(b, "null"...)
	}
	b = appendName(b, "after")
	if s.op == opDelete {
		b = append(b, "null"...)
	} else {
		b = appendCustomer(b, s.number, s.version)
	}
	b = g.appendSource(b, "customers", s.op, at)
	return g.event(CustomerRows, appendRowKey(g.key[:0], "customer_id", int64(s.number)), b)
}

// appendSource writes the part of an envelope that says where the change stands
// in the database's log, and ends it.
func (g *Generator) appendSource(b []byte, table string, op op, at int64) []byte {
	g.followed = opNames(op)
	g.lsn += 56 + g.rng.Int64N(512)
	g.tx++
	snapshot := "false"
	if op == opRead {
		snapshot = "true"
	}
	b = append(appendName(b, "source"), `{"version":"3.2.0.Final","connector":"postgresql","name":"shop"`...)
	b = appendInt(appendName(b, "ts_ms"), at-2)
	b = appendInt(appendName(b, "ts_us"), (at-2)*1000+g.lsn%1000)
	b = appendText(b, "snapshot", snapshot)
	b = append(appendText(b, "db", "shop"), `,"sequence":"[null,\"`...)
	b = append(appendInt(b, g.lsn), `\"]","schema":"public"`...)
	b = appendText(b, "table", table)
	b = appendInt(appendName(b, "txId"), g.tx)
	b = appendInt(appendName(b, "lsn"), g.lsn)
	b = append(b, `,"xmin":null},"transaction":null,"op":"`...)
	b = append(b, byte(op), '"')
	b = appendInt(appendName(b, "ts_ms"), at)
	b = appendInt(appendName(b, "ts_us"), at*1000+g.lsn%1000)
	return append(b, '}')
}

func opNames(o op) string {
	switch o {
	case opCreate:
		return "RowCreated"
	case opUpdate:
		return "RowUpdated"
	case opDelete:
		return "RowDeleted"
	default:
		return "RowRead"
	}
}
