package marks

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/codec/signed"
	"github.com/tidemark-io/tidemark/pipeline/cover"
	"github.com/tidemark-io/tidemark/pipeline/documents"
)

// Query says which moments to list.
type Query struct {
	// From and To bound the moments; a zero From is a day before the newest, a
	// zero To is the newest.
	From, To time.Time
	// Topic, unless empty, leaves out marks that do not tell of it.
	Topic string
	// Limit keeps the newest so many; 0 keeps all.
	Limit int
}

// Moment is one that can be restored to: the instant of a document, and what the
// archive knew then of all partitions.
type Moment struct {
	At time.Time `json:"at"`
	// Name is what [Named] takes.
	Name   string         `json:"name"`
	Writer names.SignerID `json:"writer"`
	// Own are the partitions that this document tells of; Covered of Partitions
	// are known at the moment, whoever wrote of them.
	Own        int `json:"own_partitions"`
	Covered    int `json:"partitions_covered"`
	Partitions int `json:"partitions"`
	// Topics, Groups, Unread and Shares are those of this document; Unread are
	// groups that could not be read.
	Topics []string `json:"topics"`
	Groups []string `json:"groups"`
	Unread []string `json:"groups_unread,omitempty"`
	Shares []string `json:"share_groups,omitempty"`
}

// List returns the moments, the oldest first, and what a person should know
// about the list.
func List(ctx context.Context, a *cover.Archive, q Query) (found []Moment, warnings []string, err error) {
	if q.From.IsZero() {
		newest, _, err := documents.Newest(ctx, a, names.FolderMarks, q.To, 0)
		if err != nil || len(newest) == 0 {
			return nil, nil, err
		}
		q.From = newest[0].At.Add(-24 * time.Hour)
	}
	entries, err := documents.List(ctx, a, names.FolderMarks, q.From.Add(-span), q.To)
	if err != nil {
		return nil, nil, fmt.Errorf("list marks: %w", err)
	}
	return newHistory(q).walk(ctx, a, entries)
}

// history goes through marks in the order of their time.
type history struct {
	query  Query
	parts  map[place]time.Time
	counts map[life]int32
	newest map[string]names.TopicID
}

func newHistory(q Query) *history {
	return &history{query: q, parts: map[place]time.Time{}, counts: map[life]int32{}, newest: map[string]names.TopicID{}}
}

func (h *history) walk(ctx context.Context, a *cover.Archive, entries []documents.Entry) (found []Moment, warnings []string, err error) {
	for chunk := range slices.Chunk(h.trim(entries), readAtOnce) {
		read := readChunk(ctx, a, chunk)
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		for i, e := range chunk {
			if read[i].err != nil {
				warnings = append(warnings, read[i].err.Error())
				continue
			}
			if m, ok := h.add(e, read[i].mark); ok {
				found = append(found, m)
			}
		}
	}
	if n := h.query.Limit; n > 0 && len(found) > n {
		found = found[len(found)-n:]
	}
	return found, warnings, nil
}

// trim leaves out what is too old to matter for the newest moments. Of one topic
// only reading tells which those are.
func (h *history) trim(entries []documents.Entry) []documents.Entry {
	n := h.query.Limit
	if n <= 0 || n >= len(entries) || h.query.Topic != "" {
		return entries
	}
	first := entries[len(entries)-n].At.Add(-span)
	from, _ := slices.BinarySearchFunc(entries, first, func(e documents.Entry, at time.Time) int { return e.At.Compare(at) })
	return entries[from:]
}

// add is not ok for a document that is no moment of the list.
func (h *history) add(e documents.Entry, m signed.Mark) (Moment, bool) {
	out := Moment{
		At: e.At, Name: strings.TrimSuffix(strings.TrimPrefix(e.String(), e.Folder.Prefix()), ".json"), Writer: e.Writer,
		Topics: []string{}, Groups: []string{},
	}
	for _, t := range m.Topics {
		h.counts[life{t.Topic, t.Lineage.Topic}] = t.Count
		h.newest[t.Topic] = t.Lineage.Topic
		if h.query.Topic != "" && h.query.Topic != t.Topic {
			continue
		}
		out.Topics = append(out.Topics, t.Topic)
		out.Own += len(t.Partitions)
		for _, p := range t.Partitions {
			h.parts[place{t.Topic, t.Lineage.Topic, p.Number}] = e.At
		}
	}
	out.groups(m)
	h.cover(&out)
	return out, len(out.Topics) > 0 && !e.At.Before(h.query.From)
}

func (out *Moment) groups(m signed.Mark) {
	for _, g := range m.Groups {
		if g.Unread != "" {
			out.Unread = append(out.Unread, g.Group)
		}
		out.Groups = append(out.Groups, g.Group)
	}
	for _, s := range m.ShareGroups {
		out.Shares = append(out.Shares, s.Group)
	}
}

// cover counts what is known at a moment of the newest lives of topics.
func (h *history) cover(out *Moment) {
	for at, when := range h.parts {
		if when.Before(out.At.Add(-span)) {
			delete(h.parts, at)
		}
	}
	seen := map[string]bool{}
	for at := range maps.Keys(h.parts) {
		if h.newest[at.topic] == at.id {
			out.Covered++
			seen[at.topic] = true
		}
	}
	for topic := range seen {
		out.Partitions += int(h.counts[life{topic, h.newest[topic]}])
	}
}
