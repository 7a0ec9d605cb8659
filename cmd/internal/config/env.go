package config

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// envPrefix begins the name of every variable that sets a key.
const envPrefix = "TIDEMARK_"

// foreign are the variables that Kubernetes sets in every pod beside a service
// whose name begins with "tidemark" (TIDEMARK_SERVICE_HOST,
// TIDEMARK_PORT_9464_TCP_ADDR). They are nobody's mistake. No key of ours has
// such a name; a test sees to it.
var foreign = regexp.MustCompile(`^TIDEMARK_(.+_)?(SERVICE_HOST|SERVICE_PORT(_.+)?|PORT(_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$`)

// overlay writes the environment ("NAME=value") over the configuration, in the
// order of the names, so that what it does never depends on the shell.
func overlay(environ []string, c *Config) error {
	var ours []string
	for _, kv := range environ {
		name, _, _ := strings.Cut(kv, "=")
		if strings.HasPrefix(name, envPrefix) && !foreign.MatchString(name) {
			ours = append(ours, kv)
		}
	}
	slices.SortFunc(ours, compareVariables)
	for _, kv := range ours {
		name, text, _ := strings.Cut(kv, "=")
		if err := c.setVariable(name, text); err != nil {
			return err
		}
	}
	return nil
}

// compareVariables sorts numbers by value, so that a list grows in order:
// TOPICS_2 before TOPICS_10.
func compareVariables(a, b string) int {
	as, bs := strings.Split(a, "_"), strings.Split(b, "_")
	return slices.CompareFunc(as, bs, func(x, y string) int {
		m, errM := strconv.Atoi(x)
		n, errN := strconv.Atoi(y)
		if errM == nil && errN == nil {
			return m - n
		}
		return strings.Compare(x, y)
	})
}

func (c *Config) setVariable(name, text string) error {
	v, key, err := find(reflect.ValueOf(c).Elem(), "", strings.TrimPrefix(name, envPrefix))
	if err == nil {
		err = setVariableText(v, text)
	}
	if err != nil {
		return &Error{File: c.source.file, Variable: name, Key: key, Err: err}
	}
	for at := key; at != ""; at = parent(at) {
		if o := c.source.at[at]; at == key || o.line == 0 {
			c.source.at[at] = origin{variable: name}
		}
	}
	return nil
}

// find goes down from v to the key that the rest of a variable's name spells.
func find(v reflect.Value, key, rest string) (reflect.Value, string, error) {
	for i := range v.NumField() {
		name := fieldName(v.Type().Field(i))
		after, ok := strings.CutPrefix(rest, strings.ToUpper(name))
		if name == "" || !ok {
			continue
		}
		f, at := v.Field(i), child(key, name)
		after, deeper := strings.CutPrefix(after, "_")
		switch {
		case after == "" && !deeper && (isLeaf(f) || isTexts(f)):
			return f, at, nil
		case deeper && isElements(f):
			return findElement(f, at, after)
		case deeper && !isLeaf(f) && f.Kind() == reflect.Struct:
			return find(f, at, after)
		}
	}
	return reflect.Value{}, key, errors.New("names no key of the configuration")
}

// isTexts reports whether v is a list of plain texts, set as a whole.
func isTexts(v reflect.Value) bool {
	return v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.String
}

// isElements reports whether v is a list whose elements have keys.
func isElements(v reflect.Value) bool {
	return v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Struct
}

// findElement goes on in one place of a list, or in the next new one.
func findElement(list reflect.Value, key, rest string) (reflect.Value, string, error) {
	number, rest, _ := strings.Cut(rest, "_")
	i, err := strconv.Atoi(number)
	if err != nil || i < 0 || i > maxListLength || strconv.Itoa(i) != number {
		return reflect.Value{}, key, fmt.Errorf("%q is not a place in a list: want a number from 0", number)
	}
	if i > list.Len() {
		return reflect.Value{}, key, fmt.Errorf("place %d would leave a hole: the list has %d", i, list.Len())
	}
	at := element(key, i)
	if i < list.Len() {
		return find(list.Index(i), at, rest)
	}
	grown := reflect.Append(list, reflect.Zero(list.Type().Elem()))
	v, at, err := find(grown.Index(i), at, rest)
	if err == nil {
		list.Set(grown)
	}
	return v, at, err
}

func setVariableText(v reflect.Value, text string) error {
	if !isTexts(v) {
		return setText(v, text)
	}
	var all []string
	for s := range strings.SplitSeq(text, ",") {
		if s = strings.TrimSpace(s); s != "" {
			all = append(all, s)
		}
	}
	v.Set(reflect.ValueOf(all))
	return nil
}
