// Package cell knows the values of a table: their kinds, their texts, and how
// the types of Debezium, Kafka Connect and plain JSON become them.
//
// The text of a cell is what PostgreSQL prints for the value with ISO dates, in
// UTC: "12.50", "2024-03-03 12:00:00.5", "f". It is exact, every database reads
// it, and a checksum over texts can be computed by the database itself. Only
// bytes stand as they are, and arrays as a JSON array of such texts.
package cell

// Kind says what the cells of a column hold.
type Kind uint8

// The kinds.
const (
	Unknown Kind = iota // nothing but nulls so far
	Bool
	Int
	Numeric // any precision
	Float32
	Float64
	Text
	Bytes
	Date
	Time // of day, without a zone
	TimeTZ
	Timestamp // without a zone
	TimestampTZ
	Interval
	UUID
	Bits
	JSON
	kinds

	// Absent is a value that the database did not write into its log because it
	// was not changed: it is the one before.
	Absent Kind = 0x3f

	arrayBit Kind = 0x40
)

// names are PostgreSQL's, which are those of SQL where SQL has them.
var names = [kinds]string{
	"text", "boolean", "bigint", "numeric", "real", "double precision", "text", "bytea", "date", "time", "time with time zone",
	"timestamp", "timestamp with time zone", "interval", "uuid", "bit varying", "jsonb",
}

// ArrayOf returns the kind of an array of such elements: JSON where they are
// arrays or JSON themselves.
func ArrayOf(k Kind) Kind {
	if k >= kinds || k == JSON || k == Unknown || k == Bytes {
		return JSON
	}
	return k | arrayBit
}

// Element returns the kind of an array's elements.
func (k Kind) Element() (Kind, bool) { return k &^ arrayBit, k&arrayBit != 0 }

// String names the type of a column in PostgreSQL.
func (k Kind) String() string {
	element, array := k.Element()
	if element >= kinds {
		return "unknown"
	}
	if array {
		return names[element] + "[]"
	}
	return names[element]
}

func (k Kind) isNumber() bool { return k >= Int && k <= Float64 }

// Join returns the kind of a column that holds both. Numbers of different kinds
// are numeric, which holds every one of them; where one is JSON all are; other
// mixtures are text.
func Join(a, b Kind) Kind {
	_, arrayA := a.Element()
	_, arrayB := b.Element()
	switch {
	case a == b || b == Unknown:
		return a
	case a == Unknown:
		return b
	case a == JSON || b == JSON || arrayA || arrayB:
		return JSON
	case a == Float32 && b == Float64, a == Float64 && b == Float32:
		return Float64
	case a.isNumber() && b.isNumber():
		return Numeric
	}
	return Text
}
