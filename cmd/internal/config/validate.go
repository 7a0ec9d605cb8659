package config

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/tidemark-io/tidemark/codec/names"
)

// validate applies the rules that one value cannot be checked for alone, and
// returns the first that is broken as an *Error.
func (c *Config) validate() error {
	for _, check := range []func() error{
		c.checkArchive, c.checkRegions, c.checkKafka, c.checkTLS, c.checkSASL, c.checkTopics,
		c.checkSegment, c.checkFetch, c.checkMemory, c.checkRetention, c.checkRollUp, c.checkMarks, c.checkCaptures, c.checkDrill, c.checkRest, c.checkTelemetry,
	} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func (c *Config) checkArchive() error {
	a := c.Archive
	switch {
	case (a.ID == "") != (a.RootPublicKey == ""):
		return c.source.wrong("archive", "id and root_public_key go together")
	case a.ID != "" && c.source.has("archive.trust_file"):
		return c.source.wrong("archive.trust_file", "is given beside id and root_public_key: want one of the two")
	case a.ID == "" && a.TrustFile == "":
		return c.source.wrong("archive.trust_file", "is empty")
	case a.ID == "":
		return nil
	}
	var id names.ArchiveID
	if err := id.UnmarshalText([]byte(a.ID)); err != nil {
		return c.source.wrong("archive.id", "%w", err)
	}
	if _, err := ParsePublicKey(a.RootPublicKey); err != nil {
		return c.source.wrong("archive.root_public_key", "%w", err)
	}
	return nil
}

// ParsePublicKey reads an Ed25519 public key: 32 bytes in standard base64.
func ParsePublicKey(text string) (ed25519.PublicKey, error) {
	b, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || len(b) != ed25519.PublicKeySize {
		return nil, errors.New("is not an Ed25519 public key: want 32 bytes in base64")
	}
	return b, nil
}

func (c *Config) checkKafka() error {
	k := c.Kafka
	for i, b := range k.Brokers {
		if err := checkAddress(b); err != nil {
			return c.source.wrong(c.listKey("kafka.brokers", i), "%w", err)
		}
	}
	if k.Group == "" {
		return c.source.wrong("kafka.group", "is empty")
	}
	if err := oneOf(c, "kafka.balancer", k.Balancer, BalancerCooperative, BalancerServer); err != nil {
		return err
	}
	return within(c, "kafka.session_timeout", k.SessionTimeout, minSession, maxSession)
}

// listKey names one place of a list, or the whole of a list that came from the
// environment.
func (c *Config) listKey(key string, i int) string {
	if at := element(key, i); c.source.has(at) && c.source.at[key].variable == "" {
		return at
	}
	return key
}

// checkAddress wants host:port.
func checkAddress(address string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil || host == "" {
		return fmt.Errorf("%q is not an address: want host:port", address)
	}
	return checkPort(port)
}

func checkPort(port string) error {
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return fmt.Errorf("port %q: want a number from 1 to 65535", port)
	}
	return nil
}

func (c *Config) checkTLS() error {
	t := c.Kafka.TLS
	if (t.CertFile == "") != (t.KeyFile == "") {
		return c.source.wrong("kafka.tls", "cert_file and key_file go together")
	}
	if !t.Enabled && (t.CAFile != "" || t.CertFile != "" || t.ServerName != "") {
		return c.source.wrong("kafka.tls", "has settings but is not enabled: set enabled: true or remove them")
	}
	return nil
}

func (c *Config) checkSASL() error {
	s := c.Kafka.SASL
	if err := oneOf(c, "kafka.sasl.mechanism", s.Mechanism, MechanismNone, MechanismPlain, MechanismScram256,
		MechanismScram512, MechanismOAuthBearer, MechanismAWSMSKIAM); err != nil {
		return err
	}
	password := s.Username != "" || !s.Password.IsZero() || s.PasswordFile != ""
	token := !s.Token.IsZero() || s.TokenFile != ""
	switch {
	case !s.Password.IsZero() && s.PasswordFile != "":
		return c.source.wrong("kafka.sasl.password_file", "is given beside password: want one of the two")
	case !s.Token.IsZero() && s.TokenFile != "":
		return c.source.wrong("kafka.sasl.token_file", "is given beside token: want one of the two")
	}
	switch s.Mechanism {
	case MechanismPlain, MechanismScram256, MechanismScram512:
		if s.Username == "" || s.Password.IsZero() && s.PasswordFile == "" {
			return c.source.wrong("kafka.sasl", "%s needs username and password or password_file", s.Mechanism)
		}
		password = false
	case MechanismOAuthBearer:
		if !token {
			return c.source.wrong("kafka.sasl", "%s needs token or token_file", s.Mechanism)
		}
		token = false
	}
	if password || token {
		return c.source.wrong("kafka.sasl", "holds credentials that mechanism %q does not use", s.Mechanism)
	}
	return nil
}

func (c *Config) checkTopics() error {
	seen := map[string]int{}
	for i, t := range c.Topics {
		key := element("topics", i)
		if err := c.checkTopic(key, t); err != nil {
			return err
		}
		if j, ok := seen[t.Name+"\x00"+t.Pattern]; ok {
			return c.source.wrong(key, "is the same as %s", element("topics", j))
		}
		seen[t.Name+"\x00"+t.Pattern] = i
	}
	return nil
}

func (c *Config) checkTopic(key string, t Topic) error {
	if (t.Name == "") == (t.Pattern == "") {
		return c.source.wrong(key, "want either name or pattern")
	}
	if t.Name != "" {
		if err := names.CheckTopic(t.Name); err != nil {
			return c.source.wrong(key+".name", "%w", err)
		}
	}
	if _, err := regexp.Compile(t.Pattern); err != nil {
		return c.source.wrong(key+".pattern", "%w", err)
	}
	if c.source.has(key + ".age") {
		return within(c, key+".age", t.Age, minAge, maxAge)
	}
	return nil
}

func (c *Config) checkSegment() error {
	s := c.Segment
	return firstOf(
		within(c, "segment.size", s.Size, minSegment, maxSegment),
		within(c, "segment.age", s.Age, minAge, maxAge),
		within(c, "segment.block", s.Block, minSegment, min(maxBlock, s.Size)),
		oneOf(c, "segment.compression", s.Compression, CompressionZstd, CompressionS2, CompressionNone),
	)
}

func (c *Config) checkFetch() error {
	f := c.Fetch
	return firstOf(
		within(c, "fetch.max_wait", f.MaxWait, Duration(1), maxWait),
		within(c, "fetch.max_bytes", f.MaxBytes, 1, maxRecord),
		within(c, "fetch.min_bytes", f.MinBytes, 1, f.MaxBytes),
		within(c, "fetch.max_partition_bytes", f.MaxPartitionBytes, 1, f.MaxBytes),
		within(c, "fetch.max_record_bytes", f.MaxRecordBytes, 1, maxRecord),
	)
}

// checkMemory refuses a budget in which the largest single thing would not fit:
// the archiver would wait for ever for room.
func (c *Config) checkMemory() error {
	if c.Memory <= 0 {
		return c.source.wrong("memory", "must be above 0")
	}
	segment, response := c.Segment.Size, max(c.Fetch.MaxBytes, c.Fetch.MaxRecordBytes)
	if need := 2*segment + 2*response; c.Memory < need {
		return c.source.wrong("memory", "%s is too little: two segments of %s and two responses of up to %s need %s",
			c.Memory, segment, response, need)
	}
	return nil
}

func (c *Config) checkRetention() error {
	r := c.Retention
	if err := oneOf(c, "retention.mode", r.Mode, RetentionNone, RetentionGovernance, RetentionCompliance); err != nil {
		return err
	}
	if err := within(c, "retention.for", r.For, minRetention, maxRetention); err != nil {
		return err
	}
	if r.Mode == RetentionNone {
		return nil
	}
	for i, region := range c.Regions {
		if region.URL.Dir() != "" {
			return c.source.wrong(element("regions", i)+".url", "a directory cannot lock objects, and retention.mode is %s: want a bucket with Object Lock here, or retention.mode: none", r.Mode)
		}
	}
	return nil
}

func (c *Config) checkRest() error {
	if c.StateDir == "" {
		return c.source.wrong("state_dir", "is empty")
	}
	if err := within(c, "index.max_size", c.Index.MaxSize, minIndex, maxIndex); err != nil {
		return err
	}
	return within(c, "shutdown_grace", c.ShutdownGrace, Duration(1), maxGrace)
}

func (c *Config) checkTelemetry() error {
	t := c.Telemetry
	if err := firstOf(
		c.checkListen("telemetry.listen", t.Listen),
		c.checkListen("telemetry.pprof_listen", t.PprofListen),
	); err != nil {
		return err
	}
	if t.PprofListen != "" && !IsLoopback(t.PprofListen) {
		return c.source.wrong("telemetry.pprof_listen",
			"%q is not a loopback address: profiles show memory; want 127.0.0.1:6060 or [::1]:6060", t.PprofListen)
	}
	return firstOf(
		oneOf(c, "telemetry.log_level", t.LogLevel, LevelDebug, LevelInfo, LevelWarn, LevelError),
		oneOf(c, "telemetry.log_format", t.LogFormat, LogJSON, LogText),
	)
}

// checkListen accepts no address, host:port and :port; port 0 is any free one.
func (c *Config) checkListen(key, address string) error {
	if address == "" {
		return nil
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return c.source.wrong(key, "%q is not an address: want host:port or :port", address)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return c.source.wrong(key, "port %q: want a number from 0 to 65535", port)
	}
	return nil
}

// IsLoopback reports whether an address (host:port) can be reached from this
// machine only. A name does not count, "localhost" neither: it means what the
// resolver says.
func IsLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// within checks a size or duration against its limits, both allowed.
func within[T interface {
	~int64
	fmt.Stringer
}](c *Config, key string, v, low, high T) error {
	switch {
	case v <= 0:
		return c.source.wrong(key, "must be above 0")
	case v < low:
		return c.source.wrong(key, "%s is below %s", v, low)
	case v > high:
		return c.source.wrong(key, "%s is above %s", v, high)
	}
	return nil
}

func oneOf[T ~string](c *Config, key string, v T, allowed ...T) error {
	if slices.Contains(allowed, v) {
		return nil
	}
	var all []string
	for _, a := range allowed {
		if a != "" {
			all = append(all, string(a))
		}
	}
	return c.source.wrong(key, "%q is unknown: want one of %s", v, strings.Join(all, ", "))
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
