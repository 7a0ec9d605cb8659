package load

import (
	"math"
	"math/rand/v2"
)

// shape gives values the size and the compressibility that were asked for. The
// sizes keep the distribution they have by nature, times scale.
type shape struct {
	scale float64 // 0 leaves values as they are
	limit int     // bytes of key and value, for the long tail of large orders
	// random is the share of a value that nothing can compress, in (0, 1), or,
	// below 0, the share that is all the same.
	random float64
	rng    *rand.Rand
}

// maxTail bounds an event, as a multiple of the average.
const maxTail = 8

// noteName begins the field that fills a value up, and noteCost is its length
// with the quotes and without the comma's need for a field in front.
const (
	noteName = `,"note":"`
	noteCost = len(noteName) + 2
)

// minValue is the length of the smallest value that is made.
const minValue = 32

func (s *shape) apply(e event) event {
	if e.value == nil || s.scale == 0 && s.random == 0 {
		return e
	}
	n := s.length(e)
	fill := int(math.Abs(s.random) * float64(n))
	text := cut(e.value, max(n-fill-noteCost, minValue-noteCost))
	if s.random == 0 && abs(n-len(e.value)) < noteCost {
		return e
	}
	e.value = s.fill(text, n, min(fill, max(n-len(text)-noteCost, 0)))
	return e
}

// length is how long an event's value is to be.
func (s *shape) length(e event) int {
	if e.value == nil || s.scale == 0 {
		return len(e.value)
	}
	n := int(math.Round(s.scale * float64(e.size())))
	return max(min(n, s.limit)-len(e.key), minValue)
}

func abs(n int) int { return max(n, -n) }

// fill adds a note so that the value is n bytes long: words, and at the end
// so many bytes of noise.
func (s *shape) fill(text []byte, n, noise int) []byte {
	b := make([]byte, 0, n+noteCost)
	b = append(b, text[:len(text)-1]...)
	b = append(b, noteName...)
	for len(b) < n-2-noise {
		b = append(b, words[s.rng.IntN(len(words))]...)
	}
	b = b[:max(min(len(b), n-2-noise), len(text)-1+len(noteName))]
	for range noise {
		b = append(b, s.letter())
	}
	return append(b, '"', '}')
}

// letter is one of 64, so that noise stays text; six bits in eight is as close
// to noise as JSON gets.
func (s *shape) letter() byte {
	if s.random < 0 {
		return '.'
	}
	return alphabet[s.rng.Uint32()&63]
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

// words are what people write beside an order.
var words = [...]string{
	"please ", "leave ", "the ", "parcel ", "with ", "neighbour ", "at ", "door ", "ring ", "twice ", "gift ", "wrap ", "no ", "invoice ", "in ",
	"box ", "call ", "before ", "delivery ", "after ", "six ", "second ", "floor ", "left ", "entrance ", "fragile ", "keep ", "upright ", "do ",
	"not ", "bend ", "birthday ", "surprise ", "for ", "Ada ", "from ", "all ", "of ", "us ", "thank ", "you ", "replacement ", "broken ", "item ",
	"see ", "ticket ", "colour ", "blue ", "size ", "medium ", "larger ", "than ", "last ", "time ", "and ", "a ", "card ", "inside ", "it ", "is ",
	"urgent ", "monday ", "friday ", "weekend ",
}

// cut shortens a JSON object to at most n bytes by leaving out its last fields.
// The first field stays.
func cut(object []byte, n int) []byte {
	if len(object) <= n {
		return object
	}
	end, depth, quoted := 0, 0, false
	for i := 0; i < len(object); i++ {
		switch c := object[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		case c == ',' && depth == 1:
			if end > 0 && i+1 > n {
				return closed(object, end)
			}
			end = i
		}
	}
	if end == 0 {
		return object
	}
	return closed(object, end)
}

// closed ends an object behind a field.
func closed(object []byte, end int) []byte {
	out := make([]byte, end+1)
	copy(out, object[:end])
	out[end] = '}'
	return out
}
