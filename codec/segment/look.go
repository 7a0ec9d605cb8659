package segment

import (
	"errors"
	"fmt"

	"github.com/tidemark-io/tidemark/codec/block"
	"github.com/tidemark-io/tidemark/codec/recordbatch"
)

// Fields reads values of records by which blocks can be found, beside their
// keys. It must be safe for concurrent use: writers share one.
type Fields interface {
	// IDs stand for the rules of reading, in ascending order, at most
	// block.MaxFields of them. They are always the same.
	IDs() []block.FieldID
	// Read calls found for each value that the rules find in a record's value,
	// which is not null; i is the place of the rule among IDs. It is false if
	// the value cannot be read; what was found before is of no harm.
	Read(value []byte, found func(i int, value []byte)) bool
}

// fields are those that a writer's filters cover.
func (o *Options) fields() []block.FieldID {
	if o.Fields == nil || !o.Filter {
		return nil
	}
	return o.Fields.IDs()
}

// sight tells how much of a batch could be looked into for its block's filter.
type sight struct {
	tooLarge bool   // nothing: the block gets no filter
	unread   uint64 // values whose fields cannot be read
}

// look hashes the record keys of a batch, and the values of its fields, for the
// filter of its block.
func (w *Writer) look(keys *block.Keys, h recordbatch.Header, batch []byte) (sight, error) {
	if !w.options.Filter || h.IsControl() || h.Count == 0 {
		return sight{}, nil
	}
	t := w.options.Pool.getTools()
	defer w.options.Pool.putTools(t)
	return w.lookWith(t.decoder, keys, batch)
}

func (w *Writer) lookWith(d *recordbatch.Decoder, keys *block.Keys, batch []byte) (seen sight, err error) {
	if len(w.options.fields()) > 0 {
		seen.unread, err = w.hashPairs(d, keys, batch)
	} else {
		err = w.hash(d, keys, batch)
	}
	if err != nil {
		return unreadable(err)
	}
	return seen, nil
}

// unreadable judges why a batch could not be looked into: it may be sound, and
// only too large.
func unreadable(err error) (sight, error) {
	if large := (*recordbatch.TooLargeError)(nil); errors.As(err, &large) {
		return sight{tooLarge: true}, nil
	}
	return sight{}, fmt.Errorf("read keys: %w", err)
}

func (w *Writer) hash(d *recordbatch.Decoder, keys *block.Keys, batch []byte) error {
	for k, err := range d.Keys(batch) {
		if err != nil {
			return err
		}
		if k.Key != nil {
			w.scratch.hashes = append(w.scratch.hashes, keys.Hash(k.Key))
		}
	}
	return nil
}

func (w *Writer) hashPairs(d *recordbatch.Decoder, keys *block.Keys, batch []byte) (unread uint64, err error) {
	s, fields := w.scratch, w.options.Fields
	if err := s.useFields(keys, fields.IDs()); err != nil {
		return 0, err
	}
	for p, err := range d.Pairs(batch) {
		if err != nil {
			return 0, err
		}
		if p.Key != nil {
			s.hashes = append(s.hashes, keys.Hash(p.Key))
		}
		if p.Value != nil && !fields.Read(p.Value, s.found) {
			unread++
		}
	}
	return unread, nil
}

// useFields derives the keys of the fields, once a block.
func (s *scratch) useFields(keys *block.Keys, ids []block.FieldID) error {
	if s.fieldsOf == keys {
		return nil
	}
	s.fields = s.fields[:0]
	for _, id := range ids {
		key, err := keys.Field(id)
		if err != nil {
			return err
		}
		s.fields = append(s.fields, key)
	}
	s.fieldsOf = keys
	if s.found == nil {
		s.found = func(i int, value []byte) { s.hashes = append(s.hashes, s.fields[i].Hash(value)) }
	}
	return nil
}
