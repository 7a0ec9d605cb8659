package config

import (
	"net/url"
	"regexp"
	"time"
)

// The limits on how often schemas and access rules are looked at: below, the
// requests are felt; above, a day's schemas could be missing from a restore.
const (
	minCapture = Duration(10 * time.Second)
	maxCapture = Duration(24 * time.Hour)
)

func (c *Config) checkCaptures() error {
	if err := firstOf(
		within(c, "schema_registry.every", c.SchemaRegistry.Every, minCapture, maxCapture),
		within(c, "acls.every", c.ACLs.Every, minCapture, maxCapture),
	); err != nil {
		return err
	}
	return c.checkSchemaRegistry("schema_registry", c.SchemaRegistry)
}

func (c *Config) checkSchemaRegistry(key string, r SchemaRegistry) error {
	password, token := !r.Password.IsZero() || r.PasswordFile != "", !r.Token.IsZero() || r.TokenFile != ""
	switch {
	case !r.Password.IsZero() && r.PasswordFile != "":
		return c.source.wrong(key+".password_file", "is given beside password: want one of the two")
	case !r.Token.IsZero() && r.TokenFile != "":
		return c.source.wrong(key+".token_file", "is given beside token: want one of the two")
	case (r.Username != "") != password:
		return c.source.wrong(key, "username goes together with password or password_file")
	case password && token:
		return c.source.wrong(key, "holds a password and a token: want one of the two")
	case (r.CertFile == "") != (r.KeyFile == ""):
		return c.source.wrong(key, "cert_file and key_file go together")
	}
	if _, err := regexp.Compile("^(?:" + r.Subjects + ")$"); err != nil {
		return c.source.wrong(key+".subjects", "%w", err)
	}
	used := password || token || r.CAFile != "" || r.CertFile != "" || r.Subjects != ""
	return c.checkRegistryURL(key, r, used)
}

func (c *Config) checkRegistryURL(key string, r SchemaRegistry, used bool) error {
	if r.URL == "" {
		if used {
			return c.source.wrong(key+".url", "is not set, and other keys of the section are")
		}
		return nil
	}
	u, err := url.Parse(r.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return c.source.wrong(key+".url", "want http://host:port or https://host:port, credentials apart") // its text may hold a secret
	}
	if u.Scheme == "http" && (r.CAFile != "" || r.CertFile != "") {
		return c.source.wrong(key+".url", "is not https, and there are certificates for it")
	}
	return nil
}
