package block_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/tidemark-io/tidemark/codec/block"
)

var customer, email = block.FieldID{1}, block.FieldID{2}

// covering builds a filter over a record key and two values of each field.
func covering(t testing.TB, keys *block.Keys, ids ...block.FieldID) []byte {
	t.Helper()
	hashes := []uint64{keys.Hash([]byte("order-1"))}
	for _, id := range ids {
		key, err := keys.Field(id)
		if err != nil {
			t.Fatal(err)
		}
		hashes = append(hashes, key.Hash([]byte("41")), key.Hash([]byte("42")))
	}
	out, ok, err := (&block.FilterBuilder{}).BuildCovering([]byte("front"), ids, hashes)
	if err != nil || !ok || !bytes.HasPrefix(out, []byte("front")) {
		t.Fatalf("build: %t, %v", ok, err)
	}
	return out[len("front"):]
}

// TestFilterCoversFields: a field that is covered says no to most values, one
// that is not says maybe to all; values and keys never stand for one another.
func TestFilterCoversFields(t *testing.T) {
	keys := keysOf(t, block.Secret{7}, 0)
	f, err := keys.ParseFilter(covering(t, keys, customer, email))
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Fields()) != 2 || !f.Contains([]byte("order-1")) || !f.Field(customer).Contains([]byte("42")) || !f.Field(email).Contains([]byte("41")) {
		t.Error("something is missing")
	}
	if !f.Field(block.FieldID{3}).Contains([]byte("x")) || !(*block.Filter)(nil).Field(customer).Contains([]byte("x")) {
		t.Error("a field that is not covered was ruled out")
	}
	wrong := 0
	for i := range 10_000 {
		if f.Field(customer).Contains(fmt.Appendf(nil, "other-%d", i)) {
			wrong++
		}
	}
	if wrong > 100 || f.Field(customer).Contains([]byte("order-1")) && f.Field(email).Contains([]byte("order-1")) && f.Contains([]byte("42")) {
		t.Errorf("%d of 10,000 values are let through, or keys pass for values", wrong)
	}
}

// TestFilterWithoutFields is as it was before there were fields.
func TestFilterWithoutFields(t *testing.T) {
	keys := keysOf(t, block.Secret{7}, 0)
	if out := covering(t, keys); out[0] != 1 {
		t.Errorf("kind %d", out[0])
	}
	empty, ok, err := (&block.FilterBuilder{}).BuildCovering(nil, []block.FieldID{customer}, nil)
	if err != nil || !ok || len(empty) != 2+8+1 {
		t.Fatalf("%d bytes, %t, %v", len(empty), ok, err)
	}
	f, err := keys.ParseFilter(empty)
	if err != nil || f.Contains([]byte("x")) || f.Field(customer).Contains([]byte("x")) || !f.Field(email).Contains([]byte("x")) {
		t.Errorf("an empty filter: %v", err)
	}
}

func TestHostileFieldFilters(t *testing.T) {
	keys := keysOf(t, block.Secret{7}, 0)
	good := covering(t, keys, customer, email)
	swapped := bytes.Clone(good)
	copy(swapped[2:], good[10:18])
	copy(swapped[10:], good[2:10])
	twice := append([]byte{2, 1}, bytes.Repeat([]byte{9}, 8)...)
	for name, bad := range map[string][]byte{
		"the kind alone":  {2},
		"no field":        {2, 0, 0},
		"cut in an id":    good[:15],
		"nothing behind":  good[:18],
		"not in order":    swapped,
		"one within one":  append(twice, good...),
		"more than 16":    append([]byte{2, 17}, bytes.Repeat([]byte{1, 2, 3, 4, 5, 6, 7, 8}, 18)...),
		"a byte too many": append(bytes.Clone(good), 0),
	} {
		if f, err := keys.ParseFilter(bad); f != nil || !errors.Is(err, block.ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, ids := range [][]block.FieldID{{email, customer}, {email, email}, make([]block.FieldID, 17)} {
		if block.CheckFields(ids) == nil {
			t.Errorf("%v was accepted", ids)
		}
	}
}
