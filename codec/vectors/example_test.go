package vectors_test

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/tidemark-io/tidemark/codec/block"
)

// The worked example of FORMAT.md stands between these lines. TestUpdate writes
// it, TestExample compares it.
const (
	formatFile   = "../FORMAT.md"
	exampleFile  = "good-example.seg"
	exampleBegin = "<!-- example: made by go test ./codec/vectors -run TestUpdate -update -->\n"
	exampleEnd   = "<!-- end of example -->\n"
)

// TestExample holds FORMAT.md to the file that its example shows.
func TestExample(t *testing.T) {
	_, text, _ := splitFormat(t)
	if want := example(t); text != want {
		t.Errorf("the example in %s is not that of %s; want\n%s", formatFile, exampleFile, want)
	}
}

func splitFormat(t *testing.T) (before, text, after string) {
	t.Helper()
	b, err := os.ReadFile(formatFile)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(b), exampleBegin)
	text, after, found := strings.Cut(rest, exampleEnd)
	if !ok || !found {
		t.Fatalf("%s has no example", formatFile)
	}
	return before, text, after
}

func writeExample(t *testing.T) {
	t.Helper()
	before, _, after := splitFormat(t)
	text := before + exampleBegin + example(t) + exampleEnd + after
	if err := os.WriteFile(formatFile, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// printer prints a segment field by field.
type printer struct {
	data []byte
	at   int
	out  strings.Builder
}

func (p *printer) title(s string) { fmt.Fprintf(&p.out, "\n%s\n", s) }

func (p *printer) fields(list ...any) {
	for i := 0; i < len(list); i += 2 {
		p.field(list[i].(int), list[i+1].(string))
	}
}

// field prints the next n bytes, 24 a line.
func (p *printer) field(n int, name string) {
	for b := p.data[p.at : p.at+n]; len(b) > 0; name = "" {
		line := b[:min(24, len(b))]
		b = b[len(line):]
		fmt.Fprintln(&p.out, strings.TrimRight(fmt.Sprintf("%5d  %-48x  %s", p.at, line, name), " "))
		p.at += len(line)
	}
}

func (p *printer) value(name string, b []byte) {
	for ; len(b) > 0; name = "" {
		line := b[:min(32, len(b))]
		b = b[len(line):]
		fmt.Fprintf(&p.out, "%-15s %x\n", name, line)
	}
}

// example prints the segment of exampleFile: one block of one record, with a
// filter.
func example(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(exampleFile)
	if err != nil {
		t.Fatal(err)
	}
	p := &printer{data: data}
	p.out.WriteString("```\n")
	p.secrets(t)
	header := int(binary.BigEndian.Uint32(data[10:]))
	footer := len(data) - 84 - int(binary.BigEndian.Uint32(data[len(data)-12:]))
	stored := int(binary.BigEndian.Uint32(data[footer+header+72+8:]))
	p.title("header")
	p.header(header)
	p.title("block 0")
	p.fields(12, "nonce", stored-28, "ciphertext", 16, "tag")
	p.title("filter 0")
	p.fields(12, "nonce", footer-p.at-28, "ciphertext", 16, "tag")
	p.title("footer")
	p.header(header)
	p.fields(8, "next offset", 32, "previous digest", 4, "body CRC", 4, "blocks", 8, "batches", 8, "records", 8, "plain bytes",
		8, "position", 4, "stored length", 4, "plain length", 8, "block base", 8, "block next", 4, "batches", 8, "records",
		8, "highest timestamp", 8, "lowest timestamp", 1, "compression", 1, "flags", 32, "SHA-256", 32, "commitment",
		8, "filter position", 4, "filter length", 32, "filter SHA-256")
	p.title("trailer")
	p.fields(8, "signer id", 64, "signature", 4, "footer length", 8, "magic")
	p.out.WriteString("```\n")
	if p.at != len(data) {
		t.Fatalf("printed %d of %d bytes", p.at, len(data))
	}
	return p.out.String()
}

func (p *printer) header(size int) {
	p.fields(8, "magic", 2, "version", 4, "header length", 4, "algorithms", 16, "archive id", 16, "topic id", 4, "branch", 4, "parent branch",
		4, "partition", 8, "base offset", 16, "key page id", 2, "slot", 16, "writer id", 8, "created", 8, "retain until", 2, "topic name length",
		size-122, "topic name")
}

// secrets prints what is not in the file: the keys, derived by nothing but
// HKDF, the body and the name.
func (p *printer) secrets(t *testing.T) {
	t.Helper()
	m := loadManifest(t)
	at := slices.IndexFunc(m.Vectors, func(v vector) bool { return v.File == exampleFile })
	if at < 0 {
		t.Fatalf("no vector %s", exampleFile)
	}
	v := m.Vectors[at]
	_, log, err := readAll(t, v, p.data, m.trust(t))
	if err != nil {
		t.Fatal(err)
	}
	p.value("root key", m.Root)
	fmt.Fprintf(&p.out, "%-15s %s\n", "name", v.Name)
	p.keys(t, v.secret(t))
	p.value("body", log)
}

func (p *printer) keys(t *testing.T, secret block.Secret) {
	t.Helper()
	digest := sha256.Sum256(p.data[:binary.BigEndian.Uint32(p.data[10:])])
	key, err := hkdf.Key(sha256.New, secret[:], digest[:], "tidemark/1 block\x00\x00\x00\x00", 32)
	if err != nil {
		t.Fatal(err)
	}
	p.value("secret", secret[:])
	p.value("header digest", digest[:])
	p.value("block key", key)
	for _, k := range []struct {
		label string
		size  int
	}{{"body", 32}, {"filter", 32}, {"record keys", 16}} {
		b, err := hkdf.Expand(sha256.New, key, "tidemark/1 "+k.label, k.size)
		if err != nil {
			t.Fatal(err)
		}
		p.value("  "+k.label, b)
	}
}
