package find

import (
	"bytes"
	"context"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/pipeline/values"
)

// What happened to an order with a version.
type What string

// What a version is to the one before. A Debezium envelope says it by its op;
// of other events the value tells.
const (
	Created   What = "created"   // there was nothing before it, as far as was looked
	Updated   What = "updated"   // something is different
	Unchanged What = "unchanged" // the same once more
	Deleted   What = "deleted"   // Debezium's op d
	Snapshot  What = "snapshot"  // Debezium's op r: a row as it was read
	Tombstone What = "tombstone" // a null value
)

// Version is one version of an order.
type Version struct {
	Hit
	// Number counts the versions of a history from 1.
	Number int
	What   What
	// Op is that of a Debezium envelope, else empty.
	Op string
	// Changes are against the version before; of an envelope, those of what is
	// in after.
	Changes []Change
	// Trouble says why the value could not be decoded. It is compared as bytes
	// then.
	Trouble error
}

// History is all versions of one key in one partition, in offset order. A topic
// that grew, or was made again, may have several of one key.
type History struct {
	Partition names.Partition
	Key       []byte
	Versions  []Version
}

// Histories puts hits together by partition and key, in the order in which
// they come, and says what each changed. The decoder may be without schemas.
func Histories(ctx context.Context, d *values.Decoder, hits []Hit) []History {
	var all []History
	at := map[string]int{}
	for _, h := range hits {
		id := h.Partition.String() + "\x00" + nullOr(h.Record.Key)
		i, known := at[id]
		if !known {
			i = len(all)
			at[id] = i
			all = append(all, History{Partition: h.Partition, Key: h.Record.Key})
		}
		all[i].Versions = append(all[i].Versions, Version{Hit: h, Number: len(all[i].Versions) + 1})
	}
	for i := range all {
		compareAll(ctx, d, all[i].Versions)
	}
	return all
}

// nullOr tells a null key from every other.
func nullOr(key []byte) string {
	if key == nil {
		return "-"
	}
	return "+" + string(key)
}

// compareAll goes from version to version, and remembers the state that each
// left behind.
func compareAll(ctx context.Context, d *values.Decoder, versions []Version) {
	var state any
	for i := range versions {
		v := &versions[i]
		tree, err := decode(ctx, d, v.Record.Value)
		v.Trouble = err
		next := tree
		if after, op, ok := envelope(tree); ok {
			next, v.Op = after, op
		}
		v.What = whatOf(v, state, next)
		if v.What == Deleted && next == nil {
			state = nil
			continue
		}
		if v.What != Tombstone {
			v.Changes = Diff(state, next)
			if v.What == Updated && len(v.Changes) == 0 && v.Op == "" {
				v.What = Unchanged
			}
		}
		state = next
	}
}

// decode gives the tree of a value. What cannot be decoded is its bytes.
func decode(ctx context.Context, d *values.Decoder, value []byte) (any, error) {
	v, err := d.Decode(ctx, value)
	if err != nil {
		return bytes.Clone(value), err
	}
	return v.Tree, nil
}

// envelope takes what is in after out of a Debezium envelope.
func envelope(tree any) (after any, op string, ok bool) {
	object, _ := tree.(map[string]any)
	op, ok = object["op"].(string)
	if !ok {
		return nil, "", false
	}
	after, hasAfter := object["after"]
	_, hasBefore := object["before"]
	return after, op, hasAfter || hasBefore
}

var whatOps = map[string]What{"c": Created, "u": Updated, "d": Deleted, "r": Snapshot}

func whatOf(v *Version, state, next any) What {
	if what, ok := whatOps[v.Op]; ok {
		return what
	}
	switch {
	case v.Record.Value == nil:
		return Tombstone
	case state == nil:
		return Created
	}
	return Updated
}
