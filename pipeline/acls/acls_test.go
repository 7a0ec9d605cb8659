package acls_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/deploy/local"
	"github.com/tidemark-io/tidemark/pipeline/acls"
	"github.com/tidemark-io/tidemark/pipeline/cover/covertest"
	"github.com/tidemark-io/tidemark/pipeline/documents"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

type place struct{ *covertest.Region }

func (p place) Name() string { return p.Region.Name }

func dial(t *testing.T, seeds ...string) *kgo.Client {
	t.Helper()
	c, err := kgo.NewClient(kgo.SeedBrokers(seeds...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func fake(t *testing.T) (*kfake.Cluster, *kgo.Client) {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c, dial(t, c.ListenAddrs()...)
}

func capturer(w *covertest.World, client *kgo.Client) *acls.Capturer {
	return &acls.Capturer{Client: client, Archive: w.Archive(), Keeper: &documents.Keeper{Archive: w.ID, Signer: w.Archiver, Regions: []documents.Region{place{w.A}, place{w.B}}}}
}

func rule(what, resource, pattern, principal, operation, permission string) acls.Rule {
	return acls.Rule{Type: what, Resource: resource, Pattern: pattern, Principal: principal, Host: "*", Operation: operation, Permission: permission}
}

// rules are of every kind that a cluster keeps.
func rules() []acls.Rule {
	return []acls.Rule{
		rule("TOPIC", "orders", "LITERAL", "User:shop", "WRITE", "ALLOW"),
		rule("TOPIC", "orders", "LITERAL", "User:shop", "DESCRIBE", "ALLOW"),
		rule("TOPIC", "or", "PREFIXED", "User:analyst", "READ", "ALLOW"),
		rule("TOPIC", "*", "LITERAL", "User:auditor", "DESCRIBE", "ALLOW"),
		rule("TOPIC", "payments", "LITERAL", "User:shop", "ALL", "DENY"),
		rule("GROUP", "billing", "LITERAL", "User:shop", "READ", "ALLOW"),
		rule("TRANSACTIONAL_ID", "tx-", "PREFIXED", "User:shop", "WRITE", "ALLOW"),
		rule("CLUSTER", "kafka-cluster", "LITERAL", "User:archiver", "DESCRIBE", "ALLOW"),
		{Type: "TOPIC", Resource: "orders", Pattern: "LITERAL", Principal: "User:shop", Host: "10.0.0.1", Operation: "ALTER_CONFIGS", Permission: "DENY"},
	}
}

// give makes rules without this package's help.
func give(t *testing.T, client *kgo.Client, list []acls.Rule) {
	t.Helper()
	req := kmsg.NewPtrCreateACLsRequest()
	for _, r := range list {
		c := kmsg.NewCreateACLsRequestCreation()
		c.ResourceType, _ = kmsg.ParseACLResourceType(r.Type)
		c.ResourcePatternType, _ = kmsg.ParseACLResourcePatternType(r.Pattern)
		c.Operation, _ = kmsg.ParseACLOperation(r.Operation)
		c.PermissionType, _ = kmsg.ParseACLPermissionType(r.Permission)
		c.ResourceName, c.Principal, c.Host = r.Resource, r.Principal, r.Host
		req.Creations = append(req.Creations, c)
	}
	resp, err := req.RequestWith(t.Context(), client)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range resp.Results {
		if err := kerr.ErrorForCode(r.ErrorCode); err != nil {
			t.Fatalf("%s: %v", list[i], err)
		}
	}
}

func sorted(list []acls.Rule) []string {
	var texts []string
	for _, r := range list {
		texts = append(texts, fmt.Sprint(r, " ", r.Pattern))
	}
	slices.Sort(texts)
	return texts
}

func described(t *testing.T, client *kgo.Client) []string {
	t.Helper()
	r, err := acls.Describe(t.Context(), client)
	if err != nil {
		t.Fatal(err)
	}
	return sorted(r.List)
}

func once(t *testing.T, c *acls.Capturer, at time.Time) acls.Captured {
	t.Helper()
	got, err := c.Once(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func plan(t *testing.T, w *covertest.World, at time.Time, target *kgo.Client, o acls.Options) *acls.Plan {
	t.Helper()
	p, err := acls.NewPlan(t.Context(), w.Archive(), at, target, o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func apply(t *testing.T, w *covertest.World, p *acls.Plan, target *kgo.Client) {
	t.Helper()
	if err := acls.Apply(t.Context(), w.Archive(), p, target); err != nil {
		t.Fatal(err)
	}
}

func TestRulesComeBack(t *testing.T) {
	w := covertest.New(t)
	_, source := fake(t)
	_, target := fake(t)
	roundTrip(t, w, source, target)
}

func roundTrip(t *testing.T, w *covertest.World, source, target *kgo.Client) {
	give(t, source, rules())
	c := capturer(w, source)
	waitFor(t, source, len(rules()))
	if got := once(t, c, noon); !got.Changed || got.Rules != len(rules()) || got.Disabled {
		t.Errorf("%+v", got)
	}
	if got := once(t, c, noon.Add(time.Minute)); got.Changed {
		t.Error("nothing changed, and it was written")
	}
	if source == target {
		remove(t, source)
	}
	other := rule("GROUP", "theirs", "LITERAL", "User:them", "READ", "ALLOW")
	give(t, target, []acls.Rule{rules()[0], other})
	waitFor(t, target, 2)
	p := plan(t, w, noon, target, acls.Options{})
	if len(p.Missing()) != len(rules())-1 || p.Others != 1 || len(p.Refusals) != 0 {
		t.Errorf("%+v", p)
	}
	apply(t, w, p, target)
	want := sorted(append(rules(), other))
	if got := described(t, target); !slices.Equal(got, want) {
		t.Errorf("the target has\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	apply(t, w, p, target)
	if p := plan(t, w, noon, target, acls.Options{}); len(p.Missing()) != 0 || p.Others != 1 {
		t.Errorf("after that: %+v", p)
	}
}

// waitFor waits until a broker has heard of so many rules.
func waitFor(t *testing.T, client *kgo.Client, n int) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); len(described(t, client)) < n; {
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d rules", len(described(t, client)), n)
		}
	}
}

// remove deletes all rules.
func remove(t *testing.T, client *kgo.Client) {
	t.Helper()
	req := kmsg.NewPtrDeleteACLsRequest()
	f := kmsg.NewDeleteACLsRequestFilter()
	f.ResourceType, f.ResourcePatternType = kmsg.ACLResourceTypeAny, kmsg.ACLResourcePatternTypeAny
	f.Operation, f.PermissionType = kmsg.ACLOperationAny, kmsg.ACLPermissionTypeAny
	req.Filters = append(req.Filters, f)
	if _, err := req.RequestWith(t.Context(), client); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); len(described(t, client)) > 0; {
		if time.Now().After(deadline) {
			t.Fatalf("%d rules are left", len(described(t, client)))
		}
	}
}

func TestRenamedTopics(t *testing.T) {
	w := covertest.New(t)
	_, source := fake(t)
	_, target := fake(t)
	give(t, source, rules())
	once(t, capturer(w, source), noon)
	p := plan(t, w, noon, target, acls.Options{Topics: map[string]string{"orders": "restored.orders"}})
	apply(t, w, p, target)
	want := []acls.Rule{
		rule("TOPIC", "restored.orders", "LITERAL", "User:shop", "WRITE", "ALLOW"),
		rule("TOPIC", "restored.orders", "LITERAL", "User:shop", "DESCRIBE", "ALLOW"),
		rule("TOPIC", "restored.orders", "LITERAL", "User:analyst", "READ", "ALLOW"),
		{Type: "TOPIC", Resource: "restored.orders", Pattern: "LITERAL", Principal: "User:shop", Host: "10.0.0.1", Operation: "ALTER_CONFIGS", Permission: "DENY"},
	}
	for _, r := range rules() {
		if r.Type != "TOPIC" || r.Resource == "*" {
			want = append(want, r)
		}
	}
	if got := described(t, target); !slices.Equal(got, sorted(want)) {
		t.Errorf("the target has\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(sorted(want), "\n"))
	}
	notes := strings.Join(p.Notes, "\n")
	if !strings.Contains(notes, "begin with or does not cover restored.orders, which was orders") || !strings.Contains(notes, "1 of the rules deny") {
		t.Error(notes)
	}
	same := plan(t, w, noon, target, acls.Options{Topics: map[string]string{"orders": "orders"}})
	if len(same.Missing()) != 4 {
		t.Errorf("under the same name: %v", same.Missing())
	}
}

func TestThePast(t *testing.T) {
	w := covertest.New(t)
	_, source := fake(t)
	_, target := fake(t)
	c := capturer(w, source)
	for i, r := range rules() {
		give(t, source, []acls.Rule{r})
		once(t, c, noon.Add(time.Duration(i)*time.Hour))
	}
	for i := range rules() {
		if p := plan(t, w, noon.Add(time.Duration(i)*time.Hour+time.Minute), target, acls.Options{}); len(p.Items) != i+1 {
			t.Errorf("after %d hours there are %d rules", i, len(p.Items))
		}
	}
	_, err := acls.NewPlan(t.Context(), w.Archive(), noon.Add(-time.Second), target, acls.Options{})
	if !errors.Is(err, acls.ErrNone) || !strings.Contains(err.Error(), "acls.capture") {
		t.Error(err)
	}
	again := capturer(w, source)
	if got := once(t, again, noon.Add(30*time.Hour)); got.Changed {
		t.Error("nothing changed, and another process wrote it")
	}
	remove(t, source)
	once(t, again, noon.Add(31*time.Hour))
	give(t, source, rules())
	if got := once(t, c, noon.Add(32*time.Hour)); !got.Changed {
		t.Error("another process wrote something else in between, and what is there now was not written")
	}
	if got := once(t, again, noon.Add(60*24*time.Hour)); !got.Changed {
		t.Error("after a month it was not written again")
	}
}

// TestManyRulesAreCut: a document that grows with the cluster would outgrow what
// readers take.
func TestManyRulesAreCut(t *testing.T) {
	w := covertest.New(t)
	_, source := fake(t)
	_, target := fake(t)
	var many []acls.Rule
	for i := range 3000 {
		many = append(many, rule("TOPIC", fmt.Sprintf("%0100d", i), "LITERAL", "User:u", "READ", "ALLOW"))
	}
	give(t, source, many)
	once(t, capturer(w, source), noon)
	if n := len(w.A.Keys()); n < 3 {
		t.Errorf("%d objects", n)
	}
	apply(t, w, plan(t, w, noon, target, acls.Options{}), target)
	if got := described(t, target); !slices.Equal(got, sorted(many)) {
		t.Errorf("%d rules", len(got))
	}
}

// TestForgedSets: parts that are signed and do not make up what they say.
func TestForgedSets(t *testing.T) {
	w := covertest.New(t)
	_, source := fake(t)
	give(t, source, rules())
	c := capturer(w, source)
	once(t, c, noon)
	forged := acls.Document{Rules: acls.Rules{List: rules()[:1]}}
	forged.Set, forged.Part, forged.Parts = strings.Repeat("0", 64), 1, 1
	if _, err := c.Keeper.Keep(t.Context(), names.FolderACLs, noon.Add(time.Hour), forged); err != nil {
		t.Fatal(err)
	}
	if p := plan(t, w, time.Time{}, source, acls.Options{}); !p.At.Equal(noon) || !strings.Contains(strings.Join(p.Notes, ""), "its parts make up set") {
		t.Errorf("%s, %v", p.At, p.Notes)
	}
}

// disabled answers as a cluster without an authorizer does.
func disabled(c *kfake.Cluster) {
	c.ControlKey(int16(kmsg.DescribeACLs), func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		resp := req.ResponseKind().(*kmsg.DescribeACLsResponse)
		resp.ErrorCode, resp.ErrorMessage = kerr.SecurityDisabled.Code, kmsg.StringPtr("No Authorizer is configured.")
		return resp, nil, true
	})
}

func TestWithoutAnAuthorizer(t *testing.T) {
	w := covertest.New(t)
	cluster, source := fake(t)
	disabled(cluster)
	c := capturer(w, source)
	if got := once(t, c, noon); !got.Changed || !got.Disabled {
		t.Errorf("%+v", got)
	}
	if got := once(t, c, noon.Add(time.Minute)); got.Changed {
		t.Error("it was written down twice")
	}
	_, target := fake(t)
	p := plan(t, w, noon, target, acls.Options{})
	if len(p.Items) != 0 || len(p.Refusals) != 0 || !strings.Contains(strings.Join(p.Notes, ""), "the source had no authorizer") {
		t.Errorf("%+v", p)
	}
	apply(t, w, p, target)

	with := covertest.New(t)
	give(t, target, rules())
	once(t, capturer(with, target), noon)
	p = plan(t, with, noon, source, acls.Options{})
	if len(p.Refusals) != 1 {
		t.Errorf("into a cluster without an authorizer: %+v", p)
	}
	if err := acls.Apply(t.Context(), with.Archive(), p, source); !errors.Is(err, acls.ErrRefused) || !strings.Contains(err.Error(), "authorizer.class.name") {
		t.Error(err)
	}
}

// TestWhatIsTakenIsReadBack: an answer without an error is not yet a rule.
func TestWhatIsTakenIsReadBack(t *testing.T) {
	w := covertest.New(t)
	_, source := fake(t)
	give(t, source, rules())
	once(t, capturer(w, source), noon)
	cluster, target := fake(t)
	p := plan(t, w, noon, target, acls.Options{})
	asked := 0
	cluster.ControlKey(int16(kmsg.CreateACLs), func(req kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		resp := req.ResponseKind().(*kmsg.CreateACLsResponse)
		for range req.(*kmsg.CreateACLsRequest).Creations {
			r := kmsg.NewCreateACLsResponseResult()
			if asked > 0 {
				r.ErrorCode, r.ErrorMessage = kerr.PolicyViolation.Code, kmsg.StringPtr("not here")
			}
			resp.Results = append(resp.Results, r)
		}
		asked++
		return resp, nil, true
	})
	ctx, cancel := contextFor(t, time.Second)
	defer cancel()
	if err := acls.Apply(ctx, w.Archive(), p, target); err == nil {
		t.Error("rules that are not there were taken for made")
	}
	if err := acls.Apply(t.Context(), w.Archive(), p, target); !errors.Is(err, kerr.PolicyViolation) || !strings.Contains(err.Error(), "User:shop ALLOW WRITE from * on topic orders") {
		t.Error(err)
	}
	p.Set = "other"
	if err := acls.Apply(t.Context(), w.Archive(), p, target); !errors.Is(err, acls.ErrRefused) || asked != 2 {
		t.Error(err, asked)
	}
}

// TestApacheKafka has its own authorizer, which kfake only resembles.
func TestApacheKafka(t *testing.T) {
	local.Require(t)
	start := func(settings map[string]string) *kgo.Client {
		k, err := local.StartKafka(t.Context(), t.TempDir(), local.KafkaOptions{Properties: settings})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = k.Kill() })
		return dial(t, strings.Split(k.Bootstrap(), ",")...)
	}
	settings := map[string]string{
		"authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
		"super.users":           "User:ANONYMOUS", "allow.everyone.if.no.acl.found": "true",
	}
	source := start(settings)
	t.Run("lost and back", func(t *testing.T) { roundTrip(t, covertest.New(t), source, source) })
	t.Run("no authorizer", func(t *testing.T) {
		w, open := covertest.New(t), start(nil)
		if got := once(t, capturer(w, open), noon); !got.Disabled {
			t.Errorf("%+v", got)
		}
		once(t, capturer(w, source), noon.Add(time.Hour))
		if p := plan(t, w, noon.Add(time.Hour), open, acls.Options{}); len(p.Refusals) != 1 {
			t.Errorf("%+v", p)
		}
	})
}

func contextFor(t *testing.T, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(t.Context(), d)
}
