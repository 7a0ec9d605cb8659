package config

import (
	"encoding"
	"fmt"
	"reflect"
	"strconv"
)

// fieldName returns the YAML key of a struct's field, or "" for a field that is
// not part of the file.
func fieldName(f reflect.StructField) string { return f.Tag.Get("yaml") }

// textual returns the value as something that reads its own text form, or nil.
func textual(v reflect.Value) encoding.TextUnmarshaler {
	t, _ := v.Addr().Interface().(encoding.TextUnmarshaler)
	return t
}

// isLeaf reports whether a value of this kind is written as one text. A list
// of texts is one too in the environment.
func isLeaf(v reflect.Value) bool {
	return textual(v) != nil || v.Kind() != reflect.Struct && v.Kind() != reflect.Slice
}

// setText reads one value from its text form. The file and the environment
// both end here, so that they cannot differ in what they accept.
func setText(v reflect.Value, text string) error {
	if t := textual(v); t != nil {
		return t.UnmarshalText([]byte(text))
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil || len(text) == 1 {
			return fmt.Errorf("%q is neither true nor false", text)
		}
		v.SetBool(b)
	default:
		panic("config: a field of type " + v.Type().String() + " has no text form")
	}
	return nil
}
