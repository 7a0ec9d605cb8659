// Package names turns what tidemark keeps into object names and back.
//
// It is the only place that knows the layout of a region:
//
//	archive.json
//	signers/<signer>.json
//	topics/<topic>/<lineage>/<partition>/<base>-<next>-<digest>.seg
//	topics/<topic>/<lineage>/<partition>/<base>-<next>-<digest>.gap
//	topics/<topic>/<lineage>/config/<time>-<digest>.json
//	topics/<topic>/<lineage>/catalogue/<partition>/<base>-<next>-<digest>.json
//
// and, in the place of their own that keys have,
//
//	pages/<page>.keys
//	kek/<id>.json
//
// Names sort by base offset. A name belongs to one content for ever, because
// it ends in the content's digest. Every name that is read is parsed strictly:
// what does not print again to the same text is refused, so nothing that
// climbs out of its folder ever becomes a path.
package names

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Archive is the name of the file that says who this archive is.
const Archive = "archive.json"

const (
	topicsDir  = "topics/"
	signersDir = "signers/"
	pagesDir   = "pages/"
	kekDir     = "kek/"
	configDir  = "config"
)

// The prefixes under which to list signers, key pages and key-encryption keys.
const (
	Signers = signersDir
	Pages   = pagesDir
	KEKs    = kekDir
)

// maxTopic is Kafka's own limit on the length of a topic's name.
const maxTopic = 249

// CheckTopic applies Kafka's rule for topic names: 1 to 249 characters of
// [a-zA-Z0-9._-], and not "." or "..".
func CheckTopic(name string) error {
	if len(name) == 0 || len(name) > maxTopic {
		return fmt.Errorf("topic name of %d characters: want 1 to %d", len(name), maxTopic)
	}
	if name == "." || name == ".." {
		return fmt.Errorf("topic name %q: not allowed", name)
	}
	for i := range len(name) {
		if !topicChar(name[i]) {
			return fmt.Errorf("topic name %q: character %d is not one of [a-zA-Z0-9._-]", name, i)
		}
	}
	return nil
}

func topicChar(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '_' || c == '-'
}

// Partition is one partition of one life of a topic: the place where segments
// lie side by side.
type Partition struct {
	Topic   string
	Lineage Lineage
	// Number is the partition's number, 0 or above.
	Number int32
}

// String returns the partition's folder without a trailing slash.
func (p Partition) String() string {
	return topicsDir + p.Topic + "/" + p.Lineage.String() + "/" + strconv.FormatInt(int64(p.Number), 10)
}

// Prefix returns what the names of all the partition's objects begin with.
func (p Partition) Prefix() string { return p.String() + "/" }

// TopicPrefix returns what the names of all objects of a topic begin with, in
// all its lineages; with an empty topic, of all topics.
func TopicPrefix(topic string) string {
	if topic == "" {
		return topicsDir
	}
	return topicsDir + topic + "/"
}

// Kind tells the three kinds of write-once objects of a partition apart.
type Kind string

// The kinds are the endings of the names.
const (
	KindSegment Kind = "seg"
	KindGap     Kind = "gap"
	KindErase   Kind = "erase"
)

// Range is an object of a partition that speaks of the offsets [Base, Next).
type Range struct {
	Partition Partition
	Base      int64
	Next      int64
	Digest    Short
	Kind      Kind
}

// String returns the object's name.
func (r Range) String() string {
	return fmt.Sprintf("%s/%020d-%020d-%s.%s", r.Partition, r.Base, r.Next, r.Digest, r.Kind)
}

// After returns the name to give to LIST so that it begins with the first
// object of the partition whose base is at or above offset.
func (p Partition) After(offset int64) string {
	return fmt.Sprintf("%s/%020d", p, max(offset, 0))
}

// Validate applies the rules for what a name may say.
func (r Range) Validate() error {
	if err := CheckTopic(r.Partition.Topic); err != nil {
		return err
	}
	if r.Partition.Number < 0 {
		return fmt.Errorf("partition %d is below 0", r.Partition.Number)
	}
	if r.Base < 0 || r.Next <= r.Base {
		return fmt.Errorf("offsets [%d, %d): want 0 <= base < next", r.Base, r.Next)
	}
	switch r.Kind {
	case KindSegment, KindGap, KindErase:
		return nil
	}
	return fmt.Errorf("kind %q is unknown", r.Kind)
}

// ParseRange reads a name that Range.String wrote.
func ParseRange(name string) (Range, error) {
	r, err := parseRange(name)
	if err != nil {
		return Range{}, fmt.Errorf("object name %q: %w", name, err)
	}
	if r.String() != name {
		return Range{}, fmt.Errorf("object name %q: not in canonical form, want %q", name, r)
	}
	return r, nil
}

func parseRange(name string) (Range, error) {
	rest, ok := strings.CutPrefix(name, topicsDir)
	parts := strings.Split(rest, "/")
	if !ok || len(parts) != 4 {
		return Range{}, errors.New("want topics/<topic>/<lineage>/<partition>/<object>")
	}
	p, err := parsePartition(parts)
	if err != nil {
		return Range{}, err
	}
	r := Range{Partition: p}
	if err := r.parseFile(parts[3]); err != nil {
		return Range{}, err
	}
	return r, r.Validate()
}

func parsePartition(parts []string) (Partition, error) {
	lineage, err := ParseLineage(parts[1])
	if err != nil {
		return Partition{}, err
	}
	n, err := parseDecimal(parts[2], math.MaxInt32)
	if err != nil {
		return Partition{}, fmt.Errorf("partition: %w", err)
	}
	return Partition{Topic: parts[0], Lineage: lineage, Number: int32(n)}, nil
}

func (r *Range) parseFile(file string) error {
	stem, kind, _ := strings.Cut(file, ".")
	fields := strings.Split(stem, "-")
	if len(fields) != 3 || len(fields[2]) != 2*len(r.Digest) {
		return errors.New("want <base>-<next>-<16 hex digits>.<kind>")
	}
	if _, err := hex.Decode(r.Digest[:], []byte(fields[2])); err != nil {
		return fmt.Errorf("digest: %w", err)
	}
	var err error
	if r.Base, err = strconv.ParseInt(fields[0], 10, 64); err != nil {
		return fmt.Errorf("base offset: %w", err)
	}
	if r.Next, err = strconv.ParseInt(fields[1], 10, 64); err != nil {
		return fmt.Errorf("next offset: %w", err)
	}
	r.Kind = Kind(kind)
	return nil
}

// Signer returns the name of the file that introduces a signing key.
func Signer(id SignerID) string { return signersDir + id.String() + ".json" }

// Page returns the name of a key page, in the place of the keys.
func Page(id PageID) string { return pagesDir + id.String() + ".keys" }

// KEK returns the name of a key-encryption key, in the place of the keys.
func KEK(id KEKID) string { return kekDir + id.String() + ".json" }

// timeLayout sorts as text and can be read; always UTC.
const timeLayout = "20060102T150405.000Z"

// TopicConfig returns the name of a file with a topic's settings, as they were
// from a moment on.
func TopicConfig(topic string, l Lineage, at time.Time, digest Short) string {
	return fmt.Sprintf("%s%s/%s-%s.json", TopicPrefix(topic), l.String()+"/"+configDir, at.UTC().Format(timeLayout), digest)
}

// TopicConfigPrefix returns what the names of a lineage's settings begin with.
func TopicConfigPrefix(topic string, l Lineage) string {
	return TopicPrefix(topic) + l.String() + "/" + configDir + "/"
}

// IsTopicConfig reports whether a name under a topic is a settings file.
func IsTopicConfig(name string) bool {
	rest, ok := strings.CutPrefix(name, topicsDir)
	parts := strings.Split(rest, "/")
	return ok && len(parts) == 4 && parts[2] == configDir
}
