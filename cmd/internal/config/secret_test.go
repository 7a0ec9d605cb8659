package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// A canary is put into every secret and looked for in all output.
func TestSecretsAreNeverPrinted(t *testing.T) {
	const canary = "canary-7f3a"
	text := strings.Replace(small, "    kms: local:kms-a.key\n", `    kms: local:kms-a.key
    credentials: {source: static, access_key: k, secret_key: `+canary+`, session_token: `+canary+`}
`, 1) + "kafka: {sasl: {mechanism: PLAIN, username: u, password: " + canary + "}}\n"
	c := mustLoad(t, text)
	if c.Kafka.SASL.Password.Reveal() != canary || c.Regions[0].Credentials.SecretKey.Reveal() != canary {
		t.Fatal("the canary did not arrive")
	}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb+"\n", c)
		fmt.Fprintf(&out, verb+"\n", *c)
		fmt.Fprintf(&out, verb+"\n", c.Kafka.SASL.Password)
		fmt.Fprintf(&out, verb+"\n", &c.Kafka.SASL)
	}
	for _, h := range []slog.Handler{slog.NewJSONHandler(&out, nil), slog.NewTextHandler(&out, nil)} {
		slog.New(h).Info("x", "config", c, "secret", c.Kafka.SASL.Password, "sasl", c.Kafka.SASL)
	}
	j, errJ := json.Marshal(c)
	y, errY := yaml.Marshal(c)
	if errJ != nil || errY != nil {
		t.Fatal(errJ, errY)
	}
	out.Write(j)
	out.Write(y)
	for _, form := range []string{canary, fmt.Sprintf("%x", canary)} {
		if strings.Contains(out.String(), form) {
			t.Errorf("%q was printed:\n%s", form, out.String())
		}
	}
	if !strings.Contains(string(j), `"`+hidden+`"`) {
		t.Errorf("no sign that there is a secret: %s", j)
	}
}
