package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark-io/tidemark/bench/harness"
)

// startEmbedded starts the embedded broker as a process of its own, so that it
// has its own account, and takes directories for regions.
func startEmbedded(ctx context.Context, program, dir string) (*benchServers, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("make directory of the regions: %w", err)
	}
	cmd := exec.CommandContext(context.WithoutCancel(ctx), program, "bench", "broker")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe() // its end tells the broker that we are gone
	if err != nil {
		return nil, fmt.Errorf("start the embedded broker: %w", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start the embedded broker: %w", err)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the embedded broker: %w", err)
	}
	s := &benchServers{close: func() error {
		return errors.Join(in.Close(), cmd.Wait())
	}}
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start the embedded broker: %w", err), s.close())
	}
	address = strings.TrimSpace(address)
	var regions []any
	for _, name := range []string{"a", "b"} {
		regions = append(regions, map[string]any{
			"name": name, "url": "file://" + filepath.Join(dir, "region-"+name), "keys_url": "file://" + filepath.Join(dir, "keys-"+name),
		})
	}
	s.Servers = harness.Servers{
		Config:    map[string]any{"kafka": map[string]any{"brokers": []any{address}}, "regions": regions},
		Client:    []kgo.Opt{kgo.SeedBrokers(address)},
		Processes: []harness.Watched{{Name: "kafka", PID: cmd.Process.Pid}},
		Kafka:     "kfake (embedded)", Stores: "directories (embedded)", Disk: dir, Embedded: true,
	}
	return s, nil
}

// benchBrokerCommand is the embedded broker. It ends with its standard input,
// and so with whoever started it.
func benchBrokerCommand() *cobra.Command {
	return &cobra.Command{
		Use: "broker", Hidden: true, Args: cobra.NoArgs, Short: "Run the embedded broker until standard input ends",
		RunE: func(cmd *cobra.Command, _ []string) error {
			signal.Ignore(os.Interrupt) // whoever started us ends us when all is removed
			cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
			if err != nil {
				return fmt.Errorf("start the embedded broker: %w", err)
			}
			defer cluster.Close()
			if _, err := fmt.Fprintln(cmd.OutOrStdout(), cluster.ListenAddrs()[0]); err != nil {
				return err
			}
			_, err = io.Copy(io.Discard, os.Stdin)
			return err
		},
	}
}
