package config

import (
	"slices"
	"strings"
	"testing"
)

func parseTopics(t *testing.T, topics string, environ ...string) (*Config, error) {
	t.Helper()
	return parse("tidemark.yaml", []byte(onlyRegions(t)+"topics:\n"+topics), environ)
}

// onlyRegions is the part of the example that has no default.
func onlyRegions(t *testing.T) string {
	text := onlyYours(readExample(t))
	return text[:strings.Index(text, "kafka:")]
}

func TestFields(t *testing.T) {
	c, err := parseTopics(t, `  - name: orders
    fields: {customer: user_id, email: [after.email, $.before.email]}
  - {name: plain}
  - pattern: 'o.*'
    fields: {other: x}
`)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.FieldsOf("orders").Names(); !slices.Equal(got, []string{"customer", "email"}) {
		t.Errorf("orders has %v", got)
	}
	email := c.FieldsOf("orders").Named("email")
	if p := email.Paths(); len(p) != 2 || p[0].String() != "after.email" || p[1].String() != "before.email" {
		t.Errorf("paths %v", p)
	}
	if got := c.FieldsOf("odd").Names(); !slices.Equal(got, []string{"other"}) {
		t.Errorf("odd has %v", got)
	}
	if c.FieldsOf("plain") != nil || c.FieldsOf("topic") != nil || c.FieldsOf("orders").Named("x") != nil {
		t.Error("fields where none are")
	}
}

func TestFieldsFromTheEnvironment(t *testing.T) {
	c, err := parseTopics(t, "  - name: orders\n", "TIDEMARK_TOPICS_0_FIELDS=customer=user_id, email=after.email|before.email")
	if err != nil {
		t.Fatal(err)
	}
	f := c.FieldsOf("orders")
	if !slices.Equal(f.Names(), []string{"customer", "email"}) || len(f.Named("email").Paths()) != 2 {
		t.Errorf("fields %v", f.Names())
	}
}

func TestFieldsAreRefused(t *testing.T) {
	many := strings.Repeat("x", 0)
	for i := range 17 {
		many += string(rune('a'+i)) + ": p, "
	}
	for text, want := range map[string]string{
		"customer":                  "topics[0].fields",
		"[customer]":                "topics[0].fields",
		"{customer: 42}":            "topics[0].fields.customer",
		"{customer: }":              "topics[0].fields.customer",
		"{customer: []}":            "topics[0].fields.customer",
		"{customer: [[a]]}":         "topics[0].fields.customer",
		"{customer: 'a..b'}":        "topics[0].fields.customer",
		"{cust omer: a}":            "topics[0].fields.cust omer",
		"{a: x, b: y, 'a': z}":      "already defined",
		"{" + many + "z: p}":        "want at most 16",
		"{customer: {path: a}}":     "topics[0].fields.customer",
		"{customer: '[x]'}":         "want a number from 0",
		"{'customer=42': customer}": "want letters",
	} {
		if _, err := parseTopics(t, "  - name: orders\n    fields: "+text+"\n"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := parseTopics(t, "  - name: orders\n", "TIDEMARK_TOPICS_0_FIELDS=customer"); err == nil {
		t.Error("a field without a path was taken from the environment")
	}
}
