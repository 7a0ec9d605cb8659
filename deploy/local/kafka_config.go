package local

import (
	"bytes"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// controllerListener carries the KRaft quorum.
const controllerListener = "CONTROLLER"

// brokerJVM makes a broker start in two seconds and live in little memory.
var brokerJVM = []string{"-Xms256m", "-Xmx768m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"}

// node is where one broker keeps its things and listens.
type node struct {
	id             int32
	dir            string
	port           int // of the PLAINTEXT listener
	controllerPort int
	listeners      []boundListener
}

type boundListener struct {
	Listener
	port int
}

func (n node) dataDir() string      { return filepath.Join(n.dir, "data") }
func (n node) settingsFile() string { return filepath.Join(n.dir, "server.properties") }

func planNodes(dir string, o KafkaOptions) ([]node, error) {
	nodes := make([]node, max(1, o.Brokers))
	for i := range nodes {
		n := node{id: int32(i + 1), dir: filepath.Join(dir, fmt.Sprintf("node-%d", i+1))}
		want := 0
		if o.Port != 0 {
			want = o.Port + i
		}
		listeners, err := bindListeners(want, o.Listeners)
		if err != nil {
			return nil, err
		}
		n.listeners, n.port = listeners, listeners[0].port
		if n.controllerPort, err = choosePort(0); err != nil {
			return nil, err
		}
		nodes[i] = n
	}
	return nodes, nil
}

// bindListeners gives every listener a port, PLAINTEXT first.
func bindListeners(plaintextPort int, more []Listener) ([]boundListener, error) {
	all := append([]Listener{{plaintextListener, plaintextListener}}, more...)
	bound := make([]boundListener, len(all))
	for i, l := range all {
		want := 0
		if i == 0 {
			want = plaintextPort
		}
		port, err := choosePort(want)
		if err != nil {
			return nil, fmt.Errorf("bind listener %s: %w", l.Name, err)
		}
		bound[i] = boundListener{l, port}
	}
	return bound, nil
}

// properties is the text of a node's server.properties.
func properties(n node, all []node, o KafkaOptions) []byte {
	replicas := strconv.Itoa(min(3, len(all)))
	settings := map[string]string{
		"process.roles":                  "broker,controller",
		"node.id":                        strconv.Itoa(int(n.id)),
		"controller.quorum.voters":       voters(all),
		"controller.listener.names":      controllerListener,
		"inter.broker.listener.name":     plaintextListener,
		"listeners":                      listeners(n.listeners) + "," + controllerListener + "://" + address(n.controllerPort),
		"advertised.listeners":           listeners(n.listeners),
		"listener.security.protocol.map": protocols(n.listeners),
		"log.dirs":                       n.dataDir(),

		"offsets.topic.replication.factor":                 replicas,
		"transaction.state.log.replication.factor":         replicas,
		"transaction.state.log.min.isr":                    strconv.Itoa(max(1, min(3, len(all))-1)),
		"share.coordinator.state.topic.replication.factor": replicas,
		"default.replication.factor":                       replicas,
		// Fewer than the usual 50, as each is a directory to make and recover.
		"offsets.topic.num.partitions":                 "5",
		"transaction.state.log.num.partitions":         "5",
		"share.coordinator.state.topic.num.partitions": "1",

		"auto.create.topics.enable":        "false",
		"group.initial.rebalance.delay.ms": "0",
		"group.min.session.timeout.ms":     "1000",
		// A broker that was killed may register again only when the session of
		// its former life is over, and its partitions have no leader until
		// then: 9 s by default.
		"broker.session.timeout.ms":    "3000",
		"broker.heartbeat.interval.ms": "500",
		// The session of a KIP-848 group is the broker's to choose; tests of a
		// takeover lower it, which these minima allow.
		"group.consumer.min.session.timeout.ms":    "1000",
		"group.consumer.min.heartbeat.interval.ms": "100",
	}
	maps.Copy(settings, o.Properties)
	return render(settings)
}

func render(settings map[string]string) []byte {
	var text bytes.Buffer
	for _, key := range slices.Sorted(maps.Keys(settings)) {
		// A line break would end the property; a backslash before it goes on.
		fmt.Fprintf(&text, "%s=%s\n", key, strings.ReplaceAll(settings[key], "\n", "\\n"))
	}
	return text.Bytes()
}

func voters(all []node) string {
	return join(all, func(n node) string { return fmt.Sprintf("%d@%s", n.id, address(n.controllerPort)) })
}

func listeners(bound []boundListener) string {
	return join(bound, func(l boundListener) string { return l.Name + "://" + address(l.port) })
}

func protocols(bound []boundListener) string {
	return controllerListener + ":PLAINTEXT," + join(bound, func(l boundListener) string { return l.Name + ":" + l.Protocol })
}

func join[T any](all []T, text func(T) string) string {
	words := make([]string, len(all))
	for i, one := range all {
		words[i] = text(one)
	}
	return strings.Join(words, ",")
}
