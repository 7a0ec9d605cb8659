package config

import (
	"reflect"
	"slices"
	"strings"
)

// suggest returns ", did you mean …?" when a key is nearly the unknown name,
// and otherwise the list of keys that would fit there.
func suggest(v reflect.Value, name string) string {
	var names []string
	for i := range v.NumField() {
		if n := fieldName(v.Type().Field(i)); n != "" {
			names = append(names, n)
		}
	}
	best := slices.MinFunc(names, func(a, b string) int { return distance(a, name) - distance(b, name) })
	if distance(best, name) <= 2 {
		return ", did you mean " + best + "?"
	}
	return ": want one of " + strings.Join(names, ", ")
}

// distance is Levenshtein's: how many letters must change.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		above := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := above
			if a[i] != b[j] {
				change++
			}
			above = row[j+1]
			row[j+1] = min(change, above+1, row[j]+1)
		}
	}
	return row[len(b)]
}
