package vectors_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/proof"
	"github.com/tidemark-io/tidemark/codec/segment"
)

// proofFile proves the record at proofOffset of good-zstd.seg, from its second
// block.
const (
	proofFile   = "good.proof"
	proofOffset = 117
)

// makeProof is called by TestUpdate, once good-zstd.seg is made.
func makeProof(t *testing.T) {
	t.Helper()
	m := loadManifest(t)
	i := slices.IndexFunc(m.Vectors, func(v vector) bool { return v.File == "good-zstd.seg" })
	data, err := os.ReadFile("good-zstd.seg")
	if err != nil {
		t.Fatal(err)
	}
	r, err := segment.Open(bytes.NewReader(data), int64(len(data)), m.trust(t))
	if err != nil {
		t.Fatal(err)
	}
	x, err := r.Extract(1, m.Vectors[i].secret(t))
	if err != nil {
		t.Fatal(err)
	}
	file := proof.Encode(proof.Parts{Extract: *x, Signer: []byte(m.Signers[0]), Offset: proofOffset})
	if err := os.WriteFile(proofFile, file, 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestProof holds package proof to good.proof.
func TestProof(t *testing.T) {
	file, p := provenVector(t)
	want, _ := proof.Sum([]byte(`{"order":117,"state":"paid","note":"leave at the door"}`))
	got, _ := proof.Sum(p.Record.Value)
	if p.Record.Offset != proofOffset || p.Partition.Topic != "orders" || string(p.Record.Key) != "key-117" || got != want || p.Block != 1 {
		t.Errorf("%+v", p)
	}
	m := loadManifest(t)
	for i := range file {
		file[i] ^= 1
		if _, err := proof.Verify(file, m.Archive, m.Root); err == nil {
			t.Errorf("byte %d: flipped and proven", i)
		}
		file[i] ^= 1
	}
}

func provenVector(t *testing.T) ([]byte, *proof.Proven) {
	t.Helper()
	file, err := os.ReadFile(proofFile)
	if err != nil {
		t.Fatal(err)
	}
	m := loadManifest(t)
	p, err := proof.Verify(file, m.Archive, m.Root)
	if err != nil {
		t.Fatal(err)
	}
	return file, p
}

// TestPythonProof holds read_proof.py to the same file, and to it with bits
// flipped and with another root.
func TestPythonProof(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), pythonLimit)
	defer cancel()
	python, err := findPython(ctx)
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("no Python to run read_proof.py: %v", err)
		}
		t.Skipf("SKIPPED: read_proof.py was not run, no Python with cryptography and zstandard: %v", err)
	}
	file, p := provenVector(t)
	m := loadManifest(t)
	root := base64.StdEncoding.EncodeToString(m.Root)
	run := func(file, root string) ([]byte, error) {
		return exec.CommandContext(ctx, python, "-B", "read_proof.py", m.Archive.String(), root, file).Output()
	}
	out, err := run(proofFile, root)
	if err != nil {
		t.Fatalf("read_proof.py: %v", err)
	}
	var got struct {
		Segment   string
		Digest    names.Digest
		Topic     string
		Partition int32
		Offset    int64
		TS        int64
		Key       struct{ SHA256 names.Digest }
		Value     struct{ SHA256 names.Digest }
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	key, _ := proof.Sum(p.Record.Key)
	value, _ := proof.Sum(p.Record.Value)
	if got.Segment != p.Segment.String() || got.Digest != p.Digest || got.Topic != p.Partition.Topic || got.Partition != p.Partition.Number ||
		got.Offset != proofOffset || got.TS != p.Record.Timestamp || got.Key.SHA256 != key || got.Value.SHA256 != value {
		t.Errorf("read_proof.py says %s", out)
	}
	if out, err := run(proofFile, base64.StdEncoding.EncodeToString(make([]byte, 32))); err == nil {
		t.Errorf("another root: %s", out)
	}
	bad := filepath.Join(t.TempDir(), proofFile)
	for _, at := range []int{3, 9, 20, 37, 60, 100, 500, len(file) - 200, len(file) - 40, len(file) - 1} {
		flipped := bytes.Clone(file)
		flipped[at] ^= 0x10
		if err := os.WriteFile(bad, flipped, 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := run(bad, root); err == nil {
			t.Errorf("byte %d flipped: %s", at, out)
		}
	}
}
