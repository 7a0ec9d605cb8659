package rollup_test

import (
	"slices"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/codec/block"
	"github.com/tidemark-io/tidemark/codec/segment"
	"github.com/tidemark-io/tidemark/pipeline/rollup"
)

// wholeValue is a field: all of a value.
type wholeValue struct{ id block.FieldID }

func (f wholeValue) IDs() []block.FieldID { return []block.FieldID{f.id} }

func (f wholeValue) Read(value []byte, found func(int, []byte)) bool {
	found(0, value)
	return true
}

// TestFieldsAreMadeAnew: filters of a roll-up cover what is configured for its
// topic when it is made, though the small segments' covered none; without a
// configuration they cover the keys alone.
func TestFieldsAreMadeAnew(t *testing.T) {
	id := block.FieldID{3}
	for _, tt := range []struct {
		topic string
		want  []block.FieldID
	}{{"orders", []block.FieldID{id}}, {"others", nil}} {
		w := newWorld(t)
		w.row(0, 30, midnight, time.Hour)
		w.now = midnight.Add(8 * day)
		fields := func(topic string) segment.Fields {
			if topic == tt.topic {
				return wholeValue{id}
			}
			return nil
		}
		if _, err := w.run(rollup.Options{Fields: fields}, rollup.Request{}); err != nil {
			t.Fatal(err)
		}
		o := w.rolled(0, 240)
		f, err := o.Segment.Filter(0, o.Secret)
		if err != nil || !slices.Equal(f.Fields(), tt.want) {
			t.Fatalf("%s: the filter covers %v, %v", tt.topic, f.Fields(), err)
		}
		if nobody := f.Field(id).Contains([]byte("nobody")); nobody != (tt.want == nil) {
			t.Errorf("%s: nobody may be there: %t", tt.topic, nobody)
		}
	}
}
