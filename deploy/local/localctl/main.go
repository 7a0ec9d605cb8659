// Command localctl runs Apache Kafka and S3 servers on this machine for a
// person to try tidemark against; package local does the work.
//
//	go run ./deploy/local/localctl up          start them, print where they are
//	go run ./deploy/local/localctl down        stop them; -wipe removes their data too
//	go run ./deploy/local/localctl status      what runs
//	go run ./deploy/local/localctl install     only fetch and build what up and the tests need
//	go run ./deploy/local/localctl tool CLASS ARG…   one of Kafka's own tools
//	go run ./deploy/local/localctl dump-log FILE     DumpLogSegments --print-data-log
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/tidemark-io/tidemark/deploy/local"
)

// errUsage asks main for the synopsis and exit code 2.
var errUsage = errors.New("usage: localctl up|down|status|install|tool CLASS ARG…|dump-log FILE (see -h of up and down)")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := command(ctx, os.Args[1:])
	switch {
	case err == nil || errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errUsage):
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	default:
		fmt.Fprintln(os.Stderr, "localctl:", err)
		os.Exit(1)
	}
}

func command(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errUsage
	}
	verb, rest := args[0], args[1:]
	switch {
	case verb == "up":
		return up(ctx, rest)
	case verb == "down":
		return down(ctx, rest)
	case verb == "status":
		return status(rest)
	case verb == "install" && len(rest) == 0:
		return installAll(ctx)
	case verb == "tool" && len(rest) > 0:
		return show(local.JavaTool(ctx, rest[0], rest[1:]...))
	case verb == "dump-log" && len(rest) == 1:
		return show(local.DumpLog(ctx, rest[0]))
	}
	return errUsage
}

// installAll fetches what tests need besides what up starts: PostgreSQL.
func installAll(ctx context.Context) error {
	if err := install(ctx); err != nil {
		return err
	}
	if missing := local.MissingPostgres(); missing != "" {
		return errors.New(missing)
	}
	return local.InstallPostgres(ctx)
}

func install(ctx context.Context) error {
	if missing := local.Missing(); missing != "" {
		return errors.New(missing)
	}
	return local.Install(ctx)
}

func show(out []byte, err error) error {
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(out)
	return err
}
