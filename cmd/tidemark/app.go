package main

import (
	"context"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/tidemark-io/tidemark/cmd/internal/config"
	"github.com/tidemark-io/tidemark/cmd/internal/ui"
	"github.com/tidemark-io/tidemark/cmd/internal/wire"
	"github.com/tidemark-io/tidemark/pipeline/cover"
	"github.com/tidemark-io/tidemark/sinks/keys"
)

// app is what all verbs share: where they come from and speak to, and the flags
// that every one of them has.
type app struct {
	environ        []string
	stdout, stderr io.Writer

	configFile    string
	json, verbose bool

	cfg *config.Config
	// log is set by config.
	log *slog.Logger
}

// config reads the configuration, once, and opens the log it describes. A
// mistake in it is a *config.Error. It has no side effect.
func (a *app) config() (*config.Config, error) {
	if a.cfg != nil {
		return a.cfg, nil
	}
	cfg, err := config.Load(a.configFile, a.environ)
	if err != nil {
		return nil, err
	}
	if a.verbose {
		cfg.Telemetry.LogLevel = config.LevelDebug
	}
	a.cfg, a.log = cfg, wire.NewLogger(a.stderr, cfg.Telemetry)
	return cfg, nil
}

// open opens the archive that the configuration describes, and checks that the
// regions hold that one. The caller closes it.
func (a *app) open(ctx context.Context, mode wire.Mode) (*wire.Archive, error) {
	opened, err := a.openUnidentified(ctx, mode)
	if err != nil {
		return nil, err
	}
	if err := opened.Identify(ctx); err != nil {
		_ = opened.Close() // nothing was written
		return nil, err
	}
	return opened, nil
}

// openUnidentified opens the archive without asking the regions anything.
func (a *app) openUnidentified(ctx context.Context, mode wire.Mode) (*wire.Archive, error) {
	cfg, err := a.config()
	if err != nil {
		return nil, err
	}
	return wire.Open(ctx, cfg, a.log, mode)
}

// withPages is an opened archive, and the writer of its key pages.
type withPages struct {
	*wire.Archive
	pages *keys.Writer
}

// openWithPages is open for verbs that write key pages. They need the signing
// key; that is looked at first, and asks no region anything.
func (a *app) openWithPages(ctx context.Context, mode wire.Mode) (*withPages, error) {
	cfg, err := a.config()
	if err != nil {
		return nil, err
	}
	signer, err := wire.Signer(cfg)
	if err != nil {
		return nil, err
	}
	opened, err := a.open(ctx, mode)
	if err != nil {
		return nil, err
	}
	pages, err := opened.Pages(signer)
	if err != nil {
		return nil, errors.Join(err, opened.Close())
	}
	return &withPages{opened, pages}, nil
}

// Close wipes the keys of the pages, and closes the archive.
func (w *withPages) Close() error { return errors.Join(w.pages.Close(), w.Archive.Close()) }

// print writes a verb's result: v as one JSON object with --json, and else what
// text writes for a person.
func (a *app) print(cmd *cobra.Command, v any, text func(io.Writer) error) error {
	out := cmd.OutOrStdout()
	if !a.json {
		if err := text(out); err != nil {
			return fmt.Errorf("print result: %w", err)
		}
		return nil
	}
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("print result: %w", err)
	}
	return nil
}

// progress shows how far a verb is, on a terminal only.
func (a *app) progress(cmd *cobra.Command, name string) *ui.Progress {
	return ui.NewProgress(cmd.ErrOrStderr(), name, a.json)
}

// reporter logs what a reader found on its way and got around.
func (a *app) reporter(*cobra.Command) func(cover.Finding) {
	return func(f cover.Finding) {
		a.log.Warn("found while reading", "kind", f.Kind, "region", f.Region, "object", f.Object,
			"partition", f.Partition, "offsets", f.Offsets, "detail", f.Detail, "advice", f.Advice)
	}
}

// text is a value with a text form of its own, such as *config.Size.
type text interface {
	encoding.TextUnmarshaler
	fmt.Stringer
}

// textValue makes a flag of a value with a text form.
type textValue struct{ text }

// Set implements pflag.Value.
func (v textValue) Set(s string) error { return v.UnmarshalText([]byte(s)) }

// Type implements pflag.Value; it stands in the help.
func (v textValue) Type() string { return "value" }
