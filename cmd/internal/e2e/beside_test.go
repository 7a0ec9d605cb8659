package e2e

import (
	"bytes"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark-io/tidemark/pipeline/registry/registrytest"
)

// The schemas of testBeside: a user has an address, which is a subject of its own.
const (
	addressSchema = `{"type":"record","name":"Address","fields":[{"name":"zip","type":"string"}]}`
	userSchema    = `{"type":"record","name":"User","fields":[{"name":"home","type":"Address"},{"name":"since","type":{"type":"int","logicalType":"date"}}]}`
)

// testBeside: what belongs to the topics and is not in them. A registry is kept while archiving, in both regions; its schemas
// open framed values without it, and come back into another registry with their ids, twice without harm. The brokers have no
// authorizer, which is noted and no error.
func testBeside(t *testing.T, w *world) {
	const topic = "beside.users"
	source, target := registrytest.New(t), registrytest.New(t)
	source.Put(registrytest.Version{Subject: "zz-address", Version: 1, ID: 40, Schema: addressSchema})
	source.Put(registrytest.Version{Subject: topic + "-value", Version: 2, ID: 7, Schema: userSchema, References: []registrytest.Reference{{Name: "Address", Subject: "zz-address", Version: 1}}})
	source.SetConfig(topic+"-value", `{"compatibilityLevel":"FULL"}`)
	w.makeTopic(t, topic, 1, nil)
	a := w.newArchive(t, "beside", topic)
	a.write(t, a.text(w.kafka.Bootstrap(), "")+"schema_registry:\n  url: "+source.URL+"\n  every: 10s\nacls:\n  capture: true\n")
	value := append([]byte{0, 0, 0, 0, 7}, "\x0812345\x00"[:5]+"\xd6\xc4\x02"...)
	if err := w.client.ProduceSync(t.Context(), &kgo.Record{Topic: topic, Key: []byte("u-1"), Value: value}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	p := a.member(t, "member")
	a.awaitDocuments(t, p, "schemas/", "acls/")
	p.signal(syscall.SIGTERM)
	if code := p.wait(t, time.Minute); code != exitDone {
		t.Fatalf("archive: exit %d\n%s", code, p.tail())
	}
	a.catchUp(t)
	a.level(t)
	now := time.Now()

	source.Authorization = "nobody may ask it now"
	out := a.must(t, "state", "--topic", topic, "--to", fmt.Sprint(now.UnixMilli()), "--format", "jsonl")
	if !bytes.Contains(out.stdout, []byte(`"zip":"1234"`)) || !bytes.Contains(out.stdout, []byte("2026-11-22")) {
		t.Errorf("the table without its registry:\n%s%s", out.stdout, out.stderr)
	}
	source.Authorization = ""
	for _, into := range []string{".back", ".again"} {
		args := append(restoreArgs(now, topic+"="+topic+into), "--schemas", "--target-registry", target.URL, "--acls")
		if o := a.must(t, "restore", args...); strings.Contains(string(o.stderr), "panic") {
			t.Errorf("%s", o.stderr)
		}
	}
	if got, want := fmt.Sprint(target.All()), fmt.Sprint(source.All()); got != want || target.Config(topic+"-value") != source.Config(topic+"-value") || target.Mode(topic+"-value") != "" {
		t.Errorf("the registry holds %s, want %s", got, want)
	}
	target.Put(registrytest.Version{Subject: "other", Version: 1, ID: 7, Schema: `"int"`})
	target.Remove(topic+"-value", 2)
	o := a.run(t, "restore", append(restoreArgs(now, topic+"="+topic+".never"), "--schemas", "--target-registry", target.URL)...)
	if o.code != exitFindings || !bytes.Contains(append(o.stdout, o.stderr...), []byte("id 7 is another schema in the target")) {
		t.Errorf("a conflict: exit %d\n%s%s", o.code, o.stdout, o.stderr)
	}
}

// awaitDocuments waits until both regions have documents in the folders.
func (a *archive) awaitDocuments(t *testing.T, p *process, folders ...string) {
	t.Helper()
	has := func(region int, folder string) bool {
		for name := range a.names(t, region, dataBucket) {
			if strings.Contains(name, "/"+folder) {
				return true
			}
		}
		return false
	}
	deadline := time.Now().Add(time.Minute)
	for _, folder := range folders {
		for region := range a.w.stores {
			for !has(region, folder) {
				if time.Now().After(deadline) {
					t.Fatalf("region %d has nothing below %s\n%s", region, folder, p.tail())
				}
			}
		}
	}
}
