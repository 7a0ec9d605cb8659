package registry

import (
	"encoding/json"
	"fmt"

	"github.com/tidemark-io/tidemark/pipeline/sets"
)

// Document is one file of schemas/: a part of a content. All parts of a set are
// of one instant and one writer. A set that lacks a part, because its writer
// was interrupted, does not count.
type Document struct {
	sets.Head
	// Content holds the global settings in part 1 only, and a subject's settings
	// where its versions begin.
	Content
	// Omitted are the versions that are too large to be kept, in part 1.
	Omitted []Omitted `json:"omitted,omitempty"`
}

// Omitted is a version that could not be kept.
type Omitted struct {
	Subject string `json:"subject"`
	Version int    `json:"version"`
	ID      int    `json:"id"`
	// Bytes is how long it is as JSON.
	Bytes int `json:"bytes"`
}

// omit takes out of a content what does not fit into a document.
func omit(c *Content) ([]Omitted, error) {
	var list []Omitted
	for i := range c.Subjects {
		s := &c.Subjects[i]
		kept := s.Versions[:0]
		for _, v := range s.Versions {
			text, err := json.Marshal(v)
			if err != nil {
				return nil, fmt.Errorf("encode %s version %d: %w", s.Name, v.Version, err)
			}
			if len(text) > largestVersion {
				list = append(list, Omitted{Subject: s.Name, Version: v.Version, ID: v.ID, Bytes: len(text)})
				continue
			}
			kept = append(kept, v)
		}
		s.Versions = kept
	}
	return list, nil
}

// cut makes the documents of a content. Each is full at partBytes, or holds one
// version alone.
func cut(c *Content, omitted []Omitted) ([]Document, error) {
	set, err := c.Digest()
	if err != nil {
		return nil, err
	}
	k := cutter{parts: []Document{{Content: Content{Global: c.Global}, Omitted: omitted}}}
	for i := range c.Subjects {
		if err := k.subject(&c.Subjects[i]); err != nil {
			return nil, err
		}
	}
	if len(k.parts) > maxParts {
		return nil, fmt.Errorf("cut schemas: %d documents, above %d: choose subjects with schema_registry.subjects", len(k.parts), maxParts)
	}
	for i := range k.parts {
		k.parts[i].Set, k.parts[i].Part, k.parts[i].Parts = set, i+1, len(k.parts)
	}
	return k.parts, nil
}

type cutter struct {
	parts []Document
	size  int // of the last part
}

func (k *cutter) subject(s *Subject) error {
	head := Subject{Name: s.Name, Settings: s.Settings}
	size, err := sizeOf(head)
	if err != nil {
		return err
	}
	k.room(size)
	k.last().Subjects = append(k.last().Subjects, head)
	for _, v := range s.Versions {
		if size, err = sizeOf(v); err != nil {
			return err
		}
		if k.room(size) {
			k.last().Subjects = append(k.last().Subjects, Subject{Name: s.Name})
		}
		in := &k.last().Subjects[len(k.last().Subjects)-1]
		in.Versions = append(in.Versions, v)
	}
	return nil
}

func (k *cutter) last() *Document { return &k.parts[len(k.parts)-1] }

// room begins another part where the last has no room, and tells.
func (k *cutter) room(size int) bool {
	if k.size == 0 || k.size+size <= partBytes {
		k.size += size
		return false
	}
	k.parts = append(k.parts, Document{})
	k.size = size
	return true
}

func sizeOf(v any) (int, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return 0, fmt.Errorf("encode schemas: %w", err)
	}
	return len(text) + 1, nil
}

// join puts the parts of a set together again, and checks that they make it up.
func join(parts []Document) (Kept, error) {
	k := Kept{Omitted: parts[0].Omitted}
	c := &k.Content
	c.Global = parts[0].Global
	for _, d := range parts {
		for _, s := range d.Subjects {
			if n := len(c.Subjects); n > 0 && c.Subjects[n-1].Name == s.Name {
				c.Subjects[n-1].Versions = append(c.Subjects[n-1].Versions, s.Versions...)
				continue
			}
			c.Subjects = append(c.Subjects, s)
		}
	}
	digest, err := c.Digest()
	if err == nil && digest != parts[0].Set {
		err = fmt.Errorf("its parts make up set %.16s, not %.16s", digest, parts[0].Set)
	}
	return k, err
}
