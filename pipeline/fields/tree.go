package fields

import "encoding/json"

// walk is scan over a tree that a decoder made.
func (p *place) walk(tree any, found func(i int, value []byte), depth int) bool {
	if depth > maxDepth {
		return false
	}
	switch v := tree.(type) {
	case map[string]any:
		return p.walkObject(v, found, depth)
	case []any:
		return p.walkArray(v, found, depth)
	case string:
		p.tell([]byte(v), found)
	case []byte:
		p.tell(v, found)
	case json.Number:
		p.tell(appendNumber(nil, []byte(v)), found)
	case bool:
		p.tell(boolean(v), found)
	}
	return true
}

func (p *place) walkObject(object map[string]any, found func(i int, value []byte), depth int) bool {
	for _, k := range p.keys {
		if child, ok := object[k.name]; ok && !k.to.walk(child, found, depth+1) {
			return false
		}
	}
	return true
}

func (p *place) walkArray(array []any, found func(i int, value []byte), depth int) bool {
	for i, child := range array {
		if to := p.number(i); to != nil && !to.walk(child, found, depth+1) {
			return false
		}
		if _, nested := child.([]any); !nested && !p.walk(child, found, depth+1) {
			return false
		}
	}
	return true
}

// tell reports a value to the rules whose paths end here.
func (p *place) tell(value []byte, found func(i int, value []byte)) {
	for _, i := range p.rules {
		found(i, value)
	}
}

func boolean(v bool) []byte {
	if v {
		return []byte("true")
	}
	return []byte("false")
}
