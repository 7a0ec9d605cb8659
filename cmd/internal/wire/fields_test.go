package wire

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"testing"

	"github.com/tidemark-io/tidemark/cmd/internal/config"
	"github.com/tidemark-io/tidemark/pipeline/values"
)

// slowSchemas answers when it is told to.
type slowSchemas struct {
	go_   chan bool
	asked int
}

func (s *slowSchemas) ByID(ctx context.Context, id int) (values.Schema, error) {
	s.asked++
	select {
	case ok := <-s.go_:
		if !ok {
			return values.Schema{}, errors.New("registry is down")
		}
		return values.Schema{Type: values.TypeAvro, Text: `{"type":"record","name":"r","fields":[{"name":"customer","type":"string"},{"name":"n","type":"long"}]}`}, nil
	case <-ctx.Done():
		return values.Schema{}, ctx.Err()
	}
}

// avro is a framed record of that schema: customer "ann", n 21.
func avro(id uint32) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{0}, id), "\x06ann\x2a"...)
}

func readFields(t *testing.T, near *nearSchemas, value []byte) (found []string, ok bool) {
	t.Helper()
	var f config.Fields
	if err := f.UnmarshalText([]byte("customer=customer,n=n")); err != nil {
		t.Fatal(err)
	}
	set := fieldSet(f, FieldTrees(t.Context(), near))
	ok = set.Read(value, func(_ int, v []byte) { found = append(found, string(v)) })
	slices.Sort(found)
	return found, ok
}

// TestSealingDoesNotWaitForSchemas: what has no schema yet is unread, at once;
// the schema is asked for once, and what comes after it is read.
func TestSealingDoesNotWaitForSchemas(t *testing.T) {
	far := &slowSchemas{go_: make(chan bool)}
	near := newNearSchemas(far, slog.New(slog.DiscardHandler))
	defer near.Close()
	for range 3 {
		if found, ok := readFields(t, near, avro(7)); ok {
			t.Fatalf("read %q without a schema", found)
		}
	}
	far.go_ <- true
	near.working.Wait()
	if found, ok := readFields(t, near, avro(7)); !ok || !slices.Equal(found, []string{"21", "ann"}) || far.asked != 1 {
		t.Errorf("read %q, %t, after %d questions", found, ok, far.asked)
	}
	if found, ok := readFields(t, near, []byte(`{"customer":"bob"}`)); !ok || !slices.Equal(found, []string{"bob"}) {
		t.Errorf("JSON: %q", found)
	}
	if _, ok := readFields(t, near, []byte("some text")); ok {
		t.Error("text passes for a value without fields")
	}
}

// TestSchemasThatDoNotCome: one that fails is left alone for a while, their number
// is bounded, and Close ends what is asked.
func TestSchemasThatDoNotCome(t *testing.T) {
	far := &slowSchemas{go_: make(chan bool, 1)}
	near := newNearSchemas(far, slog.New(slog.DiscardHandler))
	far.go_ <- false
	readFields(t, near, avro(7))
	near.working.Wait()
	readFields(t, near, avro(7))
	near.Close()
	if far.asked != 1 {
		t.Errorf("asked %d times", far.asked)
	}
	for id := range maxNear + 100 {
		near.asked[id] = near.asked[7]
	}
	if _, err := near.ByID(t.Context(), 99_999); !errors.Is(err, values.ErrUnknownSchema) {
		t.Error(err)
	}
	near.working.Wait()
	if far.asked != 1 {
		t.Error(fmt.Sprint("asked after Close: ", far.asked))
	}
}
