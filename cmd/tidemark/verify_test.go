package main

import (
	"strings"
	"testing"

	"github.com/tidemark-io/tidemark/pipeline/cover"
	"github.com/tidemark-io/tidemark/pipeline/verify"
)

func TestProven(t *testing.T) {
	for _, tt := range []struct {
		name   string
		report verify.Report
		want   string
	}{
		{"by checksums", verify.Report{}, "Everything is archived and signed, and the regions are equal. Contents stand\nby the stores' own"},
		{"every byte", verify.Report{Deep: true}, "Everything is archived, signed and whole, and the regions are equal."},
		{"gaps", verify.Report{Deep: true, Totals: verify.Totals{Known: 3}}, "Everything but 3 offsets in known gaps is archived"},
		{"findings", verify.Report{Findings: make([]cover.Finding, 2)}, "2 findings."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := proven(&tt.report); !strings.HasPrefix(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
