package wire

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark-io/tidemark/pipeline/acls"
)

// examineBeside looks at what is kept beside the topics, as far as that is
// configured.
func (a *Archive) examineBeside(ctx context.Context) []Check {
	var all []Check
	if a.Config.SchemaRegistry.URL != "" {
		all = append(all, a.examineRegistry(ctx)...)
	}
	if a.Config.ACLs.Capture && len(a.Config.Kafka.Brokers) > 0 {
		all = append(all, a.examineACLs(ctx)...)
	}
	return all
}

func (a *Archive) examineRegistry(ctx context.Context) []Check {
	ctx, cancel := context.WithTimeout(ctx, checkLimit)
	defer cancel()
	d := &doctor{subject: "schema registry"}
	client, err := RegistryClient(&a.Config.SchemaRegistry)
	if !d.try("options", err, "correct the schema_registry section") {
		return d.checks
	}
	names, err := client.Subjects(ctx)
	if !d.try("list subjects", err, "check the URL, the certificates, the credentials and the permission to read subjects") {
		return d.checks
	}
	chosen, choose := 0, subjects(&a.Config.SchemaRegistry)
	for _, n := range names {
		if choose == nil || choose(n) {
			chosen++
		}
	}
	if chosen == 0 {
		d.add("subjects", Warning, fmt.Sprintf("none of %d is chosen", len(names)), "check schema_registry.subjects; a subject is kept once it appears")
		return d.checks
	}
	d.add("subjects", Good, fmt.Sprintf("%d of %d are kept", chosen, len(names)), "")
	return d.checks
}

func (a *Archive) examineACLs(ctx context.Context) []Check {
	ctx, cancel := context.WithTimeout(ctx, checkLimit)
	defer cancel()
	d := &doctor{subject: "access rules"}
	options, err := KafkaOptions(&a.Config.Kafka, a.Log)
	if err != nil {
		return nil // told of Kafka already
	}
	client, err := kgo.NewClient(options...)
	if err != nil {
		return nil
	}
	defer client.Close()
	rules, err := acls.Describe(ctx, client)
	switch {
	case errors.Is(err, kerr.ClusterAuthorizationFailed):
		d.try("describe", err, "grant Describe on the cluster to this user, or set acls.capture to false")
	case err != nil:
		d.try("describe", err, "check the connection to Kafka")
	case rules.Disabled:
		d.add("authorizer", Warning, "the cluster has none, so there are no rules to keep", "set acls.capture to false")
	default:
		d.add("describe", Good, fmt.Sprintf("%d rules", len(rules.List)), "")
	}
	return d.checks
}
