//go:build !nocloud

package wire

import (
	"context"
	"fmt"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/aws"

	"github.com/tidemark-io/tidemark/cmd/internal/config"
)

// mskIAM takes AWS's usual chain: environment, shared files, web identity,
// container and instance. The chain renews what it hands out.
func mskIAM() (sasl.Mechanism, error) {
	conf, err := awsconfig.LoadDefaultConfig(context.Background())
	if err != nil {
		return nil, &config.Error{Key: "kafka.sasl.mechanism", Err: fmt.Errorf("read AWS configuration: %w", err)}
	}
	return aws.ManagedStreamingIAM(func(ctx context.Context) (aws.Auth, error) {
		return awsAuth(ctx, conf.Credentials)
	}), nil
}

func awsAuth(ctx context.Context, p awssdk.CredentialsProvider) (aws.Auth, error) {
	c, err := p.Retrieve(ctx)
	if err != nil {
		return aws.Auth{}, fmt.Errorf("get AWS credentials: %w", err)
	}
	return aws.Auth{AccessKey: c.AccessKeyID, SecretKey: c.SecretAccessKey, SessionToken: c.SessionToken, UserAgent: "tidemark"}, nil
}
