package objectstest

import (
	"cmp"
	"encoding/xml"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/sinks/objects"
)

// S3Options choose what the server's bucket is like.
type S3Options struct {
	// Versioning keeps older versions; ObjectLock implies it.
	Versioning, ObjectLock bool
	// DefaultRetention is the lock in days that the bucket puts on every object.
	DefaultRetention int
	// IgnoreConditions makes it a store that overwrites in spite of
	// If-None-Match.
	IgnoreConditions bool
	// MarkersHoldNames makes it a store where a name behind a delete marker is
	// still taken to If-None-Match, as versitygw's are; AWS frees it.
	MarkersHoldNames bool
	// NoChecksums makes it a store that keeps no checksums.
	NoChecksums bool
	// ClockAhead is how far its clock is ahead of ours.
	ClockAhead time.Duration
	// TLS serves https with a certificate that no system trusts.
	TLS bool
}

// S3 is an S3 server with one bucket, in memory, over real HTTP. It is at least
// as strict as AWS: it refuses what AWS refuses, and answers 501 to every
// request that package objects has no business to make, such as a multipart
// upload. Signatures are not verified.
type S3 struct {
	o      S3Options
	server *httptest.Server

	mu       sync.Mutex
	keys     map[string][]*s3Version // oldest first
	writing  map[string]bool         // conditional PUTs under way
	next     int
	requests []Request
	fault    func(http.Handler) http.Handler
}

// Request is what the server remembers of a request.
type Request struct {
	Method, Path, Query string
	Header              http.Header
}

// s3Version is one version or delete marker. The body is never changed.
type s3Version struct {
	key, id  string
	body     []byte
	marker   bool
	crc      string // x-amz-checksum-crc32c as it was sent
	mode     string
	until    time.Time
	modified time.Time
}

// bucket is the only one there is.
const bucket = "archive"

// NewS3 starts a server that ends with the test.
func NewS3(t testing.TB, o S3Options) *S3 {
	o.Versioning = o.Versioning || o.ObjectLock
	s := &S3{o: o, keys: map[string][]*s3Version{}, writing: map[string]bool{}}
	s.server = httptest.NewUnstartedServer(http.HandlerFunc(s.serve))
	if o.TLS {
		s.server.StartTLS()
	} else {
		s.server.Start()
	}
	t.Cleanup(s.server.Close)
	return s
}

// Config returns the settings of a client. The prefix keeps tests honest about
// it.
func (s *S3) Config() objects.S3Config {
	return objects.S3Config{Bucket: bucket, Prefix: "some/prefix", Endpoint: s.server.URL, Addressing: objects.AddressingPath,
		Credentials: objects.Credentials{Source: objects.CredentialsStatic, AccessKey: "AKIDEXAMPLE", SecretKey: "not-a-secret-but-long-enough"}}
}

// Open returns a client, without any decorator.
func (s *S3) Open(t testing.TB) *objects.S3 {
	t.Helper()
	c, err := objects.OpenS3(s.Config())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// CertificatePEM is the certificate that a client must trust, with TLS.
func (s *S3) CertificatePEM() []byte { return certificatePEM(s.server.Certificate().Raw) }

// Fault puts wrap around the server; nil takes it away again.
func (s *S3) Fault(wrap func(http.Handler) http.Handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = wrap
}

// Requests returns what was asked so far, in order of arrival.
func (s *S3) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Hide puts a delete marker on key, below the client's prefix.
func (s *S3) Hide(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.add(&s3Version{key: "some/prefix/" + key, marker: true})
}

// Versions returns the number of versions of key, delete markers included.
func (s *S3) Versions(key string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.keys["some/prefix/"+key])
}

func (s *S3) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.requests = append(s.requests, Request{Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, Header: r.Header.Clone()})
	wrap := s.fault
	s.mu.Unlock()
	w.Header().Set("Date", s.now().Format(http.TimeFormat))
	var h http.Handler = http.HandlerFunc(s.route)
	if wrap != nil {
		h = wrap(h)
	}
	h.ServeHTTP(w, r)
}

// route finds the operation by method, path and parameters.
func (s *S3) route(w http.ResponseWriter, r *http.Request) {
	name, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	q := r.URL.Query()
	switch {
	case !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ") || r.Header.Get("X-Amz-Content-Sha256") == "":
		refuse(w, http.StatusForbidden, "AccessDenied")
	case name != bucket:
		refuse(w, http.StatusNotFound, "NoSuchBucket")
	case key == "":
		s.routeBucket(w, r)
	case r.Method == http.MethodPut && len(q) == 0:
		s.putObject(w, r, key)
	case (r.Method == http.MethodGet || r.Method == http.MethodHead) && len(q) == 0:
		s.getObject(w, r, key)
	case r.Method == http.MethodDelete && (len(q) == 0 || q.Has("versionId")):
		s.deleteObject(w, key, q.Get("versionId"))
	default:
		refuse(w, http.StatusNotImplemented, "NotImplemented")
	}
}

func (s *S3) routeBucket(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	switch {
	case r.Method == http.MethodHead:
	case r.Method != http.MethodGet || q.Get("delimiter") != "":
		refuse(w, http.StatusNotImplemented, "NotImplemented")
	case q.Get("list-type") == "2":
		s.listObjects(w, q)
	case q.Has("versions"):
		s.listVersions(w, q)
	case q.Has("versioning"):
		s.getVersioning(w)
	case q.Has("object-lock"):
		s.getLock(w)
	default:
		refuse(w, http.StatusNotImplemented, "NotImplemented")
	}
}

func (s *S3) getVersioning(w http.ResponseWriter) {
	status := ""
	if s.o.Versioning {
		status = "Enabled"
	}
	reply(w, struct {
		XMLName xml.Name `xml:"VersioningConfiguration"`
		Status  string   `xml:",omitempty"`
	}{Status: status})
}

func (s *S3) getLock(w http.ResponseWriter) {
	if !s.o.ObjectLock {
		refuse(w, http.StatusNotFound, "ObjectLockConfigurationNotFoundError")
		return
	}
	type retention struct {
		Mode string
		Days int
	}
	type rule struct{ DefaultRetention retention }
	var set *rule
	if s.o.DefaultRetention > 0 {
		set = &rule{retention{"GOVERNANCE", s.o.DefaultRetention}}
	}
	reply(w, struct {
		XMLName           xml.Name `xml:"ObjectLockConfiguration"`
		ObjectLockEnabled string
		Rule              *rule
	}{ObjectLockEnabled: "Enabled", Rule: set})
}

func (s *S3) now() time.Time { return time.Now().UTC().Add(s.o.ClockAhead) }

// newest returns the object under key, nil if there is none. The caller holds
// the lock.
func (s *S3) newest(key string) *s3Version {
	all := s.keys[key]
	if len(all) == 0 || all[len(all)-1].marker {
		return nil
	}
	return all[len(all)-1]
}

// sorted returns the keys that begin with prefix. The caller holds the lock.
func (s *S3) sorted(prefix string) []string {
	var keys []string
	for key := range s.keys {
		if strings.HasPrefix(key, prefix) {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, cmp.Compare[string])
	return keys
}

// refuse answers with an error of S3's form.
func refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	xml.NewEncoder(w).Encode(struct {
		XMLName       xml.Name `xml:"Error"`
		Code, Message string
	}{Code: code, Message: "refused by the test server"})
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/xml")
	w.Write([]byte(xml.Header))
	xml.NewEncoder(w).Encode(v)
}
