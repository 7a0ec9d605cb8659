package index

import (
	"errors"
	"reflect"
	"testing"
)

// TestDecodeDamage: no flipped bit and no cut gives an entry.
func TestDecodeDamage(t *testing.T) {
	e := entry(orders, 4)
	key := e.Range.String()
	good, err := e.encode()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := decode(key, good); err != nil || !reflect.DeepEqual(*got, e) {
		t.Fatalf("got %+v, %v", got, err)
	}
	for i := range good {
		good[i] ^= 0x10
		if got, err := decode(key, good); !errors.Is(err, ErrDamaged) || got != nil {
			t.Fatalf("byte %d flipped: %v", i, err)
		}
		good[i] ^= 0x10
		if _, err := decode(key, good[:i]); !errors.Is(err, ErrDamaged) {
			t.Fatalf("cut at %d: %v", i, err)
		}
	}
	tail := encodeTail("tail/a", 77)
	if _, err := decodeTail("tail/b", tail); !errors.Is(err, ErrDamaged) {
		t.Fatalf("a tail under another key: %v", err)
	}
	for i := range tail {
		tail[i] ^= 1
		if _, err := decodeTail("tail/a", tail); !errors.Is(err, ErrDamaged) {
			t.Fatalf("tail, byte %d flipped: %v", i, err)
		}
		tail[i] ^= 1
	}
}
