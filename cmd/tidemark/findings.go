package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/tidemark-io/tidemark/cmd/internal/ui"
	"github.com/tidemark-io/tidemark/pipeline/cover"
)

// writeFindings tells a person what was found, and what to do about it.
func writeFindings(w io.Writer, findings []cover.Finding) error {
	for _, f := range findings {
		if _, err := fmt.Fprintf(w, "\n%s\n  %s\n", ui.Printable(f.String()), ui.Printable(f.Advice)); err != nil {
			return err
		}
	}
	if len(findings) > 0 {
		fmt.Fprintln(w)
	}
	return nil
}

// refuseFindings is the verb's error where anything was found.
func refuseFindings(findings []cover.Finding) error {
	if len(findings) == 0 {
		return nil
	}
	return refused(errors.New(plural(len(findings), "finding")))
}

// plural writes a number of things.
func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
