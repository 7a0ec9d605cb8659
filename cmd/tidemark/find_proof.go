package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/tidemark-io/tidemark/pipeline/find"
	"github.com/tidemark-io/tidemark/pipeline/proof"
)

// proofSuffix ends the names of proofs in a directory.
const proofSuffix = ".proof"

// proofDir reports whether --proof names a directory.
func (f *findFlags) proofDir() bool {
	info, err := os.Stat(f.proof)
	return strings.HasSuffix(f.proof, "/") || err == nil && info.IsDir()
}

// checkProof refuses a file that is there: a proof may be evidence already.
func (f *findFlags) checkProof() error {
	if f.proof == "" || f.proofDir() {
		return nil
	}
	if _, err := os.Lstat(f.proof); err == nil {
		return usage(fmt.Errorf("--proof %s: the file is there: name another", f.proof))
	}
	return nil
}

// prove writes a proof of each record, and returns the names of the files; all
// empty without --proof.
func (p *findPrinter) prove(ctx context.Context, hits []find.Hit) ([]string, error) {
	files := make([]string, len(hits))
	if p.flags.proof == "" || len(hits) == 0 {
		return files, nil
	}
	dir := p.flags.proofDir()
	if !dir && len(hits) > 1 {
		return nil, refused(fmt.Errorf("--proof %s: found %d records, and one file proves one: name a directory, with a slash at its end, or narrow the search", p.flags.proof, len(hits)))
	}
	if dir {
		if err := os.MkdirAll(p.flags.proof, 0o700); err != nil {
			return nil, fmt.Errorf("write proofs: %w", err)
		}
	}
	for i, h := range hits {
		files[i] = p.flags.proof
		if dir {
			files[i] = filepath.Join(p.flags.proof, proofName(h))
		}
		if err := p.proveOne(ctx, h, files[i], dir); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// proofName is of a record's place. A topic's name has no character that a file
// system minds.
func proofName(h find.Hit) string {
	return fmt.Sprintf("%s-%s-%d-%d%s", h.Partition.Topic, h.Partition.Lineage, h.Partition.Number, h.Record.Offset, proofSuffix)
}

// proveOne writes a proof from the first object that gives one. In a directory
// one that is there already is left: it proves the same.
func (p *findPrinter) proveOne(ctx context.Context, h find.Hit, file string, keep bool) error {
	var errs []error
	for _, o := range h.Origins {
		data, err := proof.Make(ctx, p.opened.Cover, p.opened.Trust, o.Name, h.Record.Offset)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		err = writeProof(file, data)
		if keep && errors.Is(err, fs.ErrExist) {
			err = nil
		}
		return err
	}
	return errors.Join(errs...)
}

// writeProof writes a new file, mode 0600: it shows what is in the archive.
func writeProof(file string, data []byte) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("write proof: %w", err)
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(fmt.Errorf("write proof: %w", err), os.Remove(file))
	}
	return nil
}
