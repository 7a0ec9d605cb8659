package restore

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tidemark-io/tidemark/codec/names"
)

// Plan says what a restore will do, before anything is written. It is JSON, and
// its digest covers all the rest of it.
type Plan struct {
	Version       int          `json:"version"`
	Request       Request      `json:"request"`
	RequestDigest names.Digest `json:"request_digest"`
	// To is the moment in ms. For a cut by offsets it is what the request says,
	// or when the plan was made.
	To int64 `json:"to_ms"`
	// Rule is the rule of the cut in words.
	Rule string `json:"rule"`
	// Cluster is the id of the target cluster.
	Cluster string      `json:"target_cluster"`
	Topics  []TopicPlan `json:"topics"`
	// Doubts are transactions of which it is not certain whether they were
	// complete at the moment.
	Doubts []Doubt `json:"doubtful_transactions,omitempty"`
	// Warnings are what a person should know before the plan is executed.
	Warnings []string `json:"warnings,omitempty"`
	// Refusals are the reasons why Execute will not begin; none means that it will.
	Refusals []Refusal    `json:"refusals,omitempty"`
	Digest   names.Digest `json:"digest"`
}

// rules are shown with every plan.
var rules = map[Cut]string{
	CutTime: "every record with a timestamp at or before the moment, in offset order",
	CutTransactions: "every transaction whose last commit marker is at or before the moment, whole, whatever the timestamps of its records; " +
		"outside transactions every record with a timestamp at or before the moment; in offset order",
	CutOffsets: "every record below the given offset of its partition, whatever its timestamp",
}

// TopicPlan is the part of a plan that concerns one topic.
type TopicPlan struct {
	From string `json:"from"`
	Into string `json:"into"`
	// ID is the life of the topic that comes back.
	ID names.TopicID `json:"topic_id"`
	// Lives are the other ones, which stay in the archive.
	Lives []Life `json:"other_lives,omitempty"`
	// Create is true if the target topic is not there yet.
	Create bool `json:"create"`
	// PartitionCount is that of the moment, or higher where a record that comes
	// back lies in a higher partition.
	PartitionCount int32 `json:"partition_count"`
	// MaxMessageBytes is the largest batch that the target takes.
	MaxMessageBytes int `json:"max_message_bytes"`
	// Empty is true if no record of the topic is at or before the moment.
	Empty       bool         `json:"empty,omitempty"`
	Differences []Difference `json:"differences,omitempty"`
	// Settings are the source's. They are not applied before ApplySettings.
	Settings   []Setting       `json:"source_settings,omitempty"`
	Partitions []PartitionPlan `json:"partitions"`
}

// PartitionPlan is the part of a plan that concerns one partition.
type PartitionPlan struct {
	Number int32 `json:"number"`
	// Stretches are the archived offsets that are read, in order, along the
	// newest branch. What is archived after the plan was made is not read.
	Stretches []Stretch `json:"stretches"`
	// Archived is the offset up to which the partition was archived.
	Archived int64 `json:"archived_to"`
	// Abandoned are offsets that were archived and then truncated in Kafka;
	// they stay in the archive.
	Abandoned []Stretch `json:"abandoned,omitempty"`
	Segments  []string  `json:"segments,omitempty"`
	Gaps      []Gap     `json:"gaps,omitempty"`
	// Regions tell what each region holds of the segments, the nearest first. It
	// is what their listings say; each block is read from the first that gives it.
	Regions []RegionPart `json:"regions,omitempty"`
	// Transactions is how the cut by transactions falls here; nil with any other.
	Transactions *TransactionCut `json:"transactions,omitempty"`
	// MaxRecords and MaxBytes are upper bounds; bytes are stored bytes.
	MaxRecords int64 `json:"max_records"`
	MaxBytes   int64 `json:"max_bytes"`
	// MaxTimestamp is the highest archived timestamp in ms, segment.NoTimestamp
	// where there is no record.
	MaxTimestamp int64 `json:"max_timestamp_ms"`
}

// Stretch is a run of offsets [Base, Next) of one lineage.
type Stretch struct {
	Lineage names.Lineage `json:"lineage"`
	Base    int64         `json:"base"`
	Next    int64         `json:"next"`
}

// Cause tells refusals apart.
type Cause string

// The causes of a refusal.
const (
	// CauseEmpty: no record of any topic is at or before the moment.
	CauseEmpty Cause = "before-first-record"
	// CauseInGap: offsets around the moment are missing. AllowIncomplete
	// accepts it.
	CauseInGap Cause = "inside-a-gap"
	// CauseHole: offsets are missing that no gap file explains. AllowIncomplete
	// accepts it.
	CauseHole Cause = "unexplained-hole"
	// CauseTarget: the target is not what a restore needs. AllowDifferences
	// accepts it.
	CauseTarget Cause = "target-differs"
	// CauseTargetUnusable: the target is not empty or has too few partitions.
	CauseTargetUnusable Cause = "target-unusable"
	// CauseNotArchived: the archive does not hold the topic, the partition or
	// the offset.
	CauseNotArchived Cause = "not-archived"
	// CauseBetweenLives: the topic was deleted and made again around the moment.
	// Request.Lineage chooses.
	CauseBetweenLives Cause = "between-two-lives"
	// CauseAmbiguous: it is not certain whether a transaction was complete at
	// the moment. Force accepts it.
	CauseAmbiguous Cause = "ambiguous-transaction"
)

// Refusal is a reason not to begin.
type Refusal struct {
	Cause Cause  `json:"cause"`
	Topic string `json:"topic,omitempty"`
	Text  string `json:"text"`
}

// RefusedError reports a plan that is not executed. Nothing was written.
type RefusedError struct{ Refusals []Refusal }

func (e *RefusedError) Error() string {
	texts := make([]string, len(e.Refusals))
	for i, r := range e.Refusals {
		texts[i] = r.Text
	}
	return "restore refused: " + strings.Join(texts, "; ")
}

// ErrPlanChanged reports a plan that is not the one the state file was made for.
var ErrPlanChanged = errors.New("the plan is not the one that this restore began with: use its request again, or another state file and an empty target")

// Refused returns a [RefusedError] if the plan has refusals.
func (p *Plan) Refused() error {
	if len(p.Refusals) == 0 {
		return nil
	}
	return &RefusedError{Refusals: p.Refusals}
}

// seal computes the digest.
func (p *Plan) seal() error {
	d, err := p.sum()
	p.Digest = d
	return err
}

// check recomputes the digest.
func (p *Plan) check() error {
	d, err := p.sum()
	if err != nil {
		return err
	}
	if p.Version != planVersion {
		return fmt.Errorf("check plan: version %d, this program executes version %d", p.Version, planVersion)
	}
	if d != p.Digest {
		return fmt.Errorf("check plan: its digest is %s, it says %s", d, p.Digest)
	}
	return nil
}

func (p *Plan) sum() (names.Digest, error) {
	unsealed := *p
	unsealed.Digest = names.Digest{}
	return digestJSON(unsealed)
}

// digestJSON relies on encoding/json being deterministic: struct fields in
// order, map keys sorted.
func digestJSON(v any) (names.Digest, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return names.Digest{}, fmt.Errorf("digest plan: %w", err)
	}
	return sha256.Sum256(b), nil
}

// moment prints ms since the epoch for people.
func moment(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z07:00") }

// parallel is how many partitions can be read at once: each holds one segment
// in memory, or a part of a large one.
func (p *Plan) parallel() int {
	var largest int64 = 1
	for _, t := range p.Topics {
		for _, pp := range t.Partitions {
			largest = max(largest, pp.MaxBytes/int64(max(1, len(pp.Segments))))
		}
	}
	return int(min(max(readMemory/min(largest, largestHeld), minParallel), maxParallel))
}
