package wire

import (
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/tidemark-io/tidemark/cmd/internal/config"
	"github.com/tidemark-io/tidemark/pipeline/registry/registrytest"
)

func examined(t *testing.T, c *config.Config) []string {
	t.Helper()
	var list []string
	for _, check := range (&Archive{Config: c, Log: slog.New(slog.DiscardHandler)}).examineBeside(t.Context()) {
		list = append(list, strings.Join([]string{check.Subject, check.What, string(check.State), check.Detail}, ": "))
	}
	return list
}

func TestDoctorLooksAtTheRegistry(t *testing.T) {
	r := registrytest.New(t)
	r.Put(registrytest.Version{Subject: "a-value", Version: 1, ID: 1, Schema: `"int"`})
	c := &config.Config{SchemaRegistry: config.SchemaRegistry{URL: r.URL}}
	if got := examined(t, &config.Config{}); len(got) != 0 {
		t.Errorf("nothing is configured: %q", got)
	}
	if got := examined(t, c); !slices.Contains(got, "schema registry: subjects: ok: 1 of 1 are kept") {
		t.Errorf("%q", got)
	}
	c.SchemaRegistry.Subjects = "b-.*"
	if got := examined(t, c); !slices.Contains(got, "schema registry: subjects: warning: none of 1 is chosen") {
		t.Errorf("%q", got)
	}
	r.Authorization = "Basic nobody"
	if got := examined(t, c); !strings.Contains(strings.Join(got, "\n"), "list subjects: bad: list subjects: GET /subjects: 401, code 40101: Unauthorized") {
		t.Errorf("%q", got)
	}
}

func TestDoctorLooksAtAccessRules(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	c := &config.Config{Kafka: config.Kafka{Brokers: cluster.ListenAddrs()}, ACLs: config.ACLs{Capture: true}}
	if got := examined(t, c); !slices.Equal(got, []string{"access rules: describe: ok: 0 rules"}) {
		t.Errorf("%q", got)
	}
	for _, test := range []struct {
		code *kerr.Error
		want string
	}{
		{kerr.SecurityDisabled, "access rules: authorizer: warning: the cluster has none"},
		{kerr.ClusterAuthorizationFailed, "access rules: describe: bad: describe access rules: CLUSTER_AUTHORIZATION_FAILED"},
	} {
		cluster.ControlKey(int16(kmsg.DescribeACLs), func(req kmsg.Request) (kmsg.Response, error, bool) {
			resp := req.ResponseKind().(*kmsg.DescribeACLsResponse)
			resp.ErrorCode = test.code.Code
			return resp, nil, true
		})
		if got := examined(t, c); len(got) != 1 || !strings.Contains(got[0], test.want) {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
}
