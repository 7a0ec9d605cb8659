package e2e

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
)

// testTaken: a name that is taken (412) counts as stored only when its object holds the same bytes, and writing it again
// makes no second version.
func testTaken(t *testing.T, w *world) {
	w.makeTopic(t, "taken", 1, nil)
	w.produce(t, "taken", 0, 20)
	a := w.newArchive(t, "taken", "taken")
	a.catchUp(t)
	object := a.segments(t, 0)[0]
	name := strings.TrimPrefix(object, a.name+"/")
	body, err := os.ReadFile(a.file(0, dataBucket, object))
	if err != nil {
		t.Fatal(err)
	}
	region := a.open(t).Regions[0]
	if err := region.Ensure(t.Context(), name, body, time.Time{}); err != nil {
		t.Errorf("the same bytes again: %v", err)
	}
	for what, other := range map[string][]byte{"shorter": body[:len(body)-1], "of the same length": bytes.ToUpper(body)} {
		if err := region.Ensure(t.Context(), name, other, time.Time{}); !errors.Is(err, fs.ErrExist) {
			t.Errorf("other bytes, %s: %v", what, err)
		}
	}
	versions := 0
	for info := range store(t, w.stores[0]).ListObjects(t.Context(), dataBucket, minio.ListObjectsOptions{Prefix: object, WithVersions: true}) {
		if info.Err != nil {
			t.Fatal(info.Err)
		}
		versions++
	}
	if versions != 1 {
		t.Errorf("the object has %d versions", versions)
	}
}
