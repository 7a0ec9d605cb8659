package config

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestCaptureSections(t *testing.T) {
	c := mustLoad(t, small)
	if r := c.SchemaRegistry; r.URL != "" || r.Every.Std() != 5*time.Minute || c.ACLs.Capture || c.ACLs.Every.Std() != 15*time.Minute {
		t.Errorf("defaults %+v, %+v", r, c.ACLs)
	}
	c = mustLoad(t, small+"schema_registry: {url: 'https://sr:8081/api', username: u, password: p, ca_file: ca.pem, subjects: 'orders-.*', every: 1m}\nacls: {capture: true}\n")
	if r := c.SchemaRegistry; r.Password.Reveal() != "p" || r.CAFile != "/etc/ca.pem" || r.Every.Std() != time.Minute || !c.ACLs.Capture {
		t.Errorf("%+v, %+v", r, c.ACLs)
	}
	c = mustLoad(t, small, "TIDEMARK_SCHEMA_REGISTRY_URL=http://sr", "TIDEMARK_SCHEMA_REGISTRY_TOKEN=canary-7f3a", "TIDEMARK_ACLS_CAPTURE=true")
	if c.SchemaRegistry.Token.Reveal() != "canary-7f3a" || !c.ACLs.Capture || strings.Contains(fmt.Sprintf("%+v %#v", c, c.SchemaRegistry), "canary") {
		t.Errorf("from the environment: %+v", c.SchemaRegistry)
	}
}

func TestCaptureMistakes(t *testing.T) {
	const url = "url: 'https://sr', "
	for text, want := range map[string]string{
		"url: 'ftp://sr'":                                  "schema_registry.url: want http://",
		"url: 'https://u:canary@sr'":                       "schema_registry.url: want http://",
		"url: 'https://sr?x=1'":                            "schema_registry.url: want http://",
		"url: 'sr:8081'":                                   "schema_registry.url: want http://",
		"url: 'http://sr', ca_file: x":                     "schema_registry.url: is not https",
		"username: u, password: p":                         "schema_registry.url: is not set",
		"subjects: x":                                      "schema_registry.url: is not set",
		url + "username: u":                                "username goes together with",
		url + "password: p":                                "username goes together with",
		url + "username: u, password: p, token: t":         "a password and a token",
		url + "username: u, password: p, password_file: f": "password_file: is given beside password",
		url + "token: t, token_file: f":                    "token_file: is given beside token",
		url + "cert_file: x":                               "cert_file and key_file go together",
		url + "subjects: '('":                              "schema_registry.subjects: error parsing",
		url + "every: 1s":                                  "schema_registry.every: 1s is below 10s",
		url + "every: 2d":                                  "schema_registry.every: 2d is above 1d",
		url + "colour: red":                                "schema_registry.colour: unknown key",
	} {
		_, err := load(t, small+"schema_registry: {"+text+"}\n")
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	if _, err := load(t, small+"acls: {every: 0s}\n"); err == nil || !strings.Contains(err.Error(), "acls.every: must be above 0") {
		t.Error(err)
	}
}
