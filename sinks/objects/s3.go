package objects

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/tidemark-io/tidemark/codec/object"
)

// S3 keeps objects below a prefix of a bucket of AWS S3, or of a store that
// speaks its protocol. It makes one request for a call and repeats none:
// repeating is the retry decorator's. It uses no MD5, so it works under FIPS,
// and believes no ETag.
type S3 struct {
	client    *minio.Core
	bucket    string
	prefix    string // empty, or ends in a slash
	limit     int64
	clock     *clockTransport
	transport *http.Transport
	keys      *renewal

	// seen is true once the bucket answered for itself, so that a missing
	// bucket is not taken for a missing object.
	seen atomic.Bool
}

// Headers of the S3 protocol that minio-go leaves to its caller.
const (
	headerCRC32C       = "X-Amz-Checksum-Crc32c"
	headerChecksumMode = "X-Amz-Checksum-Mode"
	headerRetainUntil  = "X-Amz-Object-Lock-Retain-Until-Date"
)

// OpenS3 returns the store that c describes. It makes no request. Close it to
// give up its idle connections.
func OpenS3(c S3Config) (*S3, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	t, err := c.transport()
	if err != nil {
		return nil, fmt.Errorf("open S3 store: %w", err)
	}
	clock := &clockTransport{next: sendBody{t}}
	keys := &renewal{keys: c.Credentials.provider(c.region(), t)}
	client, err := c.client(clock, keys.keys)
	if err != nil {
		return nil, fmt.Errorf("open S3 store: %w", err)
	}
	s := &S3{client: client, bucket: c.Bucket, limit: getLimit(c.GetLimit), clock: clock, transport: t, keys: keys}
	if c.Prefix != "" {
		s.prefix = c.Prefix + "/"
	}
	return s, nil
}

// Close implements Store. Calls under way are not disturbed.
func (s *S3) Close() error {
	s.transport.CloseIdleConnections()
	return nil
}

// Name implements Inspector.
func (s *S3) Name() string { return strings.TrimSuffix("s3://"+s.bucket+"/"+s.prefix, "/") }

// Put implements Writer. The data goes out from memory in one request, never
// in parts, whose checksums would not be that of the whole, and is not hashed
// with SHA-256 for the signature: its CRC-32C, which is signed as a header, is
// what the store checks and keeps. AWS refuses a locked PUT without one.
func (s *S3) Put(ctx context.Context, key string, data []byte, o PutOptions) error {
	if err := s.begin(ctx, "put", key); err != nil {
		return err
	}
	if err := o.check(); err != nil {
		return invalid(s.Name(), "put", key, err)
	}
	sum := encodeCRC(o.sum(data))
	opts := minio.PutObjectOptions{
		DisableMultipart:     true,
		DisableContentSha256: true,
		UserMetadata:         map[string]string{headerCRC32C: sum},
	}
	opts.SetMatchETagExcept("*") // sent as If-None-Match: *
	if o.Mode != LockNone {
		opts.Mode, opts.RetainUntilDate = minio.RetentionMode(o.Mode.String()), o.RetainUntil
	}
	b := &body{rest: data}
	defer b.retire()
	info, err := s.client.Client.PutObject(withBody(ctx, b), s.bucket, s.prefix+key, bytes.NewReader(data), int64(len(data)), opts)
	if err != nil {
		return s.fail(ctx, "put", key, err)
	}
	if info.ChecksumCRC32C != "" && info.ChecksumCRC32C != sum {
		return &Error{Op: "put", Key: key, Store: s.Name(), Code: CodeChecksum, Kind: ErrCorrupt, Retryable: true}
	}
	return nil
}

// Get implements Reader.
func (s *S3) Get(ctx context.Context, key string) ([]byte, error) {
	if err := s.begin(ctx, "get", key); err != nil {
		return nil, err
	}
	var opts minio.GetObjectOptions
	opts.Set(headerChecksumMode, "ENABLED")
	r, _, header, err := s.client.GetObject(ctx, s.bucket, s.prefix+key, opts)
	if err != nil {
		return nil, s.fail(ctx, "get", key, err)
	}
	defer r.Close()
	size, err := strconv.ParseInt(header.Get("Content-Length"), 10, 64)
	if err != nil {
		return nil, &Error{Op: "get", Key: key, Store: s.Name(), Code: CodeShortBody, Kind: ErrCorrupt, Retryable: true,
			Err: errors.New("the store announced no length")}
	}
	if size > s.limit {
		return nil, tooLarge(s.Name(), key, size, s.limit)
	}
	body := make([]byte, size)
	if err := s.readFull(ctx, "get", key, r, body); err != nil {
		return nil, err
	}
	if sum, ok := decodeCRC(header.Get(headerCRC32C)); ok && sum != crc32c(body) {
		return nil, &Error{Op: "get", Key: key, Store: s.Name(), Code: CodeChecksum, Kind: ErrCorrupt, Retryable: true,
			Err: fmt.Errorf("CRC-32C %08x, stored %08x: %w", crc32c(body), sum, object.ErrDamaged)}
	}
	return body, nil
}

// ReadAt implements Reader.
func (s *S3) ReadAt(ctx context.Context, key string, p []byte, off int64) (int, error) {
	if err := s.begin(ctx, "readat", key); err != nil {
		return 0, err
	}
	if off < 0 {
		return 0, invalid(s.Name(), "readat", key, errors.New("negative offset"))
	}
	if len(p) == 0 {
		return 0, nil
	}
	var opts minio.GetObjectOptions
	opts.Set("Range", fmt.Sprintf("bytes=%d-%d", off, off+int64(len(p))-1))
	r, _, header, err := s.client.GetObject(ctx, s.bucket, s.prefix+key, opts)
	var answer minio.ErrorResponse
	if errors.As(err, &answer) && answer.StatusCode == http.StatusRequestedRangeNotSatisfiable {
		return 0, io.EOF // off is at the end or beyond
	}
	if err != nil {
		return 0, s.fail(ctx, "readat", key, err)
	}
	defer r.Close()
	n, err := rangeLength(header.Get("Content-Range"), off, int64(len(p)))
	if err != nil {
		return 0, &Error{Op: "readat", Key: key, Store: s.Name(), Code: CodeShortBody, Kind: ErrCorrupt, Retryable: true, Err: err}
	}
	if err := s.readFull(ctx, "readat", key, r, p[:n]); err != nil {
		return 0, err
	}
	if n < int64(len(p)) {
		return int(n), io.EOF
	}
	return int(n), nil
}

// rangeLength reads Content-Range (RFC 9110, section 14.4) and returns how
// many of the want bytes at off the object has. An answer that holds anything
// else is an error: a store that ignores the range would pass the wrong bytes.
func rangeLength(header string, off, want int64) (int64, error) {
	var first, last, total int64
	if _, err := fmt.Sscanf(header, "bytes %d-%d/%d", &first, &last, &total); err != nil {
		return 0, fmt.Errorf("content range %q: want bytes FIRST-LAST/TOTAL", header)
	}
	n := min(want, total-off)
	if first != off || last != off+n-1 {
		return 0, fmt.Errorf("content range %q: want bytes %d-%d", header, off, off+n-1)
	}
	return n, nil
}

// readFull fills p, or says that the body was short.
func (s *S3) readFull(ctx context.Context, op, key string, r io.Reader, p []byte) error {
	n, err := io.ReadFull(watched(ctx, r), p)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return short(s.Name(), op, key, int64(n), int64(len(p)))
	}
	if err != nil {
		return s.fail(ctx, op, key, err)
	}
	return nil
}

// Stat implements Reader.
func (s *S3) Stat(ctx context.Context, key string) (object.Info, error) {
	if err := s.begin(ctx, "stat", key); err != nil {
		return object.Info{}, err
	}
	o, err := s.client.StatObject(ctx, s.bucket, s.prefix+key, minio.StatObjectOptions{Checksum: true})
	if err != nil {
		return object.Info{}, s.statError(ctx, key, s.fail(ctx, "stat", key, err))
	}
	s.seen.Store(true)
	info := s.info(o)
	info.CRC32C, info.HasCRC32C = decodeCRC(o.ChecksumCRC32C)
	if until := o.Headers.Get(headerRetainUntil); until != "" {
		if info.RetainUntil, err = time.Parse(time.RFC3339, until); err != nil {
			return object.Info{}, &Error{Op: "stat", Key: key, Store: s.Name(), Code: "RetainUntil", Kind: ErrCorrupt, Err: err}
		}
	}
	return info, nil
}

// statError makes sure that an absence is the object's: HEAD answers 404
// without saying whether the key or the bucket is missing.
func (s *S3) statError(ctx context.Context, key string, err error) error {
	if !errors.Is(err, fs.ErrNotExist) || s.seen.Load() {
		return err
	}
	ok, e := s.client.BucketExists(ctx, s.bucket)
	if e != nil {
		return s.fail(ctx, "stat", key, e)
	}
	if !ok {
		return &Error{Op: "stat", Key: key, Store: s.Name(), Code: "NoSuchBucket", Hint: "create the bucket, or correct its name"}
	}
	s.seen.Store(true)
	return err
}

func (s *S3) begin(ctx context.Context, op, key string) error {
	if err := ended(ctx); err != nil {
		return err
	}
	if err := CheckKey(key); err != nil {
		return invalid(s.Name(), op, key, err)
	}
	return nil
}

// info takes over what every answer of S3 has.
func (s *S3) info(o minio.ObjectInfo) object.Info {
	return object.Info{Key: strings.TrimPrefix(o.Key, s.prefix), Size: o.Size, Modified: o.LastModified,
		Version: o.VersionID, DeleteMarker: o.IsDeleteMarker}
}

// encodeCRC writes a CRC-32C as S3's headers do: base64 of four bytes, the
// highest first.
func encodeCRC(sum uint32) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, sum))
}

// decodeCRC reads it. A checksum of checksums, which a multipart upload gets,
// has a suffix and is not one of the whole object.
func decodeCRC(text string) (uint32, bool) {
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(b) != 4 {
		return 0, false
	}
	return binary.BigEndian.Uint32(b), true
}
