package wire

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark-io/tidemark/sinks/objects"
)

// State is how a check came out.
type State string

// The states.
const (
	Good    State = "ok"
	Warning State = "warning"
	Bad     State = "bad"
)

// Check is one thing that doctor looked at.
type Check struct {
	Subject string `json:"subject"`
	What    string `json:"what"`
	State   State  `json:"state"`
	Detail  string `json:"detail"`
	// Advice says what to mend.
	Advice string `json:"advice,omitempty"`
}

// maxSkew is how far a store's clock may be off: S3 refuses requests beyond
// 15 minutes, and dates that people compare should be right to the minute.
const maxSkew = time.Minute

// checkLimit bounds each subject, so that doctor ends while a store hangs.
const checkLimit = 20 * time.Second

// doctor collects checks of one subject.
type doctor struct {
	subject string
	checks  []Check
}

func (d *doctor) add(what string, s State, detail, advice string) {
	if s == Good {
		advice = ""
	}
	d.checks = append(d.checks, Check{Subject: d.subject, What: what, State: s, Detail: detail, Advice: advice})
}

// try adds a check that is bad if err is not nil.
func (d *doctor) try(what string, err error, advice string) bool {
	if err != nil {
		d.add(what, Bad, err.Error(), advice)
		return false
	}
	d.add(what, Good, "works", "")
	return true
}

// Examine looks at everything the archive rests on, and changes nothing but
// small probes, which it deletes.
func (a *Archive) Examine(ctx context.Context) []Check {
	var all []Check
	for _, r := range a.Regions {
		all = append(all, a.examineData(ctx, r)...)
		all = append(all, a.examineKeys(ctx, r)...)
	}
	all = append(all, a.examineSigner()...)
	all = append(all, a.examineKafka(ctx)...)
	return append(all, a.examineBeside(ctx)...)
}

func (a *Archive) examineData(ctx context.Context, r *Region) []Check {
	ctx, cancel := context.WithTimeout(ctx, checkLimit)
	defer cancel()
	d := &doctor{subject: "region " + r.Name + " data"}
	c, err := r.Data.Capabilities(ctx)
	if !d.try("connect", err, "check the URL, the network, the certificates and the credentials") {
		return d.checks
	}
	d.identity(introduce(ctx, r, a.Trust))
	d.access(ctx, r.Data)
	d.conditional(ctx, r)
	d.lock(r, c)
	d.clock(c)
	return d.checks
}

func (d *doctor) identity(err error) {
	d.try("archive", err, "run `tidemark init`, or correct archive.trust_file: it pins another archive")
}

func (d *doctor) access(ctx context.Context, s objects.Store) {
	for _, a := range objects.ProbeAccess(ctx, s) {
		d.try("may "+a.Op, a.Err, "grant this permission to the credentials in use")
	}
}

func (d *doctor) conditional(ctx context.Context, r *Region) {
	ok, err := objects.ProbeConditional(ctx, r.Data)
	switch {
	case err != nil:
		d.add("conditional writes", Warning, err.Error(), "allow writing and deleting below probe/, so that this can be tried")
	case ok:
		d.add("conditional writes", Good, "If-None-Match is honoured", "")
	case r.lock != objects.LockNone:
		d.add("conditional writes", Bad, "If-None-Match is ignored", "use a store with conditional writes: with Object Lock every repeated write would be kept for years")
	default:
		d.add("conditional writes", Warning, "If-None-Match is ignored", "nothing is lost, but repeated writes cost versions: a store with conditional writes is better")
	}
}

func (d *doctor) lock(r *Region, c objects.Capabilities) {
	for _, p := range c.Denied {
		d.add("permission", Warning, p+" is missing, so a part of this is unknown", "grant "+p)
	}
	switch {
	case r.lock != objects.LockNone && !c.ObjectLock:
		d.add("Object Lock", Bad, "retention.mode is "+r.lock.String()+", but the bucket has no Object Lock", "make the bucket anew with Object Lock, or set retention.mode to none")
	case r.lock == objects.LockNone:
		d.add("Object Lock", Warning, "retention.mode is none: whoever may delete can delete the archive", "set retention.mode to governance or compliance on a bucket with Object Lock")
	default:
		d.add("Object Lock", Good, r.lock.String(), "")
	}
	if c.DefaultMode != objects.LockNone {
		d.add("default retention", Warning, fmt.Sprintf("the bucket locks every object for %s", c.DefaultRetention), "remove it: it locks probes and short-lived segments too")
	}
}

func (d *doctor) clock(c objects.Capabilities) {
	if !c.HasSkew {
		return
	}
	if c.Skew.Abs() > maxSkew {
		d.add("clock", Bad, fmt.Sprintf("the store's clock is %s ahead of this machine's", c.Skew), "set this machine's clock (NTP): requests are refused beyond 15 minutes")
		return
	}
	d.add("clock", Good, fmt.Sprintf("within %s", maxSkew), "")
}

func (a *Archive) examineKeys(ctx context.Context, r *Region) []Check {
	ctx, cancel := context.WithTimeout(ctx, checkLimit)
	defer cancel()
	d := &doctor{subject: "region " + r.Name + " keys"}
	c, err := r.Keys.Capabilities(ctx)
	if d.try("connect", err, "check keys_url, the network and the credentials") {
		d.access(ctx, r.Keys)
		if c.DefaultMode != objects.LockNone {
			d.add("default retention", Bad, "the place of the keys locks objects", "remove the default retention: what cannot be deleted cannot be erased")
		}
	}
	d.kms(ctx, r)
	return d.checks
}

// kms wraps and unwraps a random key.
func (d *doctor) kms(ctx context.Context, r *Region) {
	plain := make([]byte, 32)
	rand.Read(plain)
	wrapped, err := r.Key.Keeper.Encrypt(ctx, plain)
	if !d.try("KMS may encrypt", err, "check the KMS URL, that the key is enabled, and the permission to encrypt") {
		return
	}
	back, err := r.Key.Keeper.Decrypt(ctx, wrapped)
	if err == nil && !bytes.Equal(back, plain) {
		err = errors.New("the KMS gave back other bytes than it was given")
	}
	d.try("KMS may decrypt", err, "grant the permission to decrypt")
}

func (a *Archive) examineSigner() []Check {
	d := &doctor{subject: "signing key"}
	signer, err := Signer(a.Config)
	if d.try("read", err, "archive.signing_key_file must name the key that `tidemark init` made") {
		d.try("introduced by the root", a.Trust.Verify(signer.Role, signer.ID(), "doctor", nil, signer.Sign("doctor", nil)), "this key is not one of this archive's signers")
	}
	return d.checks
}

func (a *Archive) examineKafka(ctx context.Context) []Check {
	d := &doctor{subject: "Kafka"}
	if len(a.Config.Kafka.Brokers) == 0 {
		d.add("connect", Warning, "no brokers are configured", "set kafka.brokers to archive from or restore into a cluster")
		return d.checks
	}
	ctx, cancel := context.WithTimeout(ctx, checkLimit)
	defer cancel()
	opts, err := KafkaOptions(&a.Config.Kafka, a.Log)
	if !d.try("options", err, "correct the kafka section") {
		return d.checks
	}
	client, err := kgo.NewClient(opts...)
	if !d.try("client", err, "correct the kafka section") {
		return d.checks
	}
	defer client.Close()
	d.topics(ctx, kadm.NewClient(client), a)
	return d.checks
}

func (d *doctor) topics(ctx context.Context, client *kadm.Client, a *Archive) {
	all, err := client.ListTopics(ctx)
	if !d.try("connect", err, "check the addresses, TLS, SASL and the permission to describe topics") {
		return
	}
	chosen := archiveConfig(a.Config).Topics
	for _, t := range chosen {
		found := 0
		for name, details := range all {
			if t.Matches(name) {
				found++
				if details.ID == (kadm.TopicID{}) {
					d.add("topic "+name, Bad, "the brokers give it no id (KIP-516)", "upgrade the cluster: without ids a topic that was made again cannot be told from the old one")
				}
			}
		}
		what := "topic " + t.Name + t.Pattern
		if found == 0 {
			d.add(what, Warning, "no topic matches yet", "check the name; it is archived once it appears")
			continue
		}
		d.add(what, Good, fmt.Sprintf("%d found", found), "")
	}
}
