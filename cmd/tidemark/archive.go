package main

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/tidemark-io/tidemark/cmd/internal/config"
	"github.com/tidemark-io/tidemark/cmd/internal/wire"
	"github.com/tidemark-io/tidemark/pipeline/drill"
)

func archiveCommand(a *app) *cobra.Command {
	var untilCaughtUp bool
	cmd := &cobra.Command{
		Use:   "archive",
		Short: "Join the consumer group and archive, until told to stop",
		Long: `Join the consumer group and archive, until told to stop.

Start as many members as you like, on as many machines: they share the
partitions. SIGTERM stops fetching, stores and commits what is in memory within
shutdown_grace, and then leaves the group. Exit 0 means that everything that was
fetched is in both regions; exit 3 that the next member fetches the rest again.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runArchive(cmd.Context(), a, untilCaughtUp) },
	}
	cmd.Flags().BoolVar(&untilCaughtUp, "until-caught-up", false, "stop at the end offsets that are there at the start")
	return cmd
}

func runArchive(ctx context.Context, a *app, untilCaughtUp bool) error {
	cfg, err := a.config()
	if err != nil {
		return err
	}
	if err := errors.Join(cfg.NeedKafka(), cfg.NeedTopics(), cfg.NeedSigningKey()); err != nil {
		return err
	}
	opened, err := a.open(ctx, wire.ForWriting)
	if err != nil {
		return err
	}
	defer opened.Close()
	if err := opened.CheckStores(ctx); err != nil {
		return refused(err)
	}
	if err := opened.CheckKafka(ctx); err != nil {
		return err
	}
	signer, err := wire.Signer(cfg)
	if err != nil {
		return err
	}
	archiver, err := opened.NewArchiver(ctx, signer, untilCaughtUp)
	if err != nil {
		return err
	}
	defer archiver.Close()
	archiver.Partitions = a.limitMemory(int64(cfg.Memory) + forDrills(cfg))
	archiver.Program = drill.Program(thisBuild())
	return serve(ctx, opened, archiver)
}

// beyondBudget is what the process needs beside the memory budget, in bytes:
// code, stacks, the index, compressors, clients and their buffers, and what the
// collector has not collected yet. Measured with 64 partitions of uncompressed
// batches, where it is largest.
const beyondBudget = 176 << 20

// drillMemory is what a drill beside the archiver holds, in bytes: the caches in
// front of the regions, the segments that one partition is read from and those
// fetched ahead, and answers from Kafka.
const drillMemory = 256 << 20

// forDrills is 0 where none is made.
func forDrills(cfg *config.Config) int64 {
	if cfg.Drill.Every == 0 {
		return 0
	}
	return drillMemory
}

// A partition takes perPartition bytes beside the budget: two stacks of 4 KiB,
// timers, channels, contexts and a place in what Kafka's clients know of the
// topic, 15 KiB in all with 10,000 of them, and as much again until the
// collector comes by. Below that it would do little but collect. The limit
// moves in steps, for setting it stops the world.
const (
	perPartition  = 32 << 10
	partitionStep = 256
)

// memoryLimit is the limit for a budget and a number of partitions, in bytes.
func memoryLimit(budget int64, partitions int) int64 {
	return budget + beyondBudget + int64(partitions/partitionStep*partitionStep)*perPartition
}

// limitMemory tells the garbage collector what the process may use (GOMEMLIMIT),
// unless the environment does. It is a target and not a wall: nothing fails
// above it. The function that it returns moves the limit to what so many
// partitions need; it is for one caller at a time.
func (a *app) limitMemory(budget int64) (partitions func(n int)) {
	if slices.ContainsFunc(a.environ, func(v string) bool { return strings.HasPrefix(v, "GOMEMLIMIT=") }) {
		return func(int) {}
	}
	limit := memoryLimit(budget, 0)
	debug.SetMemoryLimit(limit)
	return func(n int) {
		if now := memoryLimit(budget, n); now != limit {
			limit = now
			debug.SetMemoryLimit(limit)
		}
	}
}

// serve runs the archiver, and beside it what can be asked about it. The first
// to fail ends the other; telemetry ends with the archiver.
func serve(ctx context.Context, opened *wire.Archive, archiver *wire.Archiver) error {
	server := wire.Telemetry{
		Config: opened.Config.Telemetry, Registry: opened.Registry, Log: opened.Log,
		Ready: []wire.Probe{{Name: "partitions", Check: archiver.Ready}},
	}
	group, ctx := errgroup.WithContext(ctx)
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	group.Go(func() error {
		defer stop()
		if err := archiver.Run(ctx); err != nil {
			return unavailable(fmt.Errorf("stopped with work left to the next member: %w", err))
		}
		return nil
	})
	group.Go(func() error { return server.Run(serving) })
	group.Go(func() error {
		archiver.RunLoops(serving)
		return nil
	})
	return group.Wait()
}
