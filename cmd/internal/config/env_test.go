package config

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestEnvironmentOverridesTheFile(t *testing.T) {
	c := mustLoad(t, small+"segment: {size: 1MiB}\n",
		"TIDEMARK_SEGMENT_SIZE=2MiB",
		"TIDEMARK_KAFKA_BROKERS=a:1, b:2",
		"TIDEMARK_REGIONS_0_URL=file:elsewhere",
		"TIDEMARK_TOPICS_10_NAME=t10", "TIDEMARK_TOPICS_2_NAME=t2", "TIDEMARK_TOPICS_0_NAME=t0", "TIDEMARK_TOPICS_1_NAME=t1",
		"TIDEMARK_TOPICS_3_NAME=t3", "TIDEMARK_TOPICS_4_NAME=t4", "TIDEMARK_TOPICS_5_NAME=t5", "TIDEMARK_TOPICS_6_NAME=t6",
		"TIDEMARK_TOPICS_7_NAME=t7", "TIDEMARK_TOPICS_8_NAME=t8", "TIDEMARK_TOPICS_9_PATTERN=t9",
		"TIDEMARK_SEGMENT_KEY_FILTER=false",
		"PATH=/bin", "NOT_TIDEMARK_X=1")
	if c.Segment.Size != 2<<20 || c.Segment.KeyFilter {
		t.Errorf("segment is %+v", c.Segment)
	}
	if !slices.Equal(c.Kafka.Brokers, []string{"a:1", "b:2"}) {
		t.Errorf("brokers are %q", c.Kafka.Brokers)
	}
	if got := c.Regions[0].URL.Dir(); got != "/etc/elsewhere" {
		t.Errorf("region a is in %s", got)
	}
	if len(c.Topics) != 11 || c.Topics[10].Name != "t10" || c.Topics[9].Pattern != "t9" {
		t.Errorf("topics are %v", c.Topics)
	}
}

func TestEnvironmentAlone(t *testing.T) {
	mustLoad(t, "",
		"TIDEMARK_REGIONS_0_NAME=a", "TIDEMARK_REGIONS_0_URL=file:a", "TIDEMARK_REGIONS_0_KEYS_URL=file:ka", "TIDEMARK_REGIONS_0_KMS=local:k",
		"TIDEMARK_REGIONS_1_NAME=b", "TIDEMARK_REGIONS_1_URL=file:b", "TIDEMARK_REGIONS_1_KEYS_URL=file:kb", "TIDEMARK_REGIONS_1_KMS=local:k")
}

func TestEnvironmentMistakesNameTheVariable(t *testing.T) {
	for _, test := range []struct{ variable, want string }{
		{"TIDEMARK_SEGMNT_SIZE=1", "TIDEMARK_SEGMNT_SIZE: names no key"},
		{"TIDEMARK_SEGMENT=1", "TIDEMARK_SEGMENT: names no key"},
		{"TIDEMARK_SEGMENT_=1", "TIDEMARK_SEGMENT_: segment: names no key"},
		{"TIDEMARK_=1", "TIDEMARK_: names no key"},
		{"TIDEMARK_SEGMENT_SIZE=0", "TIDEMARK_SEGMENT_SIZE: segment.size: must be above 0"},
		{"TIDEMARK_SEGMENT_SIZE=big", `TIDEMARK_SEGMENT_SIZE: segment.size: "big" is not a size`},
		{"TIDEMARK_SEGMENT_KEY_FILTER=1", `TIDEMARK_SEGMENT_KEY_FILTER: segment.key_filter: "1" is neither`},
		{"TIDEMARK_KAFKA_BROKERS=a", `TIDEMARK_KAFKA_BROKERS: kafka.brokers: "a" is not an address`},
		{"TIDEMARK_TOPICS_1_NAME=a", "TIDEMARK_TOPICS_1_NAME: topics: place 1 would leave a hole"},
		{"TIDEMARK_TOPICS_00_NAME=a", "is not a place in a list"},
		{"TIDEMARK_TOPICS_99999999_NAME=a", "is not a place in a list"},
		{"TIDEMARK_REGIONS_1_URL=file:a", "TIDEMARK_REGIONS_1_URL: regions[1].url: is the same place"},
	} {
		_, err := load(t, small, test.variable)
		var mistake *Error
		if !errors.As(err, &mistake) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got  %v\nwant %s", test.variable, err, test.want)
		}
	}
}

// A pod beside a service called tidemark, or tidemark-archive, must start.
func TestKubernetesServiceVariablesAreIgnored(t *testing.T) {
	mustLoad(t, small,
		"TIDEMARK_SERVICE_HOST=10.0.0.1", "TIDEMARK_SERVICE_PORT=9464", "TIDEMARK_SERVICE_PORT_METRICS=9464",
		"TIDEMARK_PORT=tcp://10.0.0.1:9464", "TIDEMARK_PORT_9464_TCP=tcp://10.0.0.1:9464",
		"TIDEMARK_PORT_9464_TCP_PROTO=tcp", "TIDEMARK_PORT_9464_TCP_PORT=9464", "TIDEMARK_PORT_9464_TCP_ADDR=10.0.0.1",
		"TIDEMARK_ARCHIVE_SERVICE_HOST=10.0.0.1")
}

// Every key has a variable, and no two keys share one.
func TestEveryKeyHasItsVariable(t *testing.T) {
	seen := map[string]string{}
	for _, key := range leaves(reflect.TypeFor[Config](), "") {
		name := envPrefix + strings.ToUpper(strings.NewReplacer("[].", "_0_", ".", "_").Replace(key))
		if other, ok := seen[name]; ok {
			t.Errorf("%s sets both %s and %s", name, key, other)
		}
		seen[name] = key
		if foreign.MatchString(name) {
			t.Errorf("%s is taken for a variable of Kubernetes", name)
		}
		_, got, err := find(reflect.ValueOf(&Config{}).Elem(), "", strings.TrimPrefix(name, envPrefix))
		if err != nil || anyPlace(got) != key {
			t.Errorf("%s sets %q (%v), want %s", name, got, err, key)
		}
	}
}
