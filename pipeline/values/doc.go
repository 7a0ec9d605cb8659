// Package values turns the bytes of record keys and values into trees that the
// rest of tidemark can look into.
//
// A tree is made of map[string]any, []any, string, json.Number, bool, nil and
// []byte, whatever the bytes were:
//
//	JSON           as it stands; numbers keep their digits
//	connect-JSON   {"schema":…,"payload":…} of Kafka Connect and Debezium: the
//	               payload, with the schema beside it as a Type
//	Avro           in Confluent's frame (a zero byte, four bytes of schema id)
//	JSON Schema    in the same frame
//	Protobuf       in the same frame: recognized, and not decoded
//	text, bytes    everything else
//
// Where a schema says what a number or a text means (a date, a decimal, a
// moment), the tree holds that meaning in one form, whichever way it came:
//
//	decimal                      json.Number with its scale, 12.50
//	date                         "2026-11-22"
//	time of day                  "04:49:22.000", as many digits as its unit has
//	timestamp                    "2026-11-22T04:49:22.000Z"
//	timestamp without a zone     "2026-11-22T04:49:22.000"
//
// What is outside the years 0 to 9999, such as Debezium's infinity, stays the
// number that it was.
//
// decode.go is where to start; avro.go and connect.go are the two kinds of
// schema, path.go and scan.go look things up: Get in a tree, Scan in the bytes
// of JSON without making a tree.
//
// Whatever comes in, memory stays in proportion to it (limits.go): records
// come from anybody who may produce.
package values
