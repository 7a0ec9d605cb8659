// Package objectstest holds what tests of object stores need: the conformance
// suite that every store passes ([Run]), a wrapper that makes a store fail in
// described ways ([Faulty]), and a strict S3 server in memory ([S3]).
package objectstest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/sinks/objects"
)

// Options name in what a real store may differ from AWS. Each is a difference
// that somebody has seen and judged; the zero value allows none.
type Options struct {
	// RefusedLockStays allows a Put with a lock, into a bucket without Object
	// Lock, to leave the object there unlocked although it was refused. AWS
	// stores nothing; versitygw 1.8.0 stores first and locks then. It is harmless
	// as long as the Put is an error, since nothing counts as archived by it.
	RefusedLockStays bool
}

// Run checks that the stores which open returns keep the contract of
// objects.Store. open is called once for every part and must return an empty
// store.
func Run(t *testing.T, open func(t *testing.T) objects.Store) { RunWith(t, Options{}, open) }

// RunWith is Run for a store that differs from AWS.
func RunWith(t *testing.T, o Options, open func(t *testing.T) objects.Store) {
	parts := []struct {
		name string
		run  func(*testing.T, objects.Store)
	}{
		{"a stored object comes back", testRoundTrip},
		{"an empty object is an object", testEmpty},
		{"the body is not kept", testBodyNotKept},
		{"a taken name stays as it is", testPutIfAbsent},
		{"of many writers one wins", testOneWins},
		{"what is absent is ErrNotExist", testAbsent},
		{"ranges follow io.ReaderAt", testReadAt},
		{"list is sorted and starts after", testList},
		{"list goes beyond a page", testListPages},
		{"list of a cancelled context is an error", testListCancelled},
		{"names that climb are refused", testBadKeys},
		{"half a lock is refused", testHalfLock},
		{"a deleted version is gone", testDelete},
		{"a locked version stays", o.testLock},
		{"ensure settles", testEnsure},
		{"conditional writes are found", testProbe},
		{"a body that changed is not stored", testPutChecksum},
		{"a cancelled call does nothing", testCancelled},
	}
	for _, p := range parts {
		t.Run(p.name, func(t *testing.T) { p.run(t, open(t)) })
	}
}

func testRoundTrip(t *testing.T, s objects.Store) {
	body := bytes.Repeat([]byte("tide"), 300_000)
	put(t, s, "topics/orders/0/a.seg", body)
	wantBody(t, s, "topics/orders/0/a.seg", body)
	info, err := s.Stat(t.Context(), "topics/orders/0/a.seg")
	if err != nil {
		t.Fatal(err)
	}
	sum := crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli))
	if info.Key != "topics/orders/0/a.seg" || info.Size != int64(len(body)) || !info.HasCRC32C || info.CRC32C != sum {
		t.Errorf("stat: %+v, want size %d and CRC-32C %08x", info, len(body), sum)
	}
	if age := time.Since(info.Modified); age < -time.Hour || age > time.Hour {
		t.Errorf("modified %v, want about now", info.Modified)
	}
}

func testEmpty(t *testing.T, s objects.Store) {
	put(t, s, "empty", nil)
	wantBody(t, s, "empty", []byte{})
	if n, err := s.ReadAt(t.Context(), "empty", make([]byte, 4), 0); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("range of an empty object: %d, %v, want io.EOF", n, err)
	}
}

func testBodyNotKept(t *testing.T, s objects.Store) {
	body := []byte("before")
	put(t, s, "k", body)
	copy(body, "after!")
	wantBody(t, s, "k", []byte("before"))
}

// A body that is not what the caller's checksum says has changed on the way.
func testPutChecksum(t *testing.T, s objects.Store) {
	body := bytes.Repeat([]byte("tide"), 300_000)
	sum := crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli))
	err := s.Put(t.Context(), "k", body, objects.PutOptions{CRC32C: sum + 1, HasCRC32C: true})
	wantIs(t, err, objects.ErrCorrupt)
	_, err = s.Stat(t.Context(), "k")
	wantIs(t, err, fs.ErrNotExist)
	if err := s.Put(t.Context(), "k", body, objects.PutOptions{CRC32C: sum, HasCRC32C: true}); err != nil {
		t.Fatal(err)
	}
	wantBody(t, s, "k", body)
}

func testPutIfAbsent(t *testing.T, s objects.Store) {
	put(t, s, "k", []byte("first"))
	wantIs(t, s.Put(t.Context(), "k", []byte("second"), objects.PutOptions{}), fs.ErrExist)
	wantIs(t, s.Put(t.Context(), "k", []byte("first"), objects.PutOptions{}), fs.ErrExist)
	wantBody(t, s, "k", []byte("first"))
	if n := len(versions(t, s, "k")); n != 1 {
		t.Errorf("%d versions, want 1", n)
	}
}

func testOneWins(t *testing.T, s objects.Store) {
	const writers = 16
	errs := make([]error, writers)
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			body := bytes.Repeat([]byte{byte('a' + i)}, 50_000)
			errs[i] = s.Put(t.Context(), "deep/er/contended", body, objects.PutOptions{})
			for objects.Retryable(errs[i]) { // S3 answers 409 to one of two at the same time
				errs[i] = s.Put(t.Context(), "deep/er/contended", body, objects.PutOptions{})
			}
		})
	}
	wg.Wait()
	won := -1
	for i, err := range errs {
		if err == nil && won >= 0 {
			t.Fatalf("writers %d and %d both won", won, i)
		}
		if err == nil {
			won = i
		} else {
			wantIs(t, err, fs.ErrExist)
		}
	}
	if won < 0 {
		t.Fatal("nobody won")
	}
	wantBody(t, s, "deep/er/contended", bytes.Repeat([]byte{byte('a' + won)}, 50_000))
}

func testAbsent(t *testing.T, s objects.Store) {
	put(t, s, "there/is", []byte("x"))
	for _, key := range []string{"not", "there/not", "there", "there/is/not"} {
		_, err := s.Get(t.Context(), key)
		wantIs(t, err, fs.ErrNotExist)
		_, err = s.Stat(t.Context(), key)
		wantIs(t, err, fs.ErrNotExist)
		_, err = s.ReadAt(t.Context(), key, make([]byte, 1), 0)
		wantIs(t, err, fs.ErrNotExist)
		if all := versions(t, s, key); len(all) != 0 {
			t.Errorf("versions of %q: %v, want none", key, all)
		}
	}
}

func testReadAt(t *testing.T, s objects.Store) {
	body := []byte("0123456789")
	put(t, s, "k", body)
	for off := range int64(13) {
		for length := 1; length < 13; length++ { // io.ReaderAt leaves 0 open
			got, want := make([]byte, length), make([]byte, length)
			n, err := s.ReadAt(t.Context(), "k", got, off)
			wantN, wantErr := bytes.NewReader(body).ReadAt(want, off)
			if n != wantN || !bytes.Equal(got[:n], want[:wantN]) || !errors.Is(err, wantErr) {
				t.Fatalf("%d bytes at %d: %d %q %v, want %d %q %v", length, off, n, got[:n], err, wantN, want[:wantN], wantErr)
			}
		}
	}
	_, err := s.ReadAt(t.Context(), "k", make([]byte, 1), -1)
	wantIs(t, err, fs.ErrInvalid)
}

func testList(t *testing.T, s objects.Store) {
	keys := []string{"a-b", "a.b/c", "a/0", "a/0.x/y", "a/00", "a/1/deep/er", "a/1/deeper", "b", "b-", "b.c"}
	for _, i := range []int{3, 9, 0, 7, 1, 5, 2, 8, 4, 6} {
		put(t, s, keys[i], []byte(keys[i]))
	}
	prefixes := []string{"", "a", "a/", "a/0", "a/1/deep", "a/1/deep/", "b", "b.c", "c", "nothing/here/"}
	afters := append([]string{"", "a", "a/", "a/0", "a/0.x", "a/0/", "a/1/deep/zz", "b.", "zz"}, keys...)
	for _, prefix := range prefixes {
		for _, after := range afters {
			want := slices.DeleteFunc(slices.Clone(keys), func(k string) bool {
				return !strings.HasPrefix(k, prefix) || k <= after
			})
			if got := list(t, s, prefix, after); !slices.Equal(got, want) {
				t.Fatalf("list %q after %q: %q, want %q", prefix, after, got, want)
			}
		}
	}
	for info, err := range s.List(t.Context(), "", "") {
		if err != nil || info.Key != "a-b" || info.Size != 3 {
			t.Fatalf("first of a list: %+v, %v", info, err)
		}
		break
	}
}

func testListPages(t *testing.T, s objects.Store) {
	const n = 2345
	want := make([]string, n)
	var wg sync.WaitGroup
	work := make(chan string)
	for range 8 {
		wg.Go(func() {
			for key := range work {
				if err := s.Put(t.Context(), key, nil, objects.PutOptions{}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for i := range n {
		want[i] = fmt.Sprintf("p/%020d.seg", i)
		work <- want[i]
	}
	close(work)
	wg.Wait()
	if got := list(t, s, "p/", ""); !slices.Equal(got, want) {
		t.Fatalf("%d keys, want %d in order", len(got), n)
	}
	if got := list(t, s, "p/", want[n-3]); !slices.Equal(got, want[n-2:]) {
		t.Fatalf("the last two: %q", got)
	}
}

func testListCancelled(t *testing.T, s objects.Store) {
	put(t, s, "a", nil)
	put(t, s, "b", nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var last error
	for _, err := range s.List(ctx, "", "") {
		last = err
	}
	wantIs(t, last, context.Canceled)
}

// badKeys would each leave the region, or mean another name in another store.
var badKeys = []string{"", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/..", "a/./b", "a\x00b", "a\\b",
	"..\\a", "%2e%2e/a", "a%2fb", "a b", "ä", "a\nb", strings.Repeat("x", 256), strings.Repeat("x/", 500) + "x"}

func testBadKeys(t *testing.T, s objects.Store) {
	for _, key := range badKeys {
		wantIs(t, s.Put(t.Context(), key, nil, objects.PutOptions{}), fs.ErrInvalid)
		_, err := s.Get(t.Context(), key)
		wantIs(t, err, fs.ErrInvalid)
		_, err = s.ReadAt(t.Context(), key, nil, 0)
		wantIs(t, err, fs.ErrInvalid)
		_, err = s.Stat(t.Context(), key)
		wantIs(t, err, fs.ErrInvalid)
		wantIs(t, s.DeleteVersion(t.Context(), key, "v"), fs.ErrInvalid)
		for _, err := range s.Versions(t.Context(), key) {
			wantIs(t, err, fs.ErrInvalid)
		}
	}
	for _, prefix := range []string{"/", "../", "a/../", "a//", "%2e"} {
		seen := false
		for _, err := range s.List(t.Context(), prefix, "") {
			seen = true
			wantIs(t, err, fs.ErrInvalid)
		}
		if !seen {
			t.Errorf("list of %q is empty, want an error", prefix)
		}
	}
}

func testHalfLock(t *testing.T, s objects.Store) {
	wantIs(t, s.Put(t.Context(), "k", nil, objects.PutOptions{Mode: objects.LockGovernance}), fs.ErrInvalid)
	wantIs(t, s.Put(t.Context(), "k", nil, objects.PutOptions{RetainUntil: time.Now().Add(time.Hour)}), fs.ErrInvalid)
}

func testDelete(t *testing.T, s objects.Store) {
	put(t, s, "k", []byte("x"))
	put(t, s, "k2", []byte("y"))
	all := versions(t, s, "k")
	if len(all) != 1 || all[0].Size != 1 || all[0].DeleteMarker {
		t.Fatalf("versions: %+v, want one of 1 byte", all)
	}
	for range 2 { // the second time there is nothing left, which is what was wanted
		if err := s.DeleteVersion(t.Context(), "k", all[0].Version); err != nil {
			t.Fatal(err)
		}
	}
	_, err := s.Stat(t.Context(), "k")
	wantIs(t, err, fs.ErrNotExist)
	put(t, s, "k", []byte("again"))
	wantBody(t, s, "k2", []byte("y"))
}

func (o Options) testLock(t *testing.T, s objects.Store) {
	caps, err := s.Capabilities(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	until := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	for _, mode := range []objects.LockMode{objects.LockGovernance, objects.LockCompliance} {
		key := "locked/" + mode.String()
		err := s.Put(t.Context(), key, []byte("x"), objects.PutOptions{Mode: mode, RetainUntil: until})
		if !caps.ObjectLock { // refused: a lock must not be dropped without a word
			if err == nil || objects.Retryable(err) {
				t.Errorf("locked put without Object Lock: %v, want an error for good", err)
			}
			if _, err = s.Stat(t.Context(), key); !o.RefusedLockStays {
				wantIs(t, err, fs.ErrNotExist)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		checkLocked(t, s, key, until)
	}
}

func checkLocked(t *testing.T, s objects.Store, key string, until time.Time) {
	t.Helper()
	info, err := s.Stat(t.Context(), key)
	if err != nil || !info.RetainUntil.Equal(until) {
		t.Errorf("stat: locked until %v, %v, want %v", info.RetainUntil, err, until)
	}
	for _, v := range versions(t, s, key) {
		wantIs(t, s.DeleteVersion(t.Context(), key, v.Version), fs.ErrPermission)
	}
	wantBody(t, s, key, []byte("x"))
}

func testEnsure(t *testing.T, s objects.Store) {
	for range 2 {
		if err := objects.Ensure(t.Context(), s, "k", []byte("body"), objects.PutOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	for _, other := range []string{"bodx", "bod", "body!", ""} {
		var conflict *objects.ConflictError
		if err := objects.Ensure(t.Context(), s, "k", []byte(other), objects.PutOptions{}); !errors.As(err, &conflict) {
			t.Errorf("ensure %q over %q: %v, want a conflict", other, "body", err)
		}
	}
	wantBody(t, s, "k", []byte("body"))
}

func testProbe(t *testing.T, s objects.Store) {
	ok, err := objects.ProbeConditional(t.Context(), s)
	if err != nil || !ok {
		t.Fatalf("probe: %v, %v, want true", ok, err)
	}
	if left := list(t, s, "", ""); len(left) != 0 {
		t.Errorf("the probe left %q", left)
	}
}

func testCancelled(t *testing.T, s objects.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	wantIs(t, s.Put(ctx, "k", nil, objects.PutOptions{}), context.Canceled)
	_, err := s.Get(ctx, "k")
	wantIs(t, err, context.Canceled)
	_, err = s.Stat(t.Context(), "k")
	wantIs(t, err, fs.ErrNotExist)
}
