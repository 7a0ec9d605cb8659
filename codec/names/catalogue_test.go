package names_test

import (
	"testing"

	"github.com/tidemark-io/tidemark/codec/names"
)

func TestCataloguePage(t *testing.T) {
	page := names.CataloguePage{
		Partition: names.Partition{Topic: "orders.v1", Lineage: names.Lineage{Topic: names.TopicID{9}, Branch: names.RootBranch}, Number: 12},
		Base:      7, Next: 1_000_000, Digest: names.Short{0xab},
	}
	const want = "topics/orders.v1/CQAAAAAAAAAAAAAAAAAAAA/catalogue/12/00000000000000000007-00000000000001000000-ab00000000000000.json"
	if page.String() != want {
		t.Fatalf("%s, want %s", page, want)
	}
	got, err := names.ParseCataloguePage(want)
	if err != nil || got != page {
		t.Errorf("%+v, %v", got, err)
	}
	if folder, ok := names.CatalogueFolderOf(want); !ok || folder != "topics/orders.v1/CQAAAAAAAAAAAAAAAAAAAA/catalogue/" {
		t.Errorf("folder %q, %v", folder, ok)
	}
	for _, bad := range []string{
		"", "topics/orders/CQAAAAAAAAAAAAAAAAAAAA/12/00000000000000000007-00000000000001000000-ab00000000000000.seg",
		"topics/orders/CQAAAAAAAAAAAAAAAAAAAA/catalogue/012/00000000000000000007-00000000000001000000-ab00000000000000.json",
		"topics/orders/CQAAAAAAAAAAAAAAAAAAAA/catalogue/12/7-00000000000001000000-ab00000000000000.json",
		"topics/orders/CQAAAAAAAAAAAAAAAAAAAA/catalogue/12/00000000000000000007-00000000000000000007-ab00000000000000.json",
		"topics/orders/CQAAAAAAAAAAAAAAAAAAAA/catalogue/12/00000000000000000007-00000000000001000000-AB00000000000000.json",
		"topics/../CQAAAAAAAAAAAAAAAAAAAA/catalogue/12/00000000000000000007-00000000000001000000-ab00000000000000.json",
		"topics/orders/CQAAAAAAAAAAAAAAAAAAAA/catalogue/12/00000000000000000007-00000000000001000000-ab00000000000000.seg",
	} {
		if _, err := names.ParseCataloguePage(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
		if _, ok := names.CatalogueFolderOf("topics/orders/x/config/y.json"); ok {
			t.Error("a folder of settings passes for one of pages")
		}
	}
}
