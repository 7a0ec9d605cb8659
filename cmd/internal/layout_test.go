// Package internal holds no code of its own: only the test that keeps the
// layout of the repository, which CONTRIBUTING.md explains.
package internal

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	root   = "../.."
	module = "github.com/tidemark-io/tidemark/"
)

// folders are those at the root, and which of them each may import besides
// itself. pipeline and sinks never meet but in cmd and bench; nothing looks up.
var folders = map[string][]string{
	"codec":    {},
	"sinks":    {"codec"},
	"pipeline": {"codec"},
	"bench":    {"codec", "sinks", "pipeline"},
	"cmd":      {"codec", "sinks", "pipeline", "bench", "deploy"},
	"deploy":   {},
}

// codecImports is all that codec may use besides the standard library: what
// opens an archive must stay small enough to be read in an afternoon.
var codecImports = []string{
	"github.com/klauspost/compress",
	"github.com/pierrec/lz4/v4",
	"github.com/FastFilter/xorfilter",
	"github.com/dchest/siphash",
}

// source is one Go file.
type source struct {
	name string // below the root, with slashes
	file *ast.File
	set  *token.FileSet
}

func (s source) folder() string {
	top, _, _ := strings.Cut(s.name, "/")
	return top
}

func (s source) isTest() bool { return strings.HasSuffix(s.name, "_test.go") }

func (s source) imports(name string) bool {
	return slices.ContainsFunc(s.file.Imports, func(i *ast.ImportSpec) bool { return i.Path.Value == strconv.Quote(name) })
}

// sources parses every Go file of the repository.
func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		hidden := strings.HasPrefix(d.Name(), ".") && name != root
		if d.IsDir() && (hidden || d.Name() == "testdata") {
			return fs.SkipDir
		}
		if d.IsDir() || path.Ext(name) != ".go" {
			return nil
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, name, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		all = append(all, source{filepath.ToSlash(rel), file, set})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestImports(t *testing.T) {
	for _, s := range sources(t) {
		for _, spec := range s.file.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if s.isTest() && allowedInTests(name) {
				continue
			}
			if why := forbidden(s.folder(), name); why != "" {
				t.Errorf("%s imports %s: %s", s.set.Position(spec.Pos()), name, why)
			}
		}
	}
}

// allowedInTests reports whether a test may import what its package may not:
// an oracle from elsewhere, and the servers of deploy to run against.
func allowedInTests(name string) bool {
	own, ok := strings.CutPrefix(name, module)
	return !ok || strings.HasPrefix(own, "deploy/")
}

// forbidden says why a folder may not import a package, or "".
func forbidden(folder, name string) string {
	if own, ok := strings.CutPrefix(name, module); ok {
		to, _, _ := strings.Cut(own, "/")
		if to == folder || slices.Contains(folders[folder], to) {
			return ""
		}
		return folder + " may import " + strings.Join(append([]string{folder}, folders[folder]...), ", ") +
			"; let the caller declare an interface, and cmd/internal/wire introduce the two"
	}
	domain, _, _ := strings.Cut(name, "/")
	foreign := strings.Contains(domain, ".")
	if folder != "codec" || !foreign || slices.ContainsFunc(codecImports, func(p string) bool {
		return name == p || strings.HasPrefix(name, p+"/")
	}) {
		return ""
	}
	return "codec uses the standard library and " + strings.Join(codecImports, ", ") + " only"
}

func TestForbidden(t *testing.T) {
	for _, test := range []struct {
		folder, name string
		ok           bool
	}{
		{"codec", "crypto/sha256", true},
		{"codec", module + "codec/names", true},
		{"codec", "github.com/klauspost/compress/zstd", true},
		{"codec", "github.com/klauspost/compressor", false},
		{"codec", "golang.org/x/crypto/hkdf", false},
		{"codec", module + "sinks/objects", false},
		{"sinks", module + "codec/names", true},
		{"sinks", module + "pipeline/cover", false},
		{"pipeline", module + "sinks/objects", false},
		{"pipeline", module + "cmd/internal/ui", false},
		{"pipeline", "github.com/twmb/franz-go/pkg/kgo", true},
		{"bench", module + "cmd/internal/config", false},
		{"cmd", module + "bench/events", true},
	} {
		if why := forbidden(test.folder, test.name); (why == "") != test.ok {
			t.Errorf("%s imports %s: %q", test.folder, test.name, why)
		}
	}
}

// At the root there are the folders of the layout and no Go file. Names that
// begin with a dot are settings; bin is where make puts the program.
func TestRoot(t *testing.T) {
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		_, known := folders[e.Name()]
		switch {
		case e.IsDir() && !known && e.Name() != "bin" && !strings.HasPrefix(e.Name(), "."):
			t.Errorf("folder %s: text and code live beside what they are about, in one of the folders of the layout", e.Name())
		case !e.IsDir() && path.Ext(e.Name()) == ".go":
			t.Errorf("%s: no Go file at the root; the program is cmd/tidemark", e.Name())
		}
	}
}

// Limits of taste, from CONTRIBUTING.md. Whoever needs more says why there.
const (
	maxFileLines     = 400
	maxFunctionLines = 70
)

func TestLengths(t *testing.T) {
	for _, s := range sources(t) {
		if lines := s.set.File(s.file.Pos()).LineCount(); lines > maxFileLines && !s.isTest() {
			t.Errorf("%s has %d lines, above %d: split it by noun or phase", s.name, lines, maxFileLines)
		}
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			from, to := s.set.Position(f.Pos()), s.set.Position(f.End())
			if n := to.Line - from.Line + 1; n > maxFunctionLines && !s.isTest() {
				t.Errorf("%s: %s has %d lines, above %d", from, f.Name.Name, n, maxFunctionLines)
			}
		}
	}
}

// init runs behind everybody's back, and a test that sleeps is slow or flaky,
// unless it sleeps in the virtual time of testing/synctest.
func TestNoInitNoSleep(t *testing.T) {
	for _, s := range sources(t) {
		ast.Inspect(s.file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				if n.Recv == nil && n.Name.Name == "init" {
					t.Errorf("%s: func init: let main or a constructor do it", s.set.Position(n.Pos()))
				}
			case *ast.CallExpr:
				if isSleep(n) && s.isTest() && !s.imports("testing/synctest") {
					t.Errorf("%s: time.Sleep in a test: use testing/synctest, a channel, or poll with a deadline", s.set.Position(n.Pos()))
				}
			}
			return true
		})
	}
}

func isSleep(call *ast.CallExpr) bool {
	f, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || f.Sel.Name != "Sleep" {
		return false
	}
	p, ok := f.X.(*ast.Ident)
	return ok && p.Name == "time"
}
