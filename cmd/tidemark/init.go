package main

import (
	"context"
	_ "embed"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/tidemark-io/tidemark/cmd/internal/wire"
)

//go:embed tidemark.example.yaml
var exampleConfig string

func initCommand(a *app) *cobra.Command {
	var rootKey string
	var example bool
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Found an archive: its identity, its keys, its trust file",
		Long: `Found an archive: its identity, its keys, its trust file.

The configuration says where they go. init makes the root key, which signs who
may sign and nothing else; the key that signs what is archived; the key files of
each local KMS; and the trust file, which pins the archive's id and root public
key. Then it writes archive.json and the introduction of the signing key to both
regions.

It never overwrites anything. When it was interrupted, run it again: it goes on
with what is there. When all is there, it says so.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if example {
				_, err := io.WriteString(cmd.OutOrStdout(), exampleConfig)
				return err
			}
			return runInit(cmd.Context(), a, rootKey, cmd)
		},
	}
	cmd.Flags().StringVar(&rootKey, "root-key", "", "`file` of the root key (default: root.key beside the configuration)")
	cmd.Flags().BoolVar(&example, "example", false, "print an annotated configuration and stop")
	_ = cmd.MarkFlagFilename("root-key", "key", "pem")
	return cmd
}

func runInit(ctx context.Context, a *app, rootKey string, cmd *cobra.Command) error {
	cfg, err := a.config()
	if err != nil {
		return err
	}
	if err := cfg.NeedSigningKey(); err != nil {
		return err
	}
	if rootKey == "" {
		rootKey = filepath.Join(filepath.Dir(a.configFile), "root.key")
	}
	places, err := wire.OpenPlaces(ctx, cfg)
	if err != nil {
		return err
	}
	defer wire.ClosePlaces(places)
	f := founding{cfg: cfg, rootKey: rootKey, now: time.Now().UTC().Truncate(time.Second)}
	for _, p := range places {
		f.regions = append(f.regions, region{name: p.Name, store: p})
	}
	if err := f.survey(ctx); err != nil {
		return err
	}
	if err := f.found(ctx); err != nil {
		return err
	}
	r := f.result()
	return a.print(cmd, r, r.write)
}

// founded is what init prints.
type founded struct {
	Archive string `json:"archive"`
	Signer  string `json:"signer"`
	// Created and Kept are files, and objects as "region: name".
	Created []string `json:"created"`
	Kept    []string `json:"kept"`
	rootKey string
}

func (r founded) write(w io.Writer) error {
	for _, name := range r.Created {
		fmt.Fprintf(w, "created  %s\n", name)
	}
	for _, name := range r.Kept {
		fmt.Fprintf(w, "kept     %s\n", name)
	}
	if len(r.Created) == 0 {
		_, err := fmt.Fprintf(w, "\narchive %s is there already; nothing was changed\n", r.Archive)
		return err
	}
	_, err := fmt.Fprintf(w, `
archive %s is founded

Take %s offline now: copy it to a safe place and delete it here. It is
needed again only to introduce another signing key. Keep the trust file where
readers find it, and a copy of it outside both regions: it is how they know the
archive from a forgery.
`, r.Archive, r.rootKey)
	return err
}
