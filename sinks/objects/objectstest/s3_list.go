package objectstest

import (
	"encoding/xml"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
)

// s3Entry is an object in a listing.
type s3Entry struct {
	XMLName      xml.Name
	Key          string
	VersionID    string `xml:"VersionId,omitempty"`
	IsLatest     *bool  `xml:",omitempty"`
	LastModified string
	ETag         string `xml:",omitempty"`
	Size         int64
}

func newEntry(element string, v *s3Version) s3Entry {
	return s3Entry{XMLName: xml.Name{Local: element}, Key: url.QueryEscape(v.key), LastModified: v.modified.Format(time.RFC3339),
		ETag: `"not-a-digest"`, Size: int64(len(v.body))}
}

// pageSize is what was asked for, or S3's 1,000.
func pageSize(q url.Values) int {
	n, err := strconv.Atoi(q.Get("max-keys"))
	if err != nil || n <= 0 || n > 1000 {
		return 1000
	}
	return n
}

// listObjects is ListObjectsV2. Its continuation token is the last key with
// something before it, so that a client cannot take one for the other.
func (s *S3) listObjects(w http.ResponseWriter, q url.Values) {
	const tokenMark = "token:"
	after := q.Get("start-after")
	if token := q.Get("continuation-token"); token != "" {
		after = token[min(len(token), len(tokenMark)):]
	}
	var page struct {
		XMLName               xml.Name `xml:"ListBucketResult"`
		Name, EncodingType    string
		IsTruncated           bool
		NextContinuationToken string `xml:",omitempty"`
		Contents              []s3Entry
	}
	page.Name, page.EncodingType = bucket, "url"
	last := ""
	s.mu.Lock()
	for _, key := range s.sorted(q.Get("prefix")) {
		v := s.newest(key)
		if v == nil || key <= after {
			continue
		}
		if len(page.Contents) == pageSize(q) {
			page.IsTruncated, page.NextContinuationToken = true, tokenMark+last
			break
		}
		page.Contents = append(page.Contents, newEntry("Contents", v))
		last = key
	}
	s.mu.Unlock()
	reply(w, page)
}

// listVersions is ListObjectVersions: keys in order, newest version first.
func (s *S3) listVersions(w http.ResponseWriter, q url.Values) {
	var page struct {
		XMLName             xml.Name `xml:"ListVersionsResult"`
		Name, EncodingType  string
		IsTruncated         bool
		NextKeyMarker       string `xml:",omitempty"`
		NextVersionIDMarker string `xml:"NextVersionIdMarker,omitempty"`
		Entries             []s3Entry
	}
	page.Name, page.EncodingType = bucket, "url"
	s.mu.Lock()
	all := s.allVersions(q.Get("prefix"), q.Get("key-marker"), q.Get("version-id-marker"))
	for i, v := range all {
		if i == pageSize(q) {
			page.IsTruncated, page.NextKeyMarker, page.NextVersionIDMarker = true, url.QueryEscape(all[i-1].key), all[i-1].id
			break
		}
		page.Entries = append(page.Entries, s.versionEntry(v))
	}
	s.mu.Unlock()
	reply(w, page)
}

func (s *S3) versionEntry(v *s3Version) s3Entry {
	element := "Version"
	if v.marker {
		element = "DeleteMarker"
	}
	e := newEntry(element, v)
	latest := s.keys[v.key][len(s.keys[v.key])-1] == v
	e.VersionID, e.IsLatest = v.id, &latest
	return e
}

// allVersions returns what comes after the two markers. The caller holds the
// lock.
func (s *S3) allVersions(prefix, key, version string) []*s3Version {
	var all []*s3Version
	for _, k := range s.sorted(prefix) {
		newest := slices.Clone(s.keys[k])
		slices.Reverse(newest)
		if k == key && version != "" {
			i := slices.IndexFunc(newest, func(v *s3Version) bool { return v.id == version })
			all = append(all, newest[i+1:]...)
		} else if k > key {
			all = append(all, newest...)
		}
	}
	return all
}
