package objectstest

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/pem"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// Headers of the S3 protocol.
const (
	headerCRC   = "X-Amz-Checksum-Crc32c"
	headerMode  = "X-Amz-Object-Lock-Mode"
	headerUntil = "X-Amz-Object-Lock-Retain-Until-Date"
)

func (s *S3) putObject(w http.ResponseWriter, r *http.Request, key string) {
	v, status, code := s.parsePut(r, key)
	if code != "" {
		refuse(w, status, code)
		return
	}
	conditional := r.Header.Get("If-None-Match") == "*" && !s.o.IgnoreConditions
	if conditional && !s.beginWrite(key) {
		refuse(w, http.StatusConflict, "ConditionalRequestConflict")
		return
	}
	status, code = s.readBody(r, v)
	if code == "" {
		status, code = s.store(v, conditional)
	} else if conditional {
		s.endWrite(key)
	}
	if code != "" {
		refuse(w, status, code)
		return
	}
	s.describe(w, v, true)
}

// parsePut checks the headers of a PUT as AWS does.
func (s *S3) parsePut(r *http.Request, key string) (v *s3Version, status int, code string) {
	v = &s3Version{key: key, crc: r.Header.Get(headerCRC), mode: r.Header.Get(headerMode)}
	until := r.Header.Get(headerUntil)
	switch {
	case r.ContentLength < 0:
		return nil, http.StatusLengthRequired, "MissingContentLength"
	case r.Header.Get("X-Amz-Content-Sha256") != "UNSIGNED-PAYLOAD":
		return nil, http.StatusNotImplemented, "NotImplemented"
	case r.Header.Get("If-None-Match") != "" && r.Header.Get("If-None-Match") != "*":
		return nil, http.StatusNotImplemented, "NotImplemented"
	case (v.mode == "") != (until == ""), v.mode != "" && !s.o.ObjectLock:
		return nil, http.StatusBadRequest, "InvalidRequest"
	case v.mode != "" && v.mode != "GOVERNANCE" && v.mode != "COMPLIANCE":
		return nil, http.StatusBadRequest, "InvalidArgument"
	case (v.mode != "" || s.o.DefaultRetention > 0) && v.crc == "":
		return nil, http.StatusBadRequest, "InvalidRequest"
	}
	if until == "" {
		return s.withDefault(v), 0, ""
	}
	var err error
	if v.until, err = time.Parse(time.RFC3339, until); err != nil || v.until.Before(s.now()) {
		return nil, http.StatusBadRequest, "InvalidArgument"
	}
	return v, 0, ""
}

func (s *S3) withDefault(v *s3Version) *s3Version {
	if s.o.DefaultRetention > 0 {
		v.mode, v.until = "GOVERNANCE", s.now().AddDate(0, 0, s.o.DefaultRetention)
	}
	return v
}

// readBody takes the body and checks it against the checksum that came with
// it.
func (s *S3) readBody(r *http.Request, v *s3Version) (status int, code string) {
	body, err := io.ReadAll(r.Body)
	if err != nil || int64(len(body)) != r.ContentLength {
		return http.StatusBadRequest, "IncompleteBody"
	}
	if v.crc != "" && v.crc != encodeCRC(body) {
		return http.StatusBadRequest, "BadDigest"
	}
	if s.o.NoChecksums {
		v.crc = ""
	}
	v.body = body
	return 0, ""
}

// beginWrite reports whether no other conditional PUT of key is under way.
func (s *S3) beginWrite(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.writing[key] {
		return false
	}
	s.writing[key] = true
	return true
}

func (s *S3) endWrite(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.writing, key)
}

func (s *S3) store(v *s3Version, conditional bool) (status int, code string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if conditional {
		delete(s.writing, v.key)
		if s.newest(v.key) != nil || s.o.MarkersHoldNames && len(s.keys[v.key]) > 0 {
			return http.StatusPreconditionFailed, "PreconditionFailed"
		}
	}
	s.add(v)
	return 0, ""
}

// add appends a version, or replaces the only one. The caller holds the lock.
func (s *S3) add(v *s3Version) {
	v.modified = s.now()
	v.id = "null"
	if s.o.Versioning {
		s.next++
		v.id = fmt.Sprintf("ver-%08d", s.next)
		s.keys[v.key] = append(s.keys[v.key], v)
		return
	}
	s.keys[v.key] = []*s3Version{v}
}

func (s *S3) getObject(w http.ResponseWriter, r *http.Request, key string) {
	s.mu.Lock()
	v, hidden := s.newest(key), len(s.keys[key]) > 0
	s.mu.Unlock()
	if v == nil {
		if hidden {
			w.Header().Set("X-Amz-Delete-Marker", "true")
		}
		refuse(w, http.StatusNotFound, "NoSuchKey")
		return
	}
	s.describe(w, v, r.Header.Get("X-Amz-Checksum-Mode") == "ENABLED" && r.Header.Get("Range") == "")
	if v.mode != "" {
		w.Header().Set(headerMode, v.mode)
		w.Header().Set(headerUntil, v.until.UTC().Format(time.RFC3339))
	}
	body := v.body
	if text := r.Header.Get("Range"); text != "" {
		var first, last int64
		if _, err := fmt.Sscanf(text, "bytes=%d-%d", &first, &last); err != nil || first > last {
			refuse(w, http.StatusNotImplemented, "NotImplemented")
			return
		}
		size := int64(len(body))
		if first >= size {
			refuse(w, http.StatusRequestedRangeNotSatisfiable, "InvalidRange")
			return
		}
		last = min(last, size-1)
		body = body[first : last+1]
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", first, last, size))
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	if r.Header.Get("Range") != "" {
		w.WriteHeader(http.StatusPartialContent)
	}
	if r.Method == http.MethodGet {
		io.Copy(w, bytes.NewReader(body))
	}
}

func (s *S3) deleteObject(w http.ResponseWriter, key, version string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.keys[key], func(v *s3Version) bool { return v.id == version })
	switch {
	case version == "" && s.o.Versioning:
		s.add(&s3Version{key: key, marker: true})
	case version == "":
		delete(s.keys, key)
	case i >= 0 && s.keys[key][i].until.After(s.now()):
		refuse(w, http.StatusForbidden, "AccessDenied")
		return
	case i >= 0:
		s.keys[key] = slices.Delete(s.keys[key], i, i+1)
		if len(s.keys[key]) == 0 {
			delete(s.keys, key)
		}
	}
	w.WriteHeader(http.StatusNoContent)
}

// describe sets the headers that every answer about an object has. The ETag is
// no digest, which it need not be.
func (s *S3) describe(w http.ResponseWriter, v *s3Version, checksum bool) {
	w.Header().Set("ETag", `"not-a-digest-`+v.id+`"`)
	w.Header().Set("Last-Modified", v.modified.Format(http.TimeFormat))
	if s.o.Versioning {
		w.Header().Set("X-Amz-Version-Id", v.id)
	}
	if checksum && v.crc != "" {
		w.Header().Set(headerCRC, v.crc)
		w.Header().Set("X-Amz-Checksum-Type", "FULL_OBJECT")
	}
}

func encodeCRC(b []byte) string {
	sum := crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli))
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, sum))
}

func certificatePEM(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}
