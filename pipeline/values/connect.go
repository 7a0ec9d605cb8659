package values

import "strconv"

// The two members of Connect's envelope.
const (
	connectSchema  = "schema"
	connectPayload = "payload"
)

// connectKinds are Connect's own types.
var connectKinds = map[string]Kind{
	"boolean": KindBoolean, "int8": KindInt, "int16": KindInt, "int32": KindInt, "int64": KindLong,
	"float": KindFloat, "float32": KindFloat, "double": KindDouble, "float64": KindDouble,
	"string": KindString, "bytes": KindBytes, "array": KindArray, "map": KindMap, "struct": KindRecord,
}

// connectParts takes Connect's envelope apart: an object of schema and payload
// and nothing else, where the schema is null or names one of Connect's types.
func connectParts(tree any) (schema, payload any, ok bool) {
	object, _ := tree.(map[string]any)
	schema, has := object[connectSchema]
	payload, ok = object[connectPayload]
	if len(object) != 2 || !has || !ok {
		return nil, nil, false
	}
	if schema == nil {
		return nil, payload, true
	}
	s, _ := schema.(map[string]any)
	name, _ := s["type"].(string)
	_, ok = connectKinds[name]
	return schema, payload, ok
}

func decodeConnect(schema, payload any) (Value, error) {
	v := Value{Tree: payload, Format: FormatConnect}
	if schema == nil {
		return v, nil
	}
	c := connector{budget: newBudget()}
	var err error
	if v.Type, err = c.typeOf(schema); err == nil {
		v.Tree, err = c.give(v.Type, payload)
	}
	if err != nil {
		return Value{}, &FormatError{Format: FormatConnect, At: -1, Err: err}
	}
	return v, nil
}

// connector reads one envelope. Depth is bounded by that of the JSON.
type connector struct{ budget *budget }

// typeOf reads one schema. What it does not know has no kind and stays as it
// is in the payload.
func (c connector) typeOf(schema any) (*Type, error) {
	if err := c.budget.take(0); err != nil {
		return nil, err
	}
	s, _ := schema.(map[string]any)
	name, _ := s["type"].(string)
	t := &Type{Kind: connectKinds[name]}
	t.Optional, _ = s["optional"].(bool)
	t.Name, _ = s["name"].(string)
	if t.Kind == KindBytes {
		t.render = base64Bytes
	}
	if err := c.inner(t, s); err != nil {
		return nil, err
	}
	c.parameters(t, s)
	if set := meanings[t.Name]; set != nil {
		set(t)
	}
	return t, nil
}

// inner reads the schemas within a struct, an array or a map.
func (c connector) inner(t *Type, s map[string]any) (err error) {
	switch t.Kind {
	case KindArray:
		t.Items, err = c.typeOf(s["items"])
	case KindMap:
		t.Items, err = c.typeOf(s["values"])
	case KindRecord:
		fields, _ := s["fields"].([]any)
		for _, f := range fields {
			object, _ := f.(map[string]any)
			name, _ := object["field"].(string)
			ft, err := c.typeOf(f)
			if err != nil {
				return err
			}
			t.Fields = append(t.Fields, Field{Name: name, Type: ft})
		}
	}
	return err
}

// parameters are texts, whatever they mean.
func (c connector) parameters(t *Type, s map[string]any) {
	p, _ := s["parameters"].(map[string]any)
	scale, _ := p["scale"].(string)
	precision, _ := p["connect.decimal.precision"].(string)
	t.Scale, _ = strconv.Atoi(scale)
	t.Precision, _ = strconv.Atoi(precision)
}

// give puts the meaning of a type into a value, in place.
func (c connector) give(t *Type, v any) (any, error) {
	if v == nil || t == nil {
		return v, nil
	}
	if err := c.giveInner(t, v); err != nil {
		return nil, err
	}
	if t.render == nil {
		return v, nil
	}
	v = t.render(t, v)
	text, _ := Text(v)
	return v, c.budget.take(len(text))
}

func (c connector) giveInner(t *Type, v any) (err error) {
	switch v := v.(type) {
	case map[string]any:
		for name := range v {
			if t.Kind == KindMap {
				v[name], err = c.give(t.Items, v[name])
			} else if f := t.Field(name); f != nil {
				v[name], err = c.give(f, v[name])
			}
			if err != nil {
				return err
			}
		}
	case []any:
		for i := range v {
			if v[i], err = c.give(t.Items, v[i]); err != nil {
				return err
			}
		}
	}
	return nil
}
