package acls

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// ErrDisabled means that a cluster has no authorizer: it keeps no rules.
var ErrDisabled = errors.New("the cluster has no authorizer (authorizer.class.name is not set)")

// Describe asks a cluster for all of its rules. It needs the permission to
// describe the cluster. A cluster without an authorizer is not an error.
func Describe(ctx context.Context, client *kgo.Client) (Rules, error) {
	req := kmsg.NewPtrDescribeACLsRequest()
	req.ResourceType, req.ResourcePatternType = kmsg.ACLResourceTypeAny, kmsg.ACLResourcePatternTypeAny
	req.Operation, req.PermissionType = kmsg.ACLOperationAny, kmsg.ACLPermissionTypeAny
	resp, err := req.RequestWith(ctx, client)
	if err == nil {
		err = answer(resp.ErrorCode, resp.ErrorMessage)
	}
	if errors.Is(err, kerr.SecurityDisabled) {
		return Rules{Disabled: true}, nil
	}
	if err != nil {
		return Rules{}, fmt.Errorf("describe access rules: %w", err)
	}
	var r Rules
	for _, res := range resp.Resources {
		for _, a := range res.ACLs {
			r.List = append(r.List, Rule{
				Type: res.ResourceType.String(), Resource: res.ResourceName, Pattern: res.ResourcePatternType.String(),
				Principal: a.Principal, Host: a.Host, Operation: a.Operation.String(), Permission: a.PermissionType.String(),
			})
		}
	}
	return r.sorted(), nil
}

// answer turns Kafka's error into Go's, with the broker's own words.
func answer(code int16, message *string) error {
	err := kerr.ErrorForCode(code)
	if err != nil && message != nil && *message != "" {
		err = fmt.Errorf("%w: %s", err, *message)
	}
	return err
}

// create makes rules. Those that are there already are no error.
func create(ctx context.Context, client *kgo.Client, rules []Rule) error {
	req := kmsg.NewPtrCreateACLsRequest()
	for _, r := range rules {
		c, err := r.creation()
		if err != nil {
			return fmt.Errorf("%s: %w", r, err)
		}
		req.Creations = append(req.Creations, c)
	}
	resp, err := req.RequestWith(ctx, client)
	if err != nil {
		return err
	}
	if len(resp.Results) != len(rules) {
		return fmt.Errorf("%d answers to %d rules", len(resp.Results), len(rules))
	}
	var errs []error
	for i, result := range resp.Results {
		if err := answer(result.ErrorCode, result.ErrorMessage); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", rules[i], err))
		}
	}
	return errors.Join(errs...)
}
