package capacity

// Line is one line of the monthly bill.
type Line struct {
	What     string  `json:"what"`
	Quantity float64 `json:"quantity"` // at full retention
	Unit     string  `json:"unit"`
	Price    float64 `json:"price"` // of a unit
	First    float64 `json:"first_month"`
	Year     float64 `json:"month_12"`
	Full     float64 `json:"full"`
}

// same is a line that costs the same in every month.
func same(what string, quantity float64, unit string, price float64) Line {
	cost := quantity * price
	return Line{What: what, Quantity: quantity, Unit: unit, Price: price, First: cost, Year: cost, Full: cost}
}

// lines are the bill. Storage grows until the retention is over; it is taken as
// it is at the end of the month. Everything else is as at full retention.
func (m model) lines(out Plan) []Line {
	n, w, p := float64(m.instances), m.w, m.prices
	month := daysAMonth * secondsADay
	second := only(w.Regions == 2, 1)
	lines := []Line{
		same("compute, cores", n*w.Machine.Cores*hoursAMonth, "vCPU-hours", p.VCPUHour),
		same("compute, memory", n*float64(w.Machine.Memory)/(1<<30)*hoursAMonth, "GiB-hours", p.GiBHour),
		same("PUT", out.Requests.Put/1000, "thousands", p.Put1000),
		same("GET", out.Requests.Get/1000, "thousands", p.Get1000),
		same("LIST", out.Requests.List/1000, "thousands", p.List1000),
		// A roll-up is written there and read back.
		same("between the regions", second*(m.average.sealed+2*m.rolled(m.average.sealed))*month/gb, "GB", p.CrossRegion),
		same("KMS calls", out.Requests.KMS/10_000, "ten thousands", p.KMS10000),
		same("KMS keys", float64(w.Regions), "keys", p.KMSKeyMonth),
	}
	if w.Monthly.Leaves {
		lines = append(lines, same("restores, out of the cloud", w.Monthly.Restores*m.average.sealed*secondsADay/gb, "GB", p.Egress))
	}
	return append(lines, m.storageLines()...)
}

func (m model) storageLines() []Line {
	first, year, full := m.tierBytes(daysAMonth), m.tierBytes(12*daysAMonth), m.tierBytes(m.w.RetentionDays)
	var lines []Line
	for i, t := range m.w.Tiers {
		price := m.prices.Storage[t.Class]
		lines = append(lines, Line{What: "storage, " + t.Class, Quantity: full[i] / gb, Unit: "GB-months", Price: price,
			First: first[i] / gb * price, Year: year[i] / gb * price, Full: full[i] / gb * price})
	}
	return lines
}
