package export

import (
	"fmt"
	"io"
	"testing"

	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/pipeline/restore"
)

// BenchmarkEncode is one batch of 500 orders into each format; a record is an
// op.
func BenchmarkEncode(b *testing.B) {
	const records = 500
	var spec batchSpec
	spec.options = recordbatch.Options{Codec: recordbatch.CodecZstd}
	for i := range int64(records) {
		spec.records = append(spec.records, recordbatch.Record{
			Offset: i, Timestamp: now + i, Key: fmt.Appendf(nil, "order-%08d", i),
			Value:   fmt.Appendf(nil, `{"event_id":"%d","order_id":"order-%08d","user_id":"user-%d","amount":"%d.%02d","currency":"EUR","ts":%d}`, i*7919, i, i%97, i%1000, i%100, now+i),
			Headers: []recordbatch.RecordHeader{{Key: []byte("event-type"), Value: []byte("OrderPaid")}},
		})
	}
	built, _ := spec.build(b, 0)
	batch := restore.Batch{Bytes: built, Whole: true, Count: records, Last: records - 1}
	for _, format := range Formats() {
		b.Run(string(format), func(b *testing.B) {
			e, err := newEncoder(format, "orders", 0, io.Discard, true, recordbatch.NewDecoder(0))
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for n := 0; n < b.N; n += records {
				if err := e.batch(batch); err != nil {
					b.Fatal(err)
				}
			}
			if err := e.close(); err != nil {
				b.Fatal(err)
			}
		})
	}
}
