package config

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestMarks(t *testing.T) {
	if m := mustLoad(t, small).Marks; m.Every.Std() != time.Minute || !slices.Equal(m.Groups, []GroupChoice{{Pattern: ".*"}}) {
		t.Errorf("%+v", m)
	}
	if m := mustLoad(t, small+"marks: {every: 1s, groups: []}\n").Marks; m.Every.Std() != time.Second || len(m.Groups) != 0 {
		t.Errorf("%+v", m)
	}
	if m := mustLoad(t, small+"marks:\n  groups: [{name: a}, {pattern: 'b.*'}]\n").Marks; !slices.Equal(m.Groups, []GroupChoice{{Name: "a"}, {Pattern: "b.*"}}) {
		t.Errorf("%+v", m)
	}
	for text, want := range map[string]string{
		"marks: {every: 999ms}\n":                          ":10:9: marks.every: 999ms is below 1s",
		"marks: {every: 2h}\n":                             ":10:9: marks.every: 2h0m0s is above 1h0m0s",
		"marks:\n  groups: [{name: a, pattern: b}]\n":      "marks.groups[0]: want either name or pattern",
		"marks:\n  groups: [{}]\n":                         "marks.groups[0]: want either name or pattern",
		"marks:\n  groups: [{pattern: a}, {pattern: '('}]": "marks.groups[1].pattern: error parsing regexp",
	} {
		if _, err := load(t, small+text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}
