package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/tidemark-io/tidemark/cmd/internal/config"
	"github.com/tidemark-io/tidemark/cmd/internal/ui"
	"github.com/tidemark-io/tidemark/pipeline/cover"
	"github.com/tidemark-io/tidemark/pipeline/marks"
	"github.com/tidemark-io/tidemark/pipeline/restore"
)

// requestFlags say what comes back: topics, and the cut.
type requestFlags struct {
	to, cut, mark, offsets string
	topics                 []string
	all                    bool
	suffix                 string
	partitions             []int32
	lineages               []string
	originHeader           string
	replicas               int16
	incomplete             bool
	differences            bool
	force                  bool
	window                 config.Duration
	splitBatches           bool
}

func (f *requestFlags) flags(fs *pflag.FlagSet) {
	fs.StringVar(&f.to, "to", "", "the moment, as `TIME`")
	fs.StringVar(&f.cut, "cut", "", "what belongs to the moment: time, the default, or transactions")
	fs.StringVar(&f.mark, "mark", "", "exactly what was archived at a mark, as `TIME or name`; see tidemark marks")
	fs.StringVar(&f.offsets, "offsets", "", "exactly what lies below these offsets: JSON `file`, {\"topic\": {\"0\": 4711}}")
	fs.StringArrayVar(&f.topics, "topic", nil, "restore topic A into topic B, as `A=B`, or A under its own name; may be repeated")
	fs.BoolVar(&f.all, "all-topics", false, "restore every archived topic")
	fs.StringVar(&f.suffix, "suffix", "", "put `text` behind the names of topics that --topic or --all-topics gives no other name")
	fs.Int32SliceVar(&f.partitions, "partition", nil, "only these partitions")
	fs.StringArrayVar(&f.lineages, "lineage", nil, "an older life of a topic that was made again, as `topic=id`; may be repeated")
	fs.StringVar(&f.originHeader, "origin-header", "", "add a header of this `name` with the archived partition and offset to every record")
	fs.Int16Var(&f.replicas, "replication-factor", 0, "of topics that are created; 0 is the cluster's default")
	fs.BoolVar(&f.incomplete, "allow-incomplete", false, "accept a moment that the archive cannot wholly vouch for")
	fs.BoolVar(&f.differences, "allow-differences", false, "accept target settings that differ from what a restore needs")
	fs.BoolVar(&f.force, "force", false, "accept transactions of which it is not certain whether they were complete at the moment; the plan says how each is taken")
	fs.Var(textValue{&f.window}, "transaction-window", "how far from the moment parts of a transaction are looked for (default: 15m, as brokers' transaction.max.timeout.ms)")
	fs.BoolVar(&f.splitBatches, "split-batches", false, "let batches that the target does not take come back as several")
}

// given reports whether any flag says what to bring back: then there is no
// saved plan to execute.
func (f *requestFlags) given() bool {
	return f.to != "" || f.cut != "" || f.mark != "" || f.offsets != "" || len(f.topics) > 0 || f.all
}

// checkCut refuses flags that contradict each other.
func (f *requestFlags) checkCut() error {
	exact := 0
	for _, set := range []bool{f.to != "", f.mark != "", f.offsets != ""} {
		if set {
			exact++
		}
	}
	switch {
	case exact == 0:
		return errors.New("say up to where: --to TIME, --mark or --offsets FILE")
	case exact > 1:
		return errors.New("--to, --mark and --offsets exclude each other")
	case f.cut != "" && f.to == "":
		return errors.New("--cut goes with --to: a mark and offsets are exact by themselves")
	case len(f.topics) == 0 && !f.all:
		return errors.New("name topics with --topic A=B, or take --all-topics")
	case f.to == "":
		return nil
	}
	_, err := ui.ParseTime(f.to)
	return err
}

// request makes a restore's request of the flags. The archive is asked for the
// topics it holds, and for the mark.
func (f *requestFlags) request(ctx context.Context, a *cover.Archive, stdin io.Reader) (restore.Request, error) {
	req := restore.Request{
		Cut: restore.Cut(f.cut), Topics: map[string]string{}, Lineage: map[string]string{}, Partitions: f.partitions,
		ReplicationFactor: f.replicas, OriginHeader: f.originHeader,
		AllowIncomplete: f.incomplete, AllowDifferences: f.differences, Force: f.force, Window: f.window.Std(), Split: f.splitBatches,
	}
	if err := f.chooseTopics(ctx, a, &req); err != nil {
		return req, err
	}
	for _, l := range f.lineages {
		topic, id, ok := strings.Cut(l, "=")
		if !ok {
			return req, usage(fmt.Errorf("--lineage %s: want topic=id", l))
		}
		req.Lineage[topic] = id
	}
	if err := f.chooseCut(ctx, a, &req, stdin); err != nil {
		return req, err
	}
	if err := req.Validate(); err != nil {
		return req, usage(err)
	}
	return req, nil
}

// chooseTopics takes those that are named, or all.
func (f *requestFlags) chooseTopics(ctx context.Context, a *cover.Archive, req *restore.Request) error {
	for _, t := range f.topics {
		from, into, ok := strings.Cut(t, "=")
		if !ok {
			into = from + f.suffix
		}
		if req.Topics[from] != "" {
			return usage(fmt.Errorf("--topic %s: named twice", from))
		}
		req.Topics[from] = into
	}
	if !f.all {
		return nil
	}
	archived, err := a.Partitions(ctx, "")
	if err != nil {
		return fmt.Errorf("list archived topics: %w", err)
	}
	if len(archived) == 0 {
		return refused(errors.New("the archive holds no topic"))
	}
	for _, p := range archived {
		if req.Topics[p.Topic] == "" {
			req.Topics[p.Topic] = p.Topic + f.suffix
		}
	}
	return nil
}

func (f *requestFlags) chooseCut(ctx context.Context, a *cover.Archive, req *restore.Request, stdin io.Reader) (err error) {
	switch {
	case f.mark != "":
		return f.cutAtMark(ctx, a, req)
	case f.offsets != "":
		req.Cut = restore.CutOffsets
		req.Offsets, err = readOffsets(f.offsets, stdin)
	default:
		req.To, err = ui.ParseTime(f.to)
	}
	if err != nil {
		return usage(err)
	}
	return nil
}

// cutAtMark takes the tails of a mark for the offsets, and the lives that topics
// were in.
func (f *requestFlags) cutAtMark(ctx context.Context, a *cover.Archive, req *restore.Request) error {
	mark, err := f.markOf(ctx, a)
	if err != nil {
		return err
	}
	tails, lives := mark.Offsets(), mark.Lives()
	req.Cut, req.To, req.Offsets = restore.CutOffsets, mark.At, map[string]map[int32]int64{}
	for topic := range req.Topics {
		if tails[topic] == nil {
			return refused(fmt.Errorf("the mark of %s says nothing of topic %s: see tidemark marks --topic %s for those that do",
				mark.At.UTC().Format(time.RFC3339Nano), topic, topic))
		}
		req.Offsets[topic] = tails[topic]
		if req.Lineage[topic] == "" {
			req.Lineage[topic] = lives[topic].String()
		}
	}
	return nil
}

func (f *requestFlags) markOf(ctx context.Context, a *cover.Archive) (mark *marks.Mark, err error) {
	if at, notTime := ui.ParseTime(f.mark); notTime == nil {
		mark, err = marks.At(ctx, a, at, marks.Options{})
	} else {
		mark, err = marks.Named(ctx, a, f.mark, marks.Options{})
	}
	var none *marks.NoMarkError
	if errors.As(err, &none) {
		err = refused(err)
	}
	return mark, err
}

// readOffsets reads where each partition ends: {"topic": {"0": 4711}}.
func readOffsets(file string, stdin io.Reader) (map[string]map[int32]int64, error) {
	text, err := readInput(file, stdin)
	if err != nil {
		return nil, fmt.Errorf("read offsets: %w", err)
	}
	var offsets map[string]map[int32]int64
	if err := json.Unmarshal(text, &offsets); err != nil {
		return nil, fmt.Errorf("read offsets: %s: %w: want {\"topic\": {\"0\": 4711}}, with the first offset of each partition that does not come back", file, err)
	}
	if len(offsets) == 0 {
		return nil, fmt.Errorf("read offsets: %s names no topic", file)
	}
	return offsets, nil
}
