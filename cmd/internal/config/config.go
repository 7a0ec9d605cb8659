package config

// Config is the whole configuration. The annotated example beside the command
// (tidemark.example.yaml) explains every key to the person who writes it.
type Config struct {
	Archive Archive `yaml:"archive"`
	// Regions are exactly two.
	Regions   []Region  `yaml:"regions"`
	Kafka     Kafka     `yaml:"kafka"`
	Topics    []Topic   `yaml:"topics"`
	Segment   Segment   `yaml:"segment"`
	Memory    Size      `yaml:"memory"`
	Fetch     Fetch     `yaml:"fetch"`
	Retention Retention `yaml:"retention"`
	RollUp    RollUp    `yaml:"rollup"`
	Marks     Marks     `yaml:"marks"`
	// SchemaRegistry and ACLs are kept beside the topics.
	SchemaRegistry SchemaRegistry `yaml:"schema_registry"`
	ACLs           ACLs           `yaml:"acls"`
	Drill          Drill          `yaml:"drill"`
	// StateDir holds the index. It is a cache: deleting it loses nothing.
	StateDir string `yaml:"state_dir"`
	Index    Index  `yaml:"index"`
	// ShutdownGrace is how long SIGTERM may take to store what is in memory.
	ShutdownGrace Duration  `yaml:"shutdown_grace"`
	Telemetry     Telemetry `yaml:"telemetry"`

	source source
}

// Index is what is kept in StateDir.
type Index struct {
	// MaxSize bounds it. What was written first is dropped first.
	MaxSize Size `yaml:"max_size"`
}

// Archive pins who the archive is and names the key that signs for it. The pin
// is either TrustFile or ID with RootPublicKey.
type Archive struct {
	TrustFile string `yaml:"trust_file"`
	// ID is 32 hex digits.
	ID string `yaml:"id"`
	// RootPublicKey is an Ed25519 public key (RFC 8032), 32 bytes in base64.
	RootPublicKey string `yaml:"root_public_key"`
	// SigningKeyFile is an Ed25519 private key, PKCS #8 in PEM.
	SigningKeyFile string `yaml:"signing_key_file"`
}

// Region is one of the two object stores.
type Region struct {
	Name string `yaml:"name"`
	// URL is s3://bucket/prefix?endpoint=…&region=… or file:///dir.
	URL Place `yaml:"url"`
	// KeysURL is the place of the keys, apart from every other place.
	KeysURL Place `yaml:"keys_url"`
	// KMS wraps the key-encryption keys of this region.
	KMS         KMS         `yaml:"kms"`
	Credentials Credentials `yaml:"credentials"`
	// CAFile holds certificates (PEM) that vouch for the store, in place of the
	// system's.
	CAFile string `yaml:"ca_file"`
}

// CredentialSource says where the credentials for a store come from.
type CredentialSource string

// The sources. SourceAuto tries the environment and then the role. The role
// comes from web identity where AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE
// are set, as EKS does it, and else from the container's or instance's metadata.
// SourceWebIdentity wants a web identity and asks no metadata.
const (
	SourceAuto        CredentialSource = "auto"
	SourceStatic      CredentialSource = "static"
	SourceEnvironment CredentialSource = "environment"
	SourceIAM         CredentialSource = "iam"
	SourceWebIdentity CredentialSource = "web-identity"
)

// Credentials are those of an S3 store; directories need none.
type Credentials struct {
	Source           CredentialSource `yaml:"source"`
	AccessKey        string           `yaml:"access_key"`
	SecretKey        Secret           `yaml:"secret_key"`
	SecretKeyFile    string           `yaml:"secret_key_file"`
	SessionToken     Secret           `yaml:"session_token"`
	SessionTokenFile string           `yaml:"session_token_file"`
	// RoleARN, TokenFile and STSEndpoint are of SourceWebIdentity. The first two
	// win over AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE, which stand in for
	// what is empty. The file is read again at each renewal.
	RoleARN   string `yaml:"role_arn"`
	TokenFile string `yaml:"token_file"`
	// STSEndpoint is the URL of the token service; empty is AWS's own.
	STSEndpoint string `yaml:"sts_endpoint"`
}

// Balancer says who assigns partitions to the members of the group.
type Balancer string

// The balancers: the classic protocol's cooperative-sticky (KIP-429), or the
// broker itself (KIP-848, Kafka 4.3 and later).
const (
	BalancerCooperative Balancer = "cooperative-sticky"
	BalancerServer      Balancer = "server"
)

// Kafka is the source cluster and how to join it.
type Kafka struct {
	Brokers         []string `yaml:"brokers"`
	ClientID        string   `yaml:"client_id"`
	Group           string   `yaml:"group"`
	GroupInstanceID string   `yaml:"group_instance_id"`
	Balancer        Balancer `yaml:"balancer"`
	// SessionTimeout counts with BalancerCooperative only; with
	// BalancerServer the broker decides.
	SessionTimeout Duration `yaml:"session_timeout"`
	TLS            TLS      `yaml:"tls"`
	SASL           SASL     `yaml:"sasl"`
}

// TLS is how to speak to the brokers.
type TLS struct {
	Enabled bool `yaml:"enabled"`
	// CAFile holds certificates (PEM) that vouch for the brokers, in place of
	// the system's.
	CAFile string `yaml:"ca_file"`
	// CertFile and KeyFile (PEM) are the client's own, for mutual TLS.
	CertFile string `yaml:"cert_file"`
	KeyFile  string `yaml:"key_file"`
	// ServerName is what the brokers' certificates are checked against, if not
	// their address.
	ServerName string `yaml:"server_name"`
}

// Mechanism is a SASL mechanism; empty means none.
type Mechanism string

// The mechanisms, under the names Kafka has for them.
const (
	MechanismNone        Mechanism = ""
	MechanismPlain       Mechanism = "PLAIN"
	MechanismScram256    Mechanism = "SCRAM-SHA-256"
	MechanismScram512    Mechanism = "SCRAM-SHA-512"
	MechanismOAuthBearer Mechanism = "OAUTHBEARER"
	MechanismAWSMSKIAM   Mechanism = "AWS_MSK_IAM"
)

// SASL is who we are to the brokers.
type SASL struct {
	Mechanism    Mechanism `yaml:"mechanism"`
	Username     string    `yaml:"username"`
	Password     Secret    `yaml:"password"`
	PasswordFile string    `yaml:"password_file"`
	Token        Secret    `yaml:"token"`
	// TokenFile is read again at each authentication, so that a token may be
	// renewed.
	TokenFile string `yaml:"token_file"`
}

// Topic chooses topics: exactly one of Name and Pattern.
type Topic struct {
	Name string `yaml:"name"`
	// Pattern is a regular expression (RE2) that must match a whole name.
	Pattern string `yaml:"pattern"`
	// Age closes these topics' segments; after Load it is never 0.
	Age Duration `yaml:"age"`
	// Fields are what records of these topics can be found by, beside their
	// keys: with Segment.KeyFilter the filters cover them.
	Fields Fields `yaml:"fields"`
}

// Compression is what is done to batches that their producer did not compress.
type Compression string

// The compressions.
const (
	CompressionZstd Compression = "zstd"
	CompressionS2   Compression = "s2"
	CompressionNone Compression = "none"
)

// Segment says when a segment closes and how it is built.
type Segment struct {
	Size        Size        `yaml:"size"`
	Age         Duration    `yaml:"age"`
	Block       Size        `yaml:"block"`
	Compression Compression `yaml:"compression"`
	// KeyFilter adds the filter over record keys that `tidemark find` uses.
	KeyFilter bool `yaml:"key_filter"`
}

// Fetch bounds what is asked of the brokers at a time.
type Fetch struct {
	MaxWait           Duration `yaml:"max_wait"`
	MinBytes          Size     `yaml:"min_bytes"`
	MaxBytes          Size     `yaml:"max_bytes"`
	MaxPartitionBytes Size     `yaml:"max_partition_bytes"`
	// MaxRecordBytes is the largest record that is archived; a larger one
	// stops its partition, visibly.
	MaxRecordBytes Size `yaml:"max_record_bytes"`
}

// RetentionMode is the mode of the lock on what is written.
type RetentionMode string

// The modes; the last two are S3 Object Lock's.
const (
	RetentionNone       RetentionMode = "none"
	RetentionGovernance RetentionMode = "governance"
	RetentionCompliance RetentionMode = "compliance"
)

// Retention locks every segment as it is written.
type Retention struct {
	Mode RetentionMode `yaml:"mode"`
	For  Duration      `yaml:"for"`
}

// RollUp says how small segments become large ones, and how long those are kept.
type RollUp struct {
	// Window is the span of time that is rolled up together, in UTC.
	Window Duration `yaml:"window"`
	// After is how long after its end a window is rolled up.
	After Duration `yaml:"after"`
	// Size is what one roll-up holds at the most, about.
	Size Size `yaml:"size"`
	// Retain is how long a roll-up is kept and, with a retention mode, locked.
	Retain Duration `yaml:"retain"`
}

// LogFormat is the form of the log on stderr.
type LogFormat string

// The formats.
const (
	LogJSON LogFormat = "json"
	LogText LogFormat = "text"
)

// LogLevel is the least severe level that is logged.
type LogLevel string

// The levels, as slog has them.
const (
	LevelDebug LogLevel = "debug"
	LevelInfo  LogLevel = "info"
	LevelWarn  LogLevel = "warn"
	LevelError LogLevel = "error"
)

// Telemetry is what a running archiver shows of itself. An empty address
// switches that server off.
type Telemetry struct {
	// Listen serves /metrics, /livez and /readyz.
	Listen string `yaml:"listen"`
	// PprofListen serves /debug/pprof and must be a loopback address.
	PprofListen string    `yaml:"pprof_listen"`
	LogLevel    LogLevel  `yaml:"log_level"`
	LogFormat   LogFormat `yaml:"log_format"`
}
