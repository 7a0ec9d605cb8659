package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tidemark-io/tidemark/cmd/internal/config"
	"github.com/tidemark-io/tidemark/pipeline/fields"
	"github.com/tidemark-io/tidemark/pipeline/find"
	"github.com/tidemark-io/tidemark/pipeline/values"
)

// conditions reads --field. Values of one field are alternatives.
func conditions(cfg *config.Config, topic string, flags []string) ([]find.Where, error) {
	var all []find.Where
	known := cfg.FieldsOf(topic)
	for _, text := range flags {
		rule, value, err := conditionOf(known, topic, text)
		if err != nil {
			return nil, usage(fmt.Errorf("--field %s: %w", text, err))
		}
		i := slices.IndexFunc(all, func(w find.Where) bool { return w.Rule.ID() == rule.ID() })
		if i < 0 {
			i = len(all)
			all = append(all, find.Where{Rule: rule})
		}
		all[i].Values = append(all[i].Values, value)
	}
	return all, nil
}

func conditionOf(known config.Fields, topic, text string) (*fields.Rule, string, error) {
	name, value, ok := cutField(text)
	if !ok {
		return nil, "", fmt.Errorf("want NAME=VALUE")
	}
	if strings.HasPrefix(name, "$") {
		path, err := values.ParsePath(name)
		if err != nil {
			return nil, "", err
		}
		rule, err := fields.NewRule("path", path)
		return rule, value, err
	}
	if rule := known.Named(name); rule != nil {
		return rule, value, nil
	}
	has := "it has none"
	if len(known) > 0 {
		has = "it has " + strings.Join(known.Names(), ", ")
	}
	return nil, "", fmt.Errorf("topic %s has no field %s in the configuration, %s: give a path, such as '$.%s'", topic, name, has, text)
}

// cutField cuts at the first = that is not within the quotes of a path.
func cutField(text string) (name, value string, ok bool) {
	quoted := false
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '\\' && quoted:
			i++
		case text[i] == '"':
			quoted = !quoted
		case text[i] == '=' && !quoted:
			return text[:i], text[i+1:], true
		}
	}
	return "", "", false
}
