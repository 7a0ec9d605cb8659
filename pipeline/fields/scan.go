package fields

// maxDepth is how deep a value may be nested; package values has the same.
const maxDepth = 512

// retainBuffer is the most that a scanner keeps for the next value, in bytes.
const retainBuffer = 64 << 10

// scanner reads JSON (RFC 8259) in one pass: it checks all of it and tells of
// what stands where a path leads. It allocates nothing but room for texts with
// escapes, which it uses again. What a text holds beside escapes is not looked
// at: bytes that are not UTF-8 are a matter between producer and consumer.
type scanner struct {
	b     []byte
	at    int
	depth int
	found func(i int, value []byte)
	buf   []byte // a text whose escapes were undone, or a number's form
}

// scan reports whether b is one JSON value and nothing else.
func (s *scanner) scan(b []byte, top *place, found func(i int, value []byte)) bool {
	s.b, s.at, s.depth, s.found = b, 0, 0, found
	if !s.value(top) {
		return false
	}
	s.space()
	return s.at == len(s.b)
}

// release lets go of the value that was read.
func (s *scanner) release() {
	s.b, s.found = nil, nil
	if cap(s.buf) > retainBuffer {
		s.buf = nil
	}
}

func (s *scanner) space() {
	for s.at < len(s.b) && s.b[s.at] <= ' ' {
		switch s.b[s.at] {
		case ' ', '\t', '\r', '\n':
			s.at++
		default:
			return
		}
	}
}

// peek returns the next byte that is not white space, 0 at the end.
func (s *scanner) peek() byte {
	if s.at < len(s.b) && s.b[s.at] > ' ' {
		return s.b[s.at]
	}
	s.space()
	if s.at < len(s.b) {
		return s.b[s.at]
	}
	return 0
}

// value reads one value. Nobody is told of it where p is nil.
func (s *scanner) value(p *place) bool {
	switch c := s.peek(); c {
	case '{':
		return s.object(p)
	case '[':
		return s.array(p)
	case '"':
		return s.text(p)
	case 't':
		return s.word("true", p)
	case 'f':
		return s.word("false", p)
	case 'n':
		return s.word("null", nil)
	default:
		from := s.at
		if !s.number() {
			return false
		}
		if p != nil && len(p.rules) > 0 {
			s.buf = appendNumber(s.buf[:0], s.b[from:s.at])
			p.tell(s.buf, s.found)
		}
		return true
	}
}

func (s *scanner) word(word string, p *place) bool {
	end := s.at + len(word)
	if end > len(s.b) || string(s.b[s.at:end]) != word {
		return false
	}
	if p != nil {
		p.tell(s.b[s.at:end], s.found)
	}
	s.at = end
	return true
}

func (s *scanner) text(p *place) bool {
	raw, plain, ok := s.quoted()
	if ok && p != nil && len(p.rules) > 0 {
		p.tell(s.undone(raw, plain), s.found)
	}
	return ok
}

// undone returns a text without its escapes. It is valid until the next.
func (s *scanner) undone(raw []byte, plain bool) []byte {
	if plain {
		return raw
	}
	s.buf = unescape(s.buf[:0], raw)
	return s.buf
}

// quoted reads a text and returns what is between its quotes. It is plain
// without an escape.
func (s *scanner) quoted() (raw []byte, plain, ok bool) {
	b, from := s.b, s.at+1
	plain = true
	for i := from; ; {
		i = special(b, i)
		if i >= len(b) {
			return nil, false, false
		}
		switch b[i] {
		case '"':
			s.at = i + 1
			return b[from:i], plain, true
		case '\\':
			n := escapeSize(b[i:])
			if n == 0 {
				return nil, false, false
			}
			plain = false
			i += n
		default:
			return nil, false, false // a control character
		}
	}
}

func (s *scanner) object(p *place) bool {
	if s.depth++; s.depth > maxDepth {
		return false
	}
	s.at++
	if s.peek() == '}' {
		s.at++
		s.depth--
		return true
	}
	for {
		if s.peek() != '"' {
			return false
		}
		raw, plain, ok := s.quoted()
		if !ok {
			return false
		}
		to := s.child(p, raw, plain)
		if s.peek() != ':' {
			return false
		}
		s.at++
		if p != nil && s.depth == 1 && string(raw) == payload && !s.again(p) {
			return false
		}
		if !s.value(to) {
			return false
		}
		if more, ok := s.separator('}'); !more {
			return ok
		}
	}
}

// child returns where a key leads; nil if no path goes there.
func (s *scanner) child(p *place, raw []byte, plain bool) *place {
	if p == nil || len(p.keys) == 0 {
		return nil
	}
	if plain {
		for i := range p.keys {
			if p.keys[i].name == string(raw) {
				return p.keys[i].to
			}
		}
		return nil
	}
	return p.key(string(s.undone(raw, plain)))
}

// again reads the value that follows for other paths, and stays in front of it.
func (s *scanner) again(p *place) bool {
	at, depth := s.at, s.depth
	s.depth++ // Connect's payload is one step down: what is in it has no payload
	ok := s.value(p)
	s.at, s.depth = at, depth
	return ok
}

func (s *scanner) array(p *place) bool {
	if s.depth++; s.depth > maxDepth {
		return false
	}
	s.at++
	if s.peek() == ']' {
		s.at++
		s.depth--
		return true
	}
	for i := 0; ; i++ {
		if p != nil && len(p.numbers) > 0 {
			if to := p.number(i); to != nil && !s.again(to) {
				return false
			}
		}
		to := p
		if s.peek() == '[' {
			to = nil // in arrays of arrays only what a path gives a place
		}
		if !s.value(to) {
			return false
		}
		if more, ok := s.separator(']'); !more {
			return ok
		}
	}
}

// separator goes behind a comma, or behind the end of an object or array.
func (s *scanner) separator(end byte) (more, ok bool) {
	switch s.peek() {
	case ',':
		s.at++
		return true, true
	case end:
		s.at++
		s.depth--
		return false, true
	}
	return false, false
}

// number goes behind a number.
func (s *scanner) number() bool {
	b, i := s.b, s.at
	if i < len(b) && b[i] == '-' {
		i++
	}
	whole := digits(b[i:])
	if whole == 0 || whole > 1 && b[i] == '0' {
		return false
	}
	i += whole
	if i < len(b) && b[i] == '.' {
		n := digits(b[i+1:])
		if n == 0 {
			return false
		}
		i += 1 + n
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		n := digits(b[i:])
		if n == 0 {
			return false
		}
		i += n
	}
	s.at = i
	return true
}

// digits counts those at the front.
func digits(b []byte) int {
	for i, c := range b {
		if c < '0' || c > '9' {
			return i
		}
	}
	return len(b)
}
