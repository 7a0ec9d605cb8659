package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/tidemark-io/tidemark/cmd/internal/ui"
	"github.com/tidemark-io/tidemark/cmd/internal/wire"
	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/sinks/keys"
)

func keysCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{Use: "keys", Short: "List and rotate key-encryption keys"}
	cmd.AddCommand(keysListCommand(a), keysRotateCommand(a))
	return cmd
}

func keysListCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the key-encryption keys, and ask each region's KMS to open them",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			opened, err := a.open(cmd.Context(), wire.ForProof)
			if err != nil {
				return err
			}
			defer opened.Close()
			list, err := keys.List(cmd.Context(), opened.Trust, opened.KeyRegions())
			if err != nil {
				return unavailable(err)
			}
			return a.print(cmd, keyRows(list), func(w io.Writer) error { return writeKeys(w, keyRows(list)) })
		},
	}
}

func keysRotateCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "rotate",
		Short: "Make a new key-encryption key; new key pages are wrapped by it",
		Long: `Make a new key-encryption key; new key pages are wrapped by it.

Running archivers take it up within an hour. Old keys stay, because old pages
need them. Without this command a key is replaced after 30 days.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return rotate(cmd.Context(), a, cmd) },
	}
}

func rotate(ctx context.Context, a *app, cmd *cobra.Command) error {
	opened, err := a.openWithPages(ctx, wire.ForWriting)
	if err != nil {
		return err
	}
	defer opened.Close()
	id, err := opened.pages.Rotate(ctx)
	if err != nil {
		return unavailable(err)
	}
	v := map[string]names.KEKID{"kek": id}
	return a.print(cmd, v, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "new key-encryption key %s\n", id)
		return err
	})
}

// keyRow is a key in one region.
type keyRow struct {
	ID      names.KEKID `json:"id"`
	Created time.Time   `json:"created"`
	AgeDays int         `json:"age_days"`
	Region  string      `json:"region"`
	KMS     string      `json:"kms"`
	State   string      `json:"state"`
}

func keyRows(list []keys.KEKStatus) []keyRow {
	rows := []keyRow{}
	for _, k := range list {
		for _, r := range k.Regions {
			row := keyRow{ID: k.ID, Created: k.Created, AgeDays: int(time.Since(k.Created).Hours() / 24), Region: r.Region, KMS: r.KMS, State: "opens"}
			if r.Err != nil {
				row.State = r.Err.Error()
			}
			rows = append(rows, row)
		}
	}
	return rows
}

func writeKeys(w io.Writer, rows []keyRow) error {
	t := ui.NewTable(w, "key", "created", "age in days", "region", "KMS", "state")
	for _, r := range rows {
		t.Row(r.ID, r.Created.UTC().Format(time.RFC3339), r.AgeDays, r.Region, r.KMS, r.State)
	}
	return t.Flush()
}
