package drill

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"path"
	"strconv"
	"strings"
	"time"
)

//go:embed page.tmpl
var pageText string

// HTML writes the evidence as one page for a person to read and keep: it loads
// nothing and runs no script. A result that was not signed has no file; the page
// then says so.
func (e *Evidence) HTML(w io.Writer) error {
	t, err := template.New("page").Funcs(template.FuncMap{
		"span": span, "size": size, "count": number, "time": clockTime, "percent": percent, "join": strings.Join,
	}).Parse(pageText)
	if err != nil {
		return fmt.Errorf("write the page of a drill: %w", err)
	}
	if err := t.Execute(w, pageOf(e)); err != nil {
		return fmt.Errorf("write the page of a drill: %w", err)
	}
	return nil
}

// page is what the template shows.
type page struct {
	*Result
	Verdict string
	Signed  bool
	// File is the name of the signed file; Digest and Signature are of it.
	File, Signer, Digest, Signature string
	Took                            int64
}

func pageOf(e *Evidence) page {
	r := e.Result
	p := page{Result: r, Verdict: verdicts[r.Outcome], Took: r.Ended.Sub(r.Started).Milliseconds(), Signed: len(e.File) > 0}
	if !p.Signed {
		return p
	}
	p.File, p.Signer = path.Base(e.Name.String()), e.Name.Writer.String()
	p.Digest = fmt.Sprintf("%x", sha256.Sum256(e.File))
	if l, err := looseParts(e.File); err == nil {
		p.Signature = base64.StdEncoding.EncodeToString(l.seal.Signature)
	}
	return p
}

var verdicts = map[Outcome]string{
	OutcomePassed: "What was archived came back, record by record, and every objective that could be measured was met.",
	OutcomeMissed: "What was archived came back, record by record, but an objective was missed.",
	OutcomeFailed: "Something is missing, different, added or damaged: see the findings.",
}

// number writes 1234567 as 1,234,567.
func number(v any) string {
	text := fmt.Sprint(v)
	digits := strings.TrimPrefix(text, "-")
	var b strings.Builder
	for i, r := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(r)
	}
	return text[:len(text)-len(digits)] + b.String()
}

func clockTime(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05.000 MST") }

func percent(share float64) string { return strconv.FormatFloat(100*share, 'g', 4, 64) + " %" }
