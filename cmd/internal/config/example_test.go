package config

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

const exampleFile = "../../tidemark/tidemark.example.yaml"

func readExample(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(exampleFile)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The example says the defaults: dropping every line that is not marked
// "yours" changes nothing.
func TestExampleIsTheDefaults(t *testing.T) {
	text := readExample(t)
	got, err := parse(exampleFile, []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	want, err := parse(exampleFile, []byte(onlyYours(text)), nil)
	if err != nil {
		t.Fatal(err)
	}
	got.source, want.source = source{}, source{}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the example says\n%+v\nthe defaults are\n%+v", got, want)
	}
}

func onlyYours(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		section := regexp.MustCompile(`^(regions|kafka|topics):\n`).MatchString(line)
		if section || strings.Contains(line, "# yours") {
			b.WriteString(line)
		}
	}
	return b.String()
}

var commentedOut = regexp.MustCompile(`(?m)^( *)#([a-z_]+: )`)

// Every key of the configuration stands in the example, and every key of the
// example, those commented out too, is known.
func TestExampleHasEveryKey(t *testing.T) {
	c := &Config{source: source{file: exampleFile, at: map[string]origin{}}}
	text := commentedOut.ReplaceAllString(readExample(t), "$1$2")
	if err := decode([]byte(text), c); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for key := range c.source.at {
		seen[anyPlace(key)] = true
	}
	for _, key := range leaves(reflect.TypeFor[Config](), "") {
		if !seen[key] {
			t.Errorf("%s is not in the example", key)
		}
	}
}

var place = regexp.MustCompile(`\[\d+\]`)

func anyPlace(key string) string { return place.ReplaceAllString(key, "[]") }

// leaves lists every key that takes a value, with [] for any place in a list.
func leaves(t reflect.Type, key string) []string {
	var all []string
	for i := range t.NumField() {
		f := t.Field(i)
		name := fieldName(f)
		if name == "" {
			continue
		}
		v, at := reflect.New(f.Type).Elem(), child(key, name)
		switch {
		case isLeaf(v) || isTexts(v):
			all = append(all, at)
		case isElements(v):
			all = append(all, leaves(f.Type.Elem(), at+"[]")...)
		default:
			all = append(all, leaves(f.Type, at)...)
		}
	}
	return all
}
