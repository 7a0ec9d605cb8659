package config

import (
	"net/url"
	"regexp"
)

// regionName keeps names fit for labels of metrics and for messages.
var regionName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)

// checkRegions sees to it that there are two regions and four places, all apart:
// a copy beside or within its original is no copy, and keys under the lock of
// the data could never be erased.
func (c *Config) checkRegions() error {
	if len(c.Regions) != 2 {
		return c.source.wrong("regions", "there are %d: want exactly two", len(c.Regions))
	}
	for i := range c.Regions {
		if err := c.checkRegion(element("regions", i), c.Regions[i]); err != nil {
			return err
		}
	}
	if c.Regions[0].Name == c.Regions[1].Name {
		return c.source.wrong("regions[1].name", "both regions are called %q", c.Regions[1].Name)
	}
	return c.checkApart()
}

func (c *Config) checkRegion(key string, r Region) error {
	switch {
	case !regionName.MatchString(r.Name):
		return c.source.wrong(key+".name", "%q: want 1 to 32 of a-z, 0-9 and -", r.Name)
	case r.URL.IsZero():
		return c.source.wrong(key+".url", "is not set")
	case r.KeysURL.IsZero():
		return c.source.wrong(key+".keys_url", "is not set")
	case r.KMS.IsZero():
		return c.source.wrong(key+".kms", "is not set")
	}
	return c.checkCredentials(key+".credentials", r.Credentials)
}

func (c *Config) checkApart() error {
	type named struct {
		key   string
		place Place
	}
	var all []named
	for i, r := range c.Regions {
		key := element("regions", i)
		all = append(all, named{key + ".url", r.URL}, named{key + ".keys_url", r.KeysURL})
	}
	for i, a := range all {
		for _, b := range all[:i] {
			if a.place.overlaps(b.place) {
				return c.source.wrong(a.key, "is the same place as %s, or one lies within the other", b.key)
			}
		}
	}
	return nil
}

func (c *Config) checkCredentials(key string, cr Credentials) error {
	if cr.Source != "" {
		if err := oneOf(c, key+".source", cr.Source, SourceAuto, SourceStatic, SourceEnvironment, SourceIAM, SourceWebIdentity); err != nil {
			return err
		}
	}
	secret, session := !cr.SecretKey.IsZero() || cr.SecretKeyFile != "", !cr.SessionToken.IsZero() || cr.SessionTokenFile != ""
	static := cr.AccessKey != "" || secret || session
	switch {
	case !cr.SecretKey.IsZero() && cr.SecretKeyFile != "":
		return c.source.wrong(key+".secret_key_file", "is given beside secret_key: want one of the two")
	case !cr.SessionToken.IsZero() && cr.SessionTokenFile != "":
		return c.source.wrong(key+".session_token_file", "is given beside session_token: want one of the two")
	case cr.Source == SourceStatic && (cr.AccessKey == "" || !secret):
		return c.source.wrong(key, "source static needs access_key and secret_key or secret_key_file")
	case cr.Source != SourceStatic && static:
		return c.source.wrong(key, "holds keys that are used with source: static only")
	}
	return c.checkWebIdentity(key, cr)
}

func (c *Config) checkWebIdentity(key string, cr Credentials) error {
	if cr.Source != SourceWebIdentity && (cr.RoleARN != "" || cr.TokenFile != "" || cr.STSEndpoint != "") {
		return c.source.wrong(key, "role_arn, token_file and sts_endpoint are used with source: web-identity only")
	}
	if cr.STSEndpoint == "" {
		return nil
	}
	u, err := url.Parse(cr.STSEndpoint)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return c.source.wrong(key+".sts_endpoint", "want https://host or https://host:port") // its text may hold a secret
	}
	return nil
}
