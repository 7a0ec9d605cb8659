// Command tidemark keeps a provable, encrypted copy of Kafka topics in two
// regions and gives any moment of it back.
//
// Each verb is a file of this package: archive.go, verify.go, restore.go and so
// on. A verb reads its flags, asks package wire for opened parts, hands them to
// a package of pipeline, and prints what comes back. What all verbs share is in
// app.go; which error ends in which exit code is in exit.go; the tests under
// testdata/script read like a manual.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() { os.Exit(run()) }

// run ends its context at the first SIGINT or SIGTERM, so that a verb can
// finish what it holds. A second signal ends the process at once.
func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	a := &app{environ: os.Environ(), stdout: os.Stdout, stderr: os.Stderr}
	return a.run(ctx, os.Args[1:])
}
