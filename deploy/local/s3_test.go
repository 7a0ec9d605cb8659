package local_test

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/tidemark-io/tidemark/deploy/local"
)

// The tests below pin what tidemark needs of the S3 server that it is tested
// against; README.md says where it differs from Amazon's.

const (
	lockedBucket = "locked"
	keysBucket   = "keys"
)

func startS3(t *testing.T) *local.S3 {
	t.Helper()
	local.Require(t)
	begin := time.Now()
	s, err := local.StartS3(testContext(t), t.TempDir(), local.S3Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("S3 server answered after %s", time.Since(begin).Round(time.Millisecond))
	t.Cleanup(func() {
		if err := s.Kill(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// store is a client and two buckets: one with Object Lock, one with versions only.
type store struct {
	*minio.Client
	*testing.T
}

func newStore(t *testing.T, s *local.S3) store {
	t.Helper()
	c, err := minio.New(s.Endpoint, &minio.Options{
		Creds:           credentials.NewStaticV4(s.AccessKey, s.SecretKey, ""),
		Region:          s.Region,
		TrailingHeaders: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	return store{c, t}
}

func (s store) makeBuckets() {
	s.Helper()
	ctx := testContext(s.T)
	if err := s.MakeBucket(ctx, lockedBucket, minio.MakeBucketOptions{ObjectLocking: true}); err != nil {
		s.Fatal(err)
	}
	if err := s.MakeBucket(ctx, keysBucket, minio.MakeBucketOptions{}); err != nil {
		s.Fatal(err)
	}
	if err := s.EnableVersioning(ctx, keysBucket); err != nil {
		s.Fatal(err)
	}
}

func (s store) put(bucket, name, body string, o minio.PutObjectOptions) (minio.UploadInfo, error) {
	o.DisableMultipart = true
	return s.PutObject(testContext(s.T), bucket, name, bytes.NewReader([]byte(body)), int64(len(body)), o)
}

func (s store) mustPut(bucket, name, body string, o minio.PutObjectOptions) minio.UploadInfo {
	s.Helper()
	info, err := s.put(bucket, name, body, o)
	if err != nil {
		s.Fatal(err)
	}
	return info
}

func (s store) read(bucket, name string, o minio.GetObjectOptions) string {
	s.Helper()
	object, err := s.GetObject(testContext(s.T), bucket, name, o)
	if err != nil {
		s.Fatal(err)
	}
	body, err := io.ReadAll(object)
	if err != nil {
		s.Fatal(err)
	}
	return string(body)
}

func ifAbsent(o minio.PutObjectOptions) minio.PutObjectOptions {
	o.SetMatchETagExcept("*")
	return o
}

// locked asks for a checksum without signed chunks: the server refuses the
// two together, see README.md.
func locked() minio.PutObjectOptions {
	return minio.PutObjectOptions{
		Mode:                 minio.Compliance,
		RetainUntilDate:      time.Now().Add(24 * time.Hour).Truncate(time.Second),
		Checksum:             minio.ChecksumCRC32C,
		DisableContentSha256: true,
	}
}

func TestS3(t *testing.T) {
	server := startS3(t)
	s := newStore(t, server)
	s.makeBuckets()
	for name, check := range map[string]func(store){
		"a taken name answers 412":         checkTakenName,
		"one of many writers wins":         checkRace,
		"a locked version stays":           checkLock,
		"checksums are kept and checked":   checkChecksum,
		"ranges are read":                  checkRange,
		"listing goes on after 1000 names": checkListing,
		"versions are listed and deleted":  checkVersions,
		"a delete marker holds the name":   checkMarkerHoldsName,
	} {
		t.Run(name, func(t *testing.T) { check(store{s.Client, t}) })
	}
	t.Run("data outlives a kill", func(t *testing.T) { checkRestart(store{s.Client, t}, server) })
}

func statusOf(err error) int { return minio.ToErrorResponse(err).StatusCode }

func checkTakenName(s store) {
	o := ifAbsent(locked())
	s.mustPut(lockedBucket, "once", "first", o)
	if _, err := s.put(lockedBucket, "once", "second", o); statusOf(err) != http.StatusPreconditionFailed {
		s.Errorf("the second conditional write gives %v, want 412", err)
	}
	if got := s.read(lockedBucket, "once", minio.GetObjectOptions{}); got != "first" {
		s.Errorf("the object holds %q after a refused write", got)
	}
}

func checkRace(s store) {
	const writers = 16
	results := make(chan error)
	for i := range writers {
		go func() {
			_, err := s.put(keysBucket, "race", fmt.Sprint("writer ", i), ifAbsent(minio.PutObjectOptions{}))
			results <- err
		}()
	}
	won := 0
	for range writers {
		if err := <-results; err == nil {
			won++
		} else if got := statusOf(err); got != http.StatusPreconditionFailed && got != http.StatusConflict {
			s.Errorf("a losing writer gets %v", err)
		}
	}
	if won != 1 {
		s.Errorf("%d of %d writers of one name were told that they made it", won, writers)
	}
}

func checkLock(s store) {
	ctx := testContext(s.T)
	o := locked()
	put := s.mustPut(lockedBucket, "kept", "for long", o)
	info, err := s.StatObject(ctx, lockedBucket, "kept", minio.StatObjectOptions{VersionID: put.VersionID})
	if err != nil {
		s.Fatal(err)
	}
	mode, until := info.Metadata.Get("X-Amz-Object-Lock-Mode"), info.Metadata.Get("X-Amz-Object-Lock-Retain-Until-Date")
	if mode != "COMPLIANCE" || until != o.RetainUntilDate.UTC().Format(time.RFC3339) {
		s.Errorf("stat says lock %s until %s, want what the PUT asked for", mode, until)
	}
	remove := minio.RemoveObjectOptions{VersionID: put.VersionID, GovernanceBypass: true}
	if err := s.RemoveObject(ctx, lockedBucket, "kept", remove); err == nil {
		s.Error("a version under compliance lock was deleted")
	}
	if got := s.read(lockedBucket, "kept", minio.GetObjectOptions{VersionID: put.VersionID}); got != "for long" {
		s.Errorf("the locked version holds %q", got)
	}
}

func checkChecksum(s store) {
	ctx := testContext(s.T)
	const body = "order 17"
	want := minio.NewChecksum(minio.ChecksumCRC32C, crcBytes(body)).Encoded()
	s.mustPut(lockedBucket, "summed", body, locked())
	info, err := s.StatObject(ctx, lockedBucket, "summed", minio.StatObjectOptions{Checksum: true})
	if err != nil || info.ChecksumCRC32C != want {
		s.Errorf("stat gives CRC-32C %q (%v), want %q", info.ChecksumCRC32C, err, want)
	}
	wrong := minio.PutObjectOptions{UserMetadata: map[string]string{
		"x-amz-checksum-crc32c": minio.NewChecksum(minio.ChecksumCRC32C, crcBytes("another body")).Encoded(),
	}}
	if _, err := s.put(keysBucket, "damaged", body, wrong); statusOf(err) != http.StatusBadRequest {
		s.Errorf("a body that does not match its checksum gives %v, want 400", err)
	}
}

func crcBytes(body string) []byte {
	sum := crc32.Checksum([]byte(body), crc32.MakeTable(crc32.Castagnoli))
	return []byte{byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)}
}

func checkRange(s store) {
	s.mustPut(keysBucket, "ranged", "0123456789", minio.PutObjectOptions{})
	var o minio.GetObjectOptions
	if err := o.SetRange(3, 5); err != nil {
		s.Fatal(err)
	}
	if got := s.read(keysBucket, "ranged", o); got != "345" {
		s.Errorf("bytes 3 to 5 are %q", got)
	}
}

func checkListing(s store) {
	const objects = 1100
	for i := range objects {
		s.mustPut(keysBucket, fmt.Sprintf("many/%04d", i), "x", minio.PutObjectOptions{})
	}
	for _, after := range []int{-1, 50, 1098} {
		o := minio.ListObjectsOptions{Prefix: "many/", Recursive: true, StartAfter: fmt.Sprintf("many/%04d", after)}
		if after < 0 {
			o.StartAfter = ""
		}
		var names []string
		for object := range s.ListObjects(testContext(s.T), keysBucket, o) {
			if object.Err != nil {
				s.Fatal(object.Err)
			}
			names = append(names, object.Key)
		}
		if len(names) != objects-1-after || !slices.IsSorted(names) {
			s.Errorf("after %q come %d names (sorted: %v), want %d", o.StartAfter, len(names), slices.IsSorted(names), objects-1-after)
		}
	}
}

func (s store) versions(bucket, prefix string) []minio.ObjectInfo {
	s.Helper()
	var all []minio.ObjectInfo
	o := minio.ListObjectsOptions{Prefix: prefix, Recursive: true, WithVersions: true}
	for object := range s.ListObjects(testContext(s.T), bucket, o) {
		if object.Err != nil {
			s.Fatal(object.Err)
		}
		all = append(all, object)
	}
	return all
}

func checkVersions(s store) {
	ctx := testContext(s.T)
	first := s.mustPut(keysBucket, "page", "generation 1", minio.PutObjectOptions{})
	second := s.mustPut(keysBucket, "page", "generation 2", minio.PutObjectOptions{})
	if err := s.RemoveObject(ctx, keysBucket, "page", minio.RemoveObjectOptions{}); err != nil {
		s.Fatal(err)
	}
	found := s.versions(keysBucket, "page")
	if len(found) != 3 || !found[0].IsDeleteMarker || found[1].VersionID != second.VersionID || found[2].VersionID != first.VersionID {
		s.Fatalf("versions are %+v, want a delete marker and two generations, newest first", found)
	}
	for _, version := range found {
		if err := s.RemoveObject(ctx, keysBucket, "page", minio.RemoveObjectOptions{VersionID: version.VersionID}); err != nil {
			s.Fatal(err)
		}
	}
	if left := s.versions(keysBucket, "page"); len(left) != 0 {
		s.Errorf("%d versions are left after all were deleted", len(left))
	}
}

// checkMarkerHoldsName pins a difference: at Amazon the name is free again.
func checkMarkerHoldsName(s store) {
	s.mustPut(lockedBucket, "hidden", "by a marker", locked())
	if err := s.RemoveObject(testContext(s.T), lockedBucket, "hidden", minio.RemoveObjectOptions{}); err != nil {
		s.Fatal(err)
	}
	if _, err := s.StatObject(testContext(s.T), lockedBucket, "hidden", minio.StatObjectOptions{}); statusOf(err) != http.StatusNotFound {
		s.Errorf("stat behind a delete marker gives %v, want 404", err)
	}
	if _, err := s.put(lockedBucket, "hidden", "again", ifAbsent(locked())); statusOf(err) != http.StatusPreconditionFailed {
		s.Errorf("a conditional write over a delete marker gives %v; README.md says 412", err)
	}
}

func checkRestart(s store, server *local.S3) {
	put := s.mustPut(lockedBucket, "durable", "still here", locked())
	if err := server.Kill(); err != nil {
		s.Fatal(err)
	}
	if err := server.Restart(testContext(s.T)); err != nil {
		s.Fatal(err)
	}
	if got := s.read(lockedBucket, "durable", minio.GetObjectOptions{VersionID: put.VersionID}); got != "still here" {
		s.Errorf("after a kill the object holds %q", got)
	}
}
