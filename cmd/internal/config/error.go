package config

import (
	"fmt"
	"strings"
)

// Error is a mistake in the configuration. It names where the value stands:
// a line of the file, or an environment variable.
type Error struct {
	// File is the configuration file as it was named on the command line, or
	// empty where a value turned out to be wrong only when it was used.
	File string
	// Line and Column count from 1; 0 means that the file does not hold the key.
	Line, Column int
	// Variable is the environment variable that set the value, or empty.
	Variable string
	// Key is the path of the key, such as "regions[0].url", or empty.
	Key string
	Err error
}

// Error returns "tidemark.yaml:12:9: segment.size: must be above 0".
func (e *Error) Error() string {
	var b strings.Builder
	switch {
	case e.Variable != "":
		b.WriteString(e.Variable)
	case e.Line > 0:
		fmt.Fprintf(&b, "%s:%d:%d", e.File, e.Line, e.Column)
	default:
		b.WriteString(e.File)
	}
	for _, part := range []string{e.Key, e.Err.Error()} {
		if part != "" && b.Len() > 0 {
			b.WriteString(": ")
		}
		b.WriteString(part)
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// origin is where a value came from.
type origin struct {
	line, column int
	variable     string
}

// source remembers where every key that was set stands, so that a rule broken
// later can still name the line.
type source struct {
	file string
	at   map[string]origin
}

// has reports whether the file or the environment set the key.
func (s source) has(key string) bool {
	_, ok := s.at[key]
	return ok
}

// wrong returns an Error at the key, or at the nearest key above it that is
// there: where something is missing, that is where it belongs.
func (s source) wrong(key, format string, args ...any) *Error {
	e := &Error{File: s.file, Key: key, Err: fmt.Errorf(format, args...)}
	for at := key; at != ""; at = parent(at) {
		if o, ok := s.at[at]; ok {
			e.Line, e.Column, e.Variable = o.line, o.column, o.variable
			break
		}
	}
	return e
}

// parent cuts the last step off a key: "a[0].b" to "a[0]" to "a" to "".
func parent(key string) string {
	return key[:max(strings.LastIndexAny(key, ".["), 0)]
}

// child adds a step to a key.
func child(key, name string) string {
	if key == "" {
		return name
	}
	return key + "." + name
}

func element(key string, i int) string { return fmt.Sprintf("%s[%d]", key, i) }
