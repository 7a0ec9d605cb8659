package drill

import (
	"bytes"
	"context"
	"fmt"
	"iter"

	"github.com/tidemark-io/tidemark/codec/recordbatch"
	"github.com/tidemark-io/tidemark/pipeline/cover"
)

// pulled is a row of records that somebody else sets the pace of.
type pulled struct {
	next func() (kafkaRecord, error, bool)
	stop func()
	head *kafkaRecord // nil at the end
}

func pull(seq iter.Seq2[kafkaRecord, error]) *pulled {
	p := &pulled{}
	p.next, p.stop = iter.Pull2(seq)
	return p
}

// advance moves head on.
func (p *pulled) advance() error {
	rec, err, ok := p.next()
	p.head = nil
	if ok && err == nil {
		p.head = &rec
	}
	return err
}

// difference says in what two records differ, or "". Offsets are not looked at.
func difference(a *recordbatch.Record, k *kafkaRecord) string {
	switch {
	case a.Timestamp != k.ms:
		return fmt.Sprintf("its timestamp is %d archived and %d in Kafka", a.Timestamp, k.ms)
	case !sameBytes(a.Key, k.Key):
		return fmt.Sprintf("its key is another: %s archived, %s in Kafka", about(a.Key), about(k.Key))
	case !sameBytes(a.Value, k.Value):
		return fmt.Sprintf("its value is another: %s archived, %s in Kafka", about(a.Value), about(k.Value))
	case len(a.Headers) != len(k.Headers):
		return fmt.Sprintf("it has %d headers archived and %d in Kafka", len(a.Headers), len(k.Headers))
	}
	for i, h := range a.Headers {
		if string(h.Key) != k.Headers[i].Key || !sameBytes(h.Value, k.Headers[i].Value) {
			return fmt.Sprintf("its header %d is another in Kafka", i)
		}
	}
	return ""
}

// sameBytes tells null and empty apart.
func sameBytes(a, b []byte) bool { return (a == nil) == (b == nil) && bytes.Equal(a, b) }

// about tells of bytes without showing them, or anything made of them: a result
// is read by people who may not read the records.
func about(b []byte) string {
	if b == nil {
		return "null"
	}
	return fmt.Sprintf("%d bytes", len(b))
}

// bySource compares archived records with those of the source, by offset. They
// come in rising order. One goroutine owns it.
type bySource struct {
	reader *reader
	topic  sourceTopic
	stable int64
	to     int64 // ms: what is later was not to come back
	spans  []cover.Offsets
	wrong  *run
	counts *Counts

	source *pulled
}

// open begins to read the source's records in the spans.
func (c *bySource) open(ctx context.Context) {
	c.source = pull(func(yield func(kafkaRecord, error) bool) {
		for _, s := range c.spans {
			for rec, err := range c.reader.records(ctx, max(s.Base, c.reader.start), min(s.Next, c.stable)) {
				if err == nil && rec.ms > c.to {
					continue // the rule of the cut, on the source's side
				}
				if !yield(rec, err) || err != nil {
					return
				}
			}
		}
	})
}

func (c *bySource) close() { c.source.stop() }

// take compares one archived record with the source's.
func (c *bySource) take(rec *recordbatch.Record) error {
	for c.source.head != nil && c.source.head.Offset < rec.Offset {
		c.wrong.take(KindMissing, c.source.head.Offset, "the source cluster has it, and the archive does not give it back")
		if err := c.source.advance(); err != nil {
			return err
		}
	}
	if c.source.head == nil || c.source.head.Offset > rec.Offset {
		c.alone(rec)
		return nil
	}
	c.counts.Source++
	if text := difference(rec, c.source.head); text != "" {
		c.wrong.take(KindDiffers, rec.Offset, text)
	} else {
		c.wrong.right()
	}
	return c.source.advance()
}

// alone tells why the source does not have a record that the archive has.
func (c *bySource) alone(rec *recordbatch.Record) {
	switch {
	case rec.Offset < c.reader.start:
		c.counts.Expired++
	case rec.Offset >= c.stable:
		c.counts.Beyond++
	case c.topic.compacts && rec.Key != nil:
		c.counts.Compacted++
	default:
		c.wrong.take(KindAdded, rec.Offset, "the archive gives it back, and the source cluster does not have it, although its log covers the offset and is not compacted")
		return
	}
	c.wrong.right()
}

// end takes what only the source has.
func (c *bySource) end() error {
	for c.source.head != nil {
		c.wrong.take(KindMissing, c.source.head.Offset, "the source cluster has it, and the archive does not give it back")
		if err := c.source.advance(); err != nil {
			return err
		}
	}
	c.wrong.end()
	return nil
}

// byTarget compares what was to be restored with a scratch topic, one by one.
type byTarget struct {
	reader  *reader
	records int64 // in the scratch topic, as the restore says
	wrong   *run
	counts  *Counts
	target  *pulled
	next    int64 // the offset that the next one has to have
}

func (c *byTarget) open(ctx context.Context) { c.target = pull(c.reader.records(ctx, 0, c.records)) }

func (c *byTarget) close() { c.target.stop() }

func (c *byTarget) take(rec *recordbatch.Record) error {
	k := c.target.head
	if k == nil {
		c.wrong.take(KindNotRestored, rec.Offset, "it did not arrive in the scratch topic")
		return nil
	}
	c.counts.Target++
	text := difference(rec, k)
	if text == "" && k.Offset != c.next {
		text = fmt.Sprintf("it is at offset %d of the scratch topic, and not at %d", k.Offset, c.next)
	}
	if text != "" {
		c.wrong.take(KindNotRestored, rec.Offset, text)
	} else {
		c.wrong.right()
	}
	c.next++
	return c.target.advance()
}

// end finds what the scratch topic has too much.
func (c *byTarget) end() error {
	if k := c.target.head; k != nil {
		c.wrong.end()
		c.wrong.take(KindNotRestored, k.Offset, fmt.Sprintf("the scratch topic has more records, from its offset %d on", k.Offset))
	}
	c.wrong.end()
	return nil
}
