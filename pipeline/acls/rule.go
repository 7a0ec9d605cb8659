package acls

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Rule is one access rule, in Kafka's own words.
type Rule struct {
	// Type is TOPIC, GROUP, CLUSTER, TRANSACTIONAL_ID, DELEGATION_TOKEN or USER.
	Type string `json:"type"`
	// Resource is its name, or the beginning of it; * in a literal rule is all.
	Resource string `json:"resource"`
	// Pattern is LITERAL or PREFIXED.
	Pattern   string `json:"pattern"`
	Principal string `json:"principal"`
	Host      string `json:"host"`
	Operation string `json:"operation"`
	// Permission is ALLOW or DENY.
	Permission string `json:"permission"`
}

// String writes the rule as a sentence.
func (r Rule) String() string {
	where := strings.ToLower(r.Type) + " " + r.Resource
	if r.Pattern == patternPrefixed {
		where = strings.ToLower(r.Type) + "s that begin with " + r.Resource
	}
	return fmt.Sprintf("%s %s %s from %s on %s", r.Principal, r.Permission, r.Operation, r.Host, where)
}

// The words that this package decides by.
const (
	typeTopic       = "TOPIC"
	patternLiteral  = "LITERAL"
	patternPrefixed = "PREFIXED"
	permissionDeny  = "DENY"
	wildcard        = "*"
)

func compare(a, b Rule) int {
	return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Resource, b.Resource), cmp.Compare(a.Pattern, b.Pattern),
		cmp.Compare(a.Principal, b.Principal), cmp.Compare(a.Operation, b.Operation), cmp.Compare(a.Permission, b.Permission), cmp.Compare(a.Host, b.Host))
}

// Rules are what a cluster had at an instant.
type Rules struct {
	// Disabled tells that the cluster had no authorizer, and so no rules.
	Disabled bool `json:"disabled,omitempty"`
	// List is sorted, and holds each rule once.
	List []Rule `json:"rules,omitempty"`
}

// Digest is the SHA-256 of the rules as JSON, in hex.
func (r Rules) Digest() (string, error) {
	text, err := json.Marshal(r)
	if err != nil {
		return "", fmt.Errorf("digest access rules: %w", err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}

func (r Rules) sorted() Rules {
	slices.SortFunc(r.List, compare)
	r.List = slices.Compact(r.List)
	return r
}

// creation is a rule as a request has it.
func (r Rule) creation() (kmsg.CreateACLsRequestCreation, error) {
	c := kmsg.NewCreateACLsRequestCreation()
	c.ResourceName, c.Principal, c.Host = r.Resource, r.Principal, r.Host
	var errs [4]error
	c.ResourceType, errs[0] = kmsg.ParseACLResourceType(r.Type)
	c.ResourcePatternType, errs[1] = kmsg.ParseACLResourcePatternType(r.Pattern)
	c.Operation, errs[2] = kmsg.ParseACLOperation(r.Operation)
	c.PermissionType, errs[3] = kmsg.ParseACLPermissionType(r.Permission)
	return c, cmp.Or(errs[:]...)
}
