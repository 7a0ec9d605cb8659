package config

// SchemaRegistry is a registry with Confluent's API, whose schemas are kept
// beside the topics. Without a URL there is none.
type SchemaRegistry struct {
	// URL is http or https, without credentials.
	URL string `yaml:"url"`
	// Username and Password are HTTP's basic authentication.
	Username     string `yaml:"username"`
	Password     Secret `yaml:"password"`
	PasswordFile string `yaml:"password_file"`
	// Token is a bearer token, in place of the two.
	Token Secret `yaml:"token"`
	// TokenFile is read again at each request, so that a token may be renewed.
	TokenFile string `yaml:"token_file"`
	// CAFile holds certificates (PEM) that vouch for the registry, in place of
	// the system's.
	CAFile string `yaml:"ca_file"`
	// CertFile and KeyFile (PEM) are the client's own, for mutual TLS.
	CertFile string `yaml:"cert_file"`
	KeyFile  string `yaml:"key_file"`
	// Subjects is a regular expression (RE2) that must match a whole name;
	// empty chooses all.
	Subjects string `yaml:"subjects"`
	// Every is how often the archiver looks for changes.
	Every Duration `yaml:"every"`
}

// ACLs say whether the access rules of the cluster are kept beside the topics.
type ACLs struct {
	Capture bool     `yaml:"capture"`
	Every   Duration `yaml:"every"`
}
