package load

import (
	"encoding/json"
	"math/rand/v2"
	"testing"
)

// Whatever is left out or filled in, a value stays JSON and gets its size.
func TestShapedIsJSON(t *testing.T) {
	o := Options{Seed: 3}.withDefaults()
	for _, random := range []float64{0, 0.6, -0.6} {
		for _, scale := range []float64{0.3, 0.85, 1, 3, 15} {
			s := newSource(o, 0, 200)
			s.shape = shape{scale: scale, limit: 40_000, random: random, rng: rand.New(rand.NewPCG(1, 1))}
			for range 500 {
				raw := s.raw()
				e := s.shape.apply(raw)
				if raw.value == nil {
					continue
				}
				if !json.Valid(e.value) {
					t.Fatalf("scale %g, noise %g: not JSON: %s", scale, random, e.value)
				}
				want := int(scale*float64(raw.size())) - len(raw.key)
				if off := abs(len(e.value) - want); off > noteCost+1 && want > 60 {
					t.Fatalf("scale %g, noise %g: %d bytes, want %d: %s", scale, random, len(e.value), want, e.value)
				}
			}
		}
	}
}

func TestCut(t *testing.T) {
	const object = `{"a":"x,\"}","b":[1,{"c":2}],"d":{"e":3,"f":4},"g":5}`
	for n, want := range map[int]string{
		len(object):     object,
		len(object) - 1: `{"a":"x,\"}","b":[1,{"c":2}],"d":{"e":3,"f":4}}`,
		40:              `{"a":"x,\"}","b":[1,{"c":2}]}`,
		13:              `{"a":"x,\"}"}`,
		2:               `{"a":"x,\"}"}`,
	} {
		if got := string(cut([]byte(object), n)); got != want {
			t.Errorf("cut to %d: %s, want %s", n, got, want)
		}
	}
}
