package cell

import "github.com/tidwall/gjson"

// Type is how a schema describes a value.
type Type struct {
	// Base is Connect's: boolean, int8 to int64, float, double, string, bytes,
	// struct, array, map.
	Base string
	// Name is the meaning, such as io.debezium.time.Date; empty if there is none.
	Name string
	// Scale is a decimal's, Length the bits of a bit string.
	Scale, Length int
	Items         *Type   // of an array
	Fields        []Field // of a struct
}

// Field is a named part of a struct.
type Field struct {
	Name string
	Type *Type
}

// Field returns the type of a field, nil if there is none. The search begins at
// a guess: values mostly come in the order of their schema.
func (t *Type) Field(name string, guess int) *Type {
	if t == nil {
		return nil
	}
	if guess < len(t.Fields) && t.Fields[guess].Name == name {
		return t.Fields[guess].Type
	}
	for i := range t.Fields {
		if t.Fields[i].Name == name {
			return t.Fields[i].Type
		}
	}
	return nil
}

// ConnectType reads the schema part of Kafka Connect's JSON.
func ConnectType(schema gjson.Result) *Type {
	if !schema.IsObject() {
		return nil
	}
	t := &Type{Base: schema.Get("type").String(), Name: schema.Get("name").String()}
	t.Scale = int(schema.Get("parameters.scale").Int())
	t.Length = int(schema.Get("parameters.length").Int())
	t.Items = ConnectType(schema.Get("items"))
	schema.Get("fields").ForEach(func(_, field gjson.Result) bool {
		t.Fields = append(t.Fields, Field{field.Get("field").String(), ConnectType(field)})
		return true
	})
	return t
}
