package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// small is the least configuration there is.
const small = `regions:
  - name: a
    url: file:a
    keys_url: file:keys-a
    kms: local:kms-a.key
  - name: b
    url: file:b
    keys_url: file:keys-b
    kms: local:kms-b.key
`

// withCredentials gives the first region credentials, on line 6.
func withCredentials(yaml string) string {
	return strings.Replace(small, "    kms: local:kms-a.key\n", "    kms: local:k\n    credentials: "+yaml+"\n", 1)
}

func load(t *testing.T, text string, environ ...string) (*Config, error) {
	t.Helper()
	return parse("/etc/tidemark.yaml", []byte(text), environ)
}

func mustLoad(t *testing.T, text string, environ ...string) *Config {
	t.Helper()
	c, err := load(t, text, environ...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestRelativePathsAreBesideTheFile(t *testing.T) {
	c := mustLoad(t, small)
	for got, want := range map[string]string{
		c.Archive.TrustFile:          "/etc/trust.json",
		c.StateDir:                   "/etc/state",
		c.Regions[0].URL.String():    "file:///etc/a",
		c.Regions[0].URL.Dir():       "/etc/a",
		c.Regions[1].KMS.String():    "local:///etc/kms-b.key",
		c.Regions[1].KMS.LocalFile(): "/etc/kms-b.key",
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// Every field whose name says that it is a file is made relative to the
// configuration.
func TestEveryPathIsResolved(t *testing.T) {
	c := &Config{Regions: make([]Region, 1)}
	listed := map[uintptr]bool{}
	for _, p := range c.paths() {
		listed[reflect.ValueOf(p).Pointer()] = true
	}
	var walk func(v reflect.Value, key string)
	walk = func(v reflect.Value, key string) {
		for i := range v.NumField() {
			f, name := v.Field(i), fieldName(v.Type().Field(i))
			switch {
			case name == "":
			case isElements(f) && f.Len() > 0:
				walk(f.Index(0), name)
			case f.Kind() == reflect.Struct && !isLeaf(f):
				walk(f, child(key, name))
			case strings.HasSuffix(name, "_file") || strings.HasSuffix(name, "_dir"):
				if !listed[f.Addr().Pointer()] {
					t.Errorf("%s is not in paths()", child(key, name))
				}
			}
		}
	}
	walk(reflect.ValueOf(c).Elem(), "")
}

// What is wrong is named with its line and key.
func TestMistakesNameLineAndKey(t *testing.T) {
	regions := func(a, keysA, b, keysB string) string {
		const f = "regions:\n- {name: a, url: %q, keys_url: %q, kms: local:k}\n- {name: b, url: %q, keys_url: %q, kms: local:k}\n"
		return fmt.Sprintf(f, a, keysA, b, keysB)
	}
	for name, test := range map[string]struct{ text, want string }{
		"unknown key":       {small + "segmnt: {size: 1MiB}\n", ":10:1: segmnt: unknown key, did you mean segment?"},
		"unknown below":     {small + "segment:\n  colour: red\n", ":11:3: segment.colour: unknown key: want one of size, age"},
		"twice":             {small + "memory: 1GiB\nmemory: 2GiB\n", ":11:1: mapping key \"memory\" already defined"},
		"size 0":            {small + "segment:\n  size: 0\n", ":11:3: segment.size: must be above 0"},
		"negative size":     {small + "segment:\n  size: -1MiB\n", ":11:9: segment.size: -1MiB is below 0"},
		"negative age":      {small + "segment:\n  age: -1s\n", ":11:3: segment.age: must be above 0"},
		"a list for a size": {small + "segment:\n  size: [1]\n", ":11:9: segment.size: is a list"},
		"text for a bool":   {small + "segment:\n  key_filter: 'yes'\n", ":11:15: segment.key_filter: is a text: want true or false"},
		"number for a text": {small + "kafka:\n  group: 7\n", ":11:10: kafka.group: is a number: want a text"},
		"no unit":           {small + "segment:\n  age: 10\n", `:11:8: segment.age: "10" is not a duration`},
		"half a byte":       {small + "memory: 1.5\n", `:10:9: memory: "1.5" is not a size`},
		"a size too far":    {small + "memory: 9999999999GiB\n", `:10:9: memory: "9999999999GiB" is not a size`},
		"text for keys":     {small + "segment: big\n", ":10:10: segment: is a text: want keys and values"},
		"keys for a list":   {small + "topics: {name: orders}\n", ":10:9: topics: is a set of keys: want a list"},
		"no YAML":           {"regions: [\n", ":1:10: "},
		"second document":   {small + "---\nmemory: 1GiB\n", ":11:7: a second document"},
		"alias":             {"memory: &m 1GiB\n" + small, ":1:9: memory: anchors"},
		"block too large":   {small + "segment:\n  size: 1MiB\n  block: 2MiB\n", ":12:3: segment.block: 2MiB is above 1MiB"},
		"unknown word":      {small + "segment:\n  compression: zip\n", `:11:3: segment.compression: "zip" is unknown: want one of zstd, s2, none`},
		"memory too small":  {small + "memory: 1MiB\n", ":10:1: memory: 1MiB is too little"},
		"topic name":        {small + "topics:\n- name: ../etc\n", ":11:3: topics[0].name: topic name"},
		"topic twice":       {small + "topics:\n- name: a\n- name: a\n", ":12:7: topics[1]: is the same as topics[0]"},
		"name and pattern":  {small + "topics:\n- {name: a, pattern: b}\n", "topics[0]: want either"},
		"bad pattern":       {small + "topics:\n- pattern: '('\n", ":11:3: topics[0].pattern: error parsing regexp"},
		"topic age 0":       {small + "topics:\n- name: a\n  age: 0s\n", ":12:3: topics[0].age: must be above 0"},
		"broker":            {small + "kafka:\n  brokers: [kafka]\n", ":11:13: kafka.brokers[0]: \"kafka\" is not an address"},
		"half a pair":       {small + "kafka:\n  tls: {enabled: true, cert_file: c}\n", ":11:3: kafka.tls: cert_file and key_file"},
		"tls not enabled":   {small + "kafka:\n  tls: {ca_file: c}\n", ":11:3: kafka.tls: has settings but is not enabled"},
		"sasl without user": {small + "kafka:\n  sasl: {mechanism: PLAIN}\n", ":11:3: kafka.sasl: PLAIN needs"},
		"sasl unused":       {small + "kafka:\n  sasl: {mechanism: AWS_MSK_IAM, token: x}\n", ":11:3: kafka.sasl: holds credentials"},
		"pprof in public":   {small + "telemetry:\n  pprof_listen: ':6060'\n", ":11:3: telemetry.pprof_listen: \":6060\" is not a loopback"},
		"lock a directory":  {small + "retention: {mode: governance}\n", ":3:5: regions[0].url: a directory cannot lock objects, and retention.mode is governance: want"},
		"lock the second":   {regions("s3://b?region=x", "file:k", "file:b", "file:l") + "retention: {mode: compliance}\n", ":3:13: regions[1].url: a directory cannot lock"},
		"one region":        {"regions:\n- {name: a, url: 'file:a', keys_url: 'file:k', kms: 'local:k'}\n", ":1:1: regions: there are 1"},
		"no regions":        {"", "/etc/tidemark.yaml: regions: there are 0"},
		"same place":        {regions("file:a", "file:k", "file:./x/../a", "file:l"), ":3:13: regions[1].url: is the same place as regions[0].url"},
		"place in place":    {regions("file:a", "file:k", "file:a/b", "file:l"), "regions[1].url: is the same place as regions[0].url, or"},
		"keys in data":      {regions("file:a", "file:a/keys", "file:b", "file:l"), "regions[0].keys_url: is the same place as regions[0].url, or"},
		"keys twice":        {regions("file:a", "file:k", "file:b", "file:k"), "regions[1].keys_url: is the same place as regions[0].keys_url"},
		"bucket and prefix": {regions("s3://b?region=x", "file:k", "s3://b/p?region=y", "file:l"), "regions[1].url: is the same place"},
		"endpoint spelling": {regions("s3://b/p?endpoint=https://S3.example", "file:k", "s3://b/p/?endpoint=https://s3.example:443", "file:l"), "regions[1].url: is the same place"},
		"password in url":   {regions("s3://me:canary@b/p?region=x", "file:k", "file:b", "file:l"), "regions[0].url: parse S3 address: credentials"},
		"no certificates":   {regions("s3://b/p?region=x&insecure=true", "file:k", "file:b", "file:l"), "regions[0].url: ca_file is a key"},
		"kms scheme":        {strings.Replace(small, "local:kms-a", "vault:kms-a", 1), ":5:10: regions[0].kms: want an address"},
		"half a trust":      {small + "archive: {id: 00112233445566778899aabbccddeeff}\n", ":10:1: archive: id and root_public_key"},
		"static keys":       {strings.Replace(small, "    kms: local:kms-a.key\n", "    kms: local:k\n    credentials: {source: static}\n", 1), ":6:5: regions[0].credentials: source static needs"},
		"role without use":  {withCredentials("{role_arn: 'arn:aws:iam::1:role/t'}"), ":6:5: regions[0].credentials: role_arn, token_file and sts_endpoint are used with source: web-identity only"},
		"token without use": {withCredentials("{source: iam, token_file: t}"), ":6:5: regions[0].credentials: role_arn, token_file"},
		"sts without use":   {withCredentials("{source: environment, sts_endpoint: 'https://sts'}"), ":6:5: regions[0].credentials: role_arn, token_file"},
		"sts address":       {withCredentials("{source: web-identity, sts_endpoint: 'sts.example:443'}"), ":6:41: regions[0].credentials.sts_endpoint: want https://host"},
		"sts password":      {withCredentials("{source: web-identity, sts_endpoint: 'https://me:canary@sts.example'}"), ":6:41: regions[0].credentials.sts_endpoint: want https://host"},
		"web identity keys": {withCredentials("{source: web-identity, access_key: a}"), ":6:5: regions[0].credentials: holds keys"},
		"misspelt password": {small + "kafka:\n  sasl: {mechanism: PLAIN, username: u, password_file: nowhere}\n", "kafka.sasl.password_file: open /etc/nowhere"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := load(t, test.text)
			var mistake *Error
			if !errors.As(err, &mistake) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), "canary") {
				t.Errorf("the error repeats a secret: %v", err)
			}
		})
	}
}

func TestPlacesApart(t *testing.T) {
	text := strings.NewReplacer(
		"file:a", "s3://b/p?endpoint=http://one:9000", "file:keys-a", "s3://b/p2?endpoint=http://one:9000",
		"file:b", "s3://b/p?endpoint=http://two:9000", "file:keys-b", "s3://b/p2?endpoint=http://two:9000").Replace(small)
	mustLoad(t, text)
}

func TestWebIdentity(t *testing.T) {
	c := mustLoad(t, withCredentials("{source: web-identity, role_arn: 'arn:aws:iam::1:role/t', token_file: run/token, sts_endpoint: 'https://sts.example:9000'}"))
	want := Credentials{Source: SourceWebIdentity, RoleARN: "arn:aws:iam::1:role/t", TokenFile: "/etc/run/token", STSEndpoint: "https://sts.example:9000"}
	if got := c.Regions[0].Credentials; got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	mustLoad(t, withCredentials("{source: web-identity}")) // all of it from the environment, as on EKS
}

func TestSymbolicLinkIsTheSamePlace(t *testing.T) {
	dir := t.TempDir()
	if err := errors.Join(os.Mkdir(filepath.Join(dir, "a"), 0o700), os.Symlink("a", filepath.Join(dir, "b"))); err != nil {
		t.Fatal(err)
	}
	_, err := parse(filepath.Join(dir, "tidemark.yaml"), []byte(small), nil)
	if err == nil || !strings.Contains(err.Error(), "regions[1].url: is the same place") {
		t.Fatalf("got %v", err)
	}
}

func TestSecretsFromFiles(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "pw"), []byte("canary \r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	text := small + "kafka: {sasl: {mechanism: PLAIN, username: u, password_file: pw}}\n"
	c, err := parse(filepath.Join(dir, "tidemark.yaml"), []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Kafka.SASL.Password.Reveal(); got != "canary " {
		t.Errorf("password is %q", got)
	}
}

func TestTopicsInheritTheAge(t *testing.T) {
	c := mustLoad(t, small+"topics:\n- name: a\n- {name: b, age: 1m}\nsegment: {age: 5s}\n")
	if c.Topics[0].Age.Std() != 5*time.Second || c.Topics[1].Age.Std() != time.Minute {
		t.Errorf("ages are %v", c.Topics)
	}
}

func TestNeeds(t *testing.T) {
	c := mustLoad(t, small)
	for want, err := range map[string]error{
		"kafka.brokers": c.NeedKafka(), "topics": c.NeedTopics(),
	} {
		var e *Error
		if !errors.As(err, &e) || e.Key != want {
			t.Errorf("got %v, want an error about %s", err, want)
		}
	}
	c = mustLoad(t, small+"kafka: {brokers: ['k:1']}\ntopics: [{name: a}]\n")
	if err := errors.Join(c.NeedKafka(), c.NeedTopics(), c.NeedSigningKey()); err != nil {
		t.Error(err)
	}
}

func TestFileTooLong(t *testing.T) {
	path := filepath.Join(t.TempDir(), "big.yaml")
	if err := os.WriteFile(path, make([]byte, maxFile+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path, nil); !errors.Is(err, errTooLong) {
		t.Errorf("got %v", err)
	}
}
