package names

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// catalogueDir lies beside the partitions of a lineage, so that a listing of a
// partition shows segments and gaps only. It sorts after every partition's
// number.
const catalogueDir = "catalogue"

// CataloguePage is a page of a partition's catalogue: it tells of the roll-ups
// that lie in [Base, Next).
type CataloguePage struct {
	Partition Partition
	Base      int64
	Next      int64
	Digest    Short
}

// String returns the page's name:
// topics/<topic>/<lineage>/catalogue/<partition>/<base>-<next>-<digest>.json.
func (c CataloguePage) String() string {
	return fmt.Sprintf("%s%020d-%020d-%s.json", CataloguePrefix(c.Partition), c.Base, c.Next, c.Digest)
}

// CatalogueFolder returns what the names of all pages of a lineage begin with.
func CatalogueFolder(topic string, l Lineage) string {
	return TopicPrefix(topic) + l.String() + "/" + catalogueDir + "/"
}

// CataloguePrefix returns what the names of all pages of a partition begin
// with.
func CataloguePrefix(p Partition) string {
	return CatalogueFolder(p.Topic, p.Lineage) + strconv.FormatInt(int64(p.Number), 10) + "/"
}

// ParseCataloguePage reads a name that CataloguePage.String wrote.
func ParseCataloguePage(name string) (CataloguePage, error) {
	c, err := parseCataloguePage(name)
	if err == nil && c.String() != name {
		err = fmt.Errorf("not in canonical form, want %q", c)
	}
	if err != nil {
		return CataloguePage{}, fmt.Errorf("catalogue page %q: %w", name, err)
	}
	return c, nil
}

func parseCataloguePage(name string) (CataloguePage, error) {
	rest, ok := strings.CutPrefix(name, topicsDir)
	parts := strings.Split(rest, "/")
	if !ok || len(parts) != 5 || parts[2] != catalogueDir {
		return CataloguePage{}, errors.New("want topics/<topic>/<lineage>/catalogue/<partition>/<page>")
	}
	lineage, err := ParseLineage(parts[1])
	if err != nil {
		return CataloguePage{}, err
	}
	n, err := parseDecimal(parts[3], math.MaxInt32)
	if err != nil {
		return CataloguePage{}, fmt.Errorf("partition: %w", err)
	}
	c := CataloguePage{Partition: Partition{Topic: parts[0], Lineage: lineage, Number: int32(n)}}
	stem, ok := strings.CutSuffix(parts[4], ".json")
	if !ok {
		return c, errors.New("want <base>-<next>-<16 hex digits>.json")
	}
	if err := c.parseFile(stem); err != nil {
		return c, err
	}
	if c.Base < 0 || c.Next <= c.Base {
		return c, fmt.Errorf("offsets [%d, %d): want 0 <= base < next", c.Base, c.Next)
	}
	return c, CheckTopic(c.Partition.Topic)
}

func (c *CataloguePage) parseFile(stem string) error {
	fields := strings.Split(stem, "-")
	if len(fields) != 3 || len(fields[2]) != 2*len(c.Digest) {
		return errors.New("want <base>-<next>-<16 hex digits>.json")
	}
	if _, err := hex.Decode(c.Digest[:], []byte(fields[2])); err != nil {
		return fmt.Errorf("digest: %w", err)
	}
	var err error
	if c.Base, err = strconv.ParseInt(fields[0], 10, 64); err != nil {
		return fmt.Errorf("base offset: %w", err)
	}
	if c.Next, err = strconv.ParseInt(fields[1], 10, 64); err != nil {
		return fmt.Errorf("next offset: %w", err)
	}
	return nil
}

// CatalogueFolderOf returns the folder of catalogue pages that a name lies in,
// so that a listing can step over it; ok is false for any other name.
func CatalogueFolderOf(name string) (folder string, ok bool) {
	rest, ok := strings.CutPrefix(name, topicsDir)
	parts := strings.Split(rest, "/")
	if !ok || len(parts) != 5 || parts[2] != catalogueDir {
		return "", false
	}
	return topicsDir + parts[0] + "/" + parts[1] + "/" + catalogueDir + "/", true
}
