package harness

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark-io/tidemark/bench/load"
	"github.com/tidemark-io/tidemark/bench/report"
)

// Order is what a load process is asked for.
type Order struct {
	Topic    string          `json:"topic"`
	Workload report.Workload `json:"workload"`
	// Ledger is the file where the load process saves its ledger.
	Ledger string `json:"ledger"`
}

// topicSettings keep everything: the events are counted at leisure.
var topicSettings = map[string]string{"retention.ms": "-1", "retention.bytes": "-1"}

// The words between the harness and a load process.
const (
	wordReady = "ready" // there is a topic, and the events are encoded
	wordGo    = "go"
)

// Load is the load process: it reads an order from in, as JSON, makes the
// topic, says on out that it is ready, and produces when it is told to go.
func Load(ctx context.Context, client []kgo.Opt, in io.Reader, out io.Writer) error {
	words := json.NewDecoder(in)
	var order Order
	if err := words.Decode(&order); err != nil {
		return fmt.Errorf("read order: %w", err)
	}
	g, err := load.New(load.Options{Client: client, Topic: order.Topic, Workload: order.Workload, Seed: 1})
	if err != nil {
		return err
	}
	if err := g.Create(ctx, 1, topicSettings); err != nil {
		return err
	}
	if _, err := fmt.Fprintln(out, wordReady); err != nil {
		return fmt.Errorf("say that the topic is there: %w", err)
	}
	var word string
	if err := words.Decode(&word); err != nil || word != wordGo {
		return fmt.Errorf("wait for the word to go: got %q, %w", word, err)
	}
	if _, err := g.Run(ctx); err != nil {
		return err
	}
	return g.Ledger().Save(order.Ledger)
}
