package restore

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// lines are the clients that batches travel by. A broker answers the requests
// of one connection one after the other, and a client has one connection for
// produce requests: with several clients a broker works on several requests at
// once. A partition keeps its line, so that its batches stay in order.
type lines []*kgo.Client

// openLines returns n lines, the first of which is the client itself.
func openLines(ctx context.Context, client *kgo.Client, n int) (lines, error) {
	l := lines{client}
	for len(l) < n {
		c, err := kgo.NewClient(client.Opts()...)
		if err != nil {
			l.close()
			return nil, fmt.Errorf("open client for batches: %w", err)
		}
		l = append(l, c)
		if err := learnBrokers(ctx, c); err != nil {
			l.close()
			return nil, err
		}
	}
	return l, nil
}

// close leaves the first line to whoever opened it.
func (l lines) close() {
	for _, c := range l[1:] {
		c.Close()
	}
}

func (l lines) of(p place) int { return int(p.partition) % len(l) }

// learnBrokers tells a client the brokers' addresses, which it knows only from
// metadata.
func learnBrokers(ctx context.Context, client *kgo.Client) error {
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = []kmsg.MetadataRequestTopic{}
	if _, err := req.RequestWith(ctx, client); err != nil {
		return fmt.Errorf("ask the target for its brokers: %w", err)
	}
	return nil
}
