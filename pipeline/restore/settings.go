package restore

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

// Setup is how an archived topic was set up from a moment on. It is zero where
// nobody kept it.
type Setup struct {
	At time.Time
	// Partitions counts those that never held a record, too.
	Partitions int32
	// Settings are those that differed from the cluster's defaults.
	Settings map[string]string
}

// Setting is one of the source's topic settings. Restoring leaves them out,
// because some would delete or refuse what comes back: they are a last step of
// their own (ApplySettings).
type Setting struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	// Effect warns of what the setting would do to the records that came back;
	// empty where it does nothing to them.
	Effect string `json:"effect,omitempty"`
}

func settingsOf(source map[string]string, now time.Time) []Setting {
	var list []Setting
	for _, name := range slices.Sorted(maps.Keys(source)) {
		list = append(list, Setting{Name: name, Value: source[name], Effect: effect(name, source[name], now)})
	}
	return list
}

// effect tells what a setting does to records that are there already.
func effect(name, value string, now time.Time) string {
	n, err := strconv.ParseInt(value, 10, 64)
	switch {
	case name == "retention.ms" && err == nil && n >= 0:
		return fmt.Sprintf("deletes what is older than %s, at the next check", moment(now.UnixMilli()-n))
	case name == "retention.bytes" && err == nil && n >= 0:
		return fmt.Sprintf("deletes the oldest records of a partition beyond %d bytes", n)
	case name == "cleanup.policy" && strings.Contains(value, "compact"):
		return "removes all but the last record of each key, tombstones in time, and refuses new records without a key"
	}
	return ""
}

// countOld adds to the effect of a retention time how many of the records it
// would delete at once, as far as footers tell: those of segments that are old
// as a whole.
func (d *draft) countOld(now time.Time, wanted func(int32) bool) {
	i := slices.IndexFunc(d.Settings, func(s Setting) bool { return s.Name == "retention.ms" })
	if i < 0 || d.Settings[i].Effect == "" {
		return
	}
	kept, err := strconv.ParseInt(d.Settings[i].Value, 10, 64)
	if err != nil {
		return
	}
	var old, all int64
	for n, pp := range d.Partitions {
		for _, seg := range d.surveys[n].Segments {
			if !wanted(pp.Number) {
				continue
			}
			all += seg.Records
			if seg.MaxTimestamp < now.UnixMilli()-kept {
				old += seg.Records
			}
		}
	}
	d.Settings[i].Effect += fmt.Sprintf(": at least %d of at most %d records", old, all)
}

// ApplySettings gives the restored topics the settings of the source, as the
// plan shows them. It is a step of its own, after Execute, because it may delete
// what has just come back.
func ApplySettings(ctx context.Context, p *Plan, target *kadm.Client) error {
	for _, t := range p.Topics {
		var alter []kadm.AlterConfig
		for _, s := range t.Settings {
			alter = append(alter, kadm.AlterConfig{Op: kadm.SetConfig, Name: s.Name, Value: kadm.StringPtr(s.Value)})
		}
		for _, name := range restoreOnly(t.Settings) {
			alter = append(alter, kadm.AlterConfig{Op: kadm.DeleteConfig, Name: name})
		}
		responses, err := target.AlterTopicConfigs(ctx, alter, t.Into)
		if err != nil {
			return fmt.Errorf("set up topic %s: %w", t.Into, err)
		}
		for _, r := range responses {
			if r.Err != nil {
				return fmt.Errorf("set up topic %s: %w", t.Into, r.Err)
			}
		}
	}
	return nil
}

// restoreOnly lists what a restore set and the source did not have.
func restoreOnly(source []Setting) []string {
	var list []string
	for _, s := range settings() {
		if !slices.ContainsFunc(source, func(have Setting) bool { return have.Name == s.name }) {
			list = append(list, s.name)
		}
	}
	return list
}
