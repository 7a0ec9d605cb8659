package names

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// ArchiveID names one archive for ever. Its text form is 32 hex digits.
type ArchiveID [16]byte

// TopicID is Kafka's topic id (KIP-516). Its text form is Kafka's own, 22
// characters of URL-safe base64, so that it can be compared with what Kafka's
// tools print.
type TopicID [16]byte

// PageID names a key page. Its text form is 32 hex digits.
type PageID [16]byte

// KEKID names a key-encryption key. Its text form is 32 hex digits.
type KEKID [16]byte

// SignerID names a signing key: the first eight bytes of the SHA-256 of its
// Ed25519 public key. Its text form is 16 hex digits.
type SignerID [8]byte

// Digest is a SHA-256. Its text form is 64 hex digits.
type Digest [sha256.Size]byte

// Short is the part of a digest that stands in an object's name.
type Short [8]byte

// RootBranch is the branch of a lineage whose log was never truncated.
const RootBranch int32 = -1

// Lineage is one life of a topic's log: the topic id, and the leader epoch of
// the first divergent batch if the log was truncated under us.
type Lineage struct {
	Topic TopicID
	// Branch is RootBranch or a leader epoch, 0 or above.
	Branch int32
}

func (id ArchiveID) String() string { return hex.EncodeToString(id[:]) }
func (id TopicID) String() string   { return base64.RawURLEncoding.EncodeToString(id[:]) }
func (id PageID) String() string    { return hex.EncodeToString(id[:]) }
func (id KEKID) String() string     { return hex.EncodeToString(id[:]) }
func (id SignerID) String() string  { return hex.EncodeToString(id[:]) }
func (d Digest) String() string     { return hex.EncodeToString(d[:]) }
func (s Short) String() string      { return hex.EncodeToString(s[:]) }

// Short returns the part of the digest that stands in names.
func (d Digest) Short() Short { return Short(d[:8]) }

// IsZero reports whether the digest was never set: there is nothing before.
func (d Digest) IsZero() bool { return d == Digest{} }

// IsZero reports whether Kafka gave the topic no id.
func (id TopicID) IsZero() bool { return id == TopicID{} }

// String returns "<topic id>" or, for a branch, "<topic id>.e<leader epoch>".
func (l Lineage) String() string {
	if l.Branch == RootBranch {
		return l.Topic.String()
	}
	return l.Topic.String() + ".e" + strconv.FormatInt(int64(l.Branch), 10)
}

// ParseTopicID reads Kafka's text form. Only the canonical form is accepted,
// so that one id has one name.
func ParseTopicID(s string) (TopicID, error) {
	var id TopicID
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(b) != len(id) {
		return id, fmt.Errorf("topic id %q: want 22 characters of URL-safe base64", s)
	}
	return TopicID(b), nil
}

// ParseLineage reads what Lineage.String wrote.
func ParseLineage(s string) (Lineage, error) {
	text, epoch, branched := strings.Cut(s, ".e")
	id, err := ParseTopicID(text)
	if err != nil {
		return Lineage{}, fmt.Errorf("lineage %q: %w", s, err)
	}
	if !branched {
		return Lineage{Topic: id, Branch: RootBranch}, nil
	}
	n, err := parseDecimal(epoch, math.MaxInt32)
	if err != nil {
		return Lineage{}, fmt.Errorf("lineage %q: leader epoch: %w", s, err)
	}
	return Lineage{Topic: id, Branch: int32(n)}, nil
}

// parseHex accepts lower-case digits only: one value has one text.
func parseHex(what string, text, into []byte) error {
	if len(text) != 2*len(into) || strings.ToLower(string(text)) != string(text) {
		return fmt.Errorf("%s %q: want %d lower-case hex digits", what, text, 2*len(into))
	}
	if _, err := hex.Decode(into, text); err != nil {
		return fmt.Errorf("%s %q: %w", what, text, err)
	}
	return nil
}

// parseDecimal accepts digits without sign or leading zero, up to limit.
func parseDecimal(s string, limit int64) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || n > limit || strconv.FormatInt(n, 10) != s {
		return 0, fmt.Errorf("%q is not a number from 0 to %d", s, limit)
	}
	return n, nil
}
