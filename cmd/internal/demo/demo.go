package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/tidemark-io/tidemark/bench/events"
)

// ErrFindings is returned by Run when the comparison found anything: lost,
// doubled or changed records, unequal regions, a restore or a search that
// brought something else than was put in.
var ErrFindings = errors.New("the demo found differences")

// Options of a demo. The zero value of a field means its default.
type Options struct {
	// Events is how many records are produced, a million by default. Fewer than
	// 2,000 show nothing: there would be no middle to kill in.
	Events int
	// Dir is where everything is put: a new directory, or an empty one. By
	// default a new one among the temporary files.
	Dir string
	// JSON prints the report as one JSON object in place of the table.
	JSON bool
	// Keep lets the embedded broker run on after the report, until the context
	// ends, so that commands that need Kafka can be tried as well.
	Keep bool
	// Seed chooses the events; 1 by default. When the archiver is killed does
	// not follow from it.
	Seed uint64
	// Executable is the tidemark program to run, by default the one that is
	// running.
	Executable string
}

// minEvents leaves some batches of each partition on both sides of the kill.
const minEvents = 2_000

func (o Options) withDefaults() (Options, error) {
	if o.Events == 0 {
		o.Events = 1_000_000
	}
	if o.Events < minEvents {
		return o, fmt.Errorf("%d events are too few: want %d or more", o.Events, minEvents)
	}
	if o.Seed == 0 {
		o.Seed = 1
	}
	if o.Executable != "" {
		return o, nil
	}
	var err error
	if o.Executable, err = os.Executable(); err != nil {
		return o, fmt.Errorf("find the running program: %w", err)
	}
	return o, nil
}

// demo is one run.
type demo struct {
	opts   Options
	say    *progress
	space  *workspace
	broker *broker
	ledger *events.Ledger
	report Report
}

// Run shows everything and prints the report on stdout, progress on stderr. It
// returns nil only if every committed record is in both regions and came back
// exactly once, ErrFindings if not, and any other error if it could not finish.
func Run(ctx context.Context, opts Options, stdout, stderr io.Writer) error {
	opts, err := opts.withDefaults()
	if err != nil {
		return err
	}
	d := &demo{opts: opts, say: newProgress(stderr), ledger: events.NewLedger()}
	if d.space, err = newWorkspace(opts.Dir); err != nil {
		return err
	}
	if d.broker, err = startBroker(); err != nil {
		return err
	}
	defer d.broker.close()
	if err := d.run(ctx); err != nil {
		return fmt.Errorf("%w (everything is left in %s)", err, d.space.dir)
	}
	if err := d.report.print(stdout, opts.JSON); err != nil {
		return err
	}
	if opts.Keep {
		d.say.step("the broker at %s runs on until you press Ctrl-C", d.broker.address)
		<-ctx.Done()
	}
	if !d.report.clean() {
		return ErrFindings
	}
	return nil
}

// run tells the story.
func (d *demo) run(ctx context.Context) error {
	began := time.Now()
	d.report = Report{Dir: d.space.dir, Config: d.space.config, program: d.opts.Executable, Events: int64(d.opts.Events)}
	for _, chapter := range []func(context.Context) error{d.prepare, d.archive, d.verify, d.readRegions, d.restore, d.find} {
		if err := chapter(ctx); err != nil {
			return err
		}
	}
	d.report.Seconds = seconds(time.Since(began))
	return nil
}

// prepare makes the configuration, the keys and the two regions.
func (d *demo) prepare(ctx context.Context) error {
	d.say.step("a broker at %s, two regions in %s", d.broker.address, d.space.dir)
	if err := d.space.writeConfig(d.broker.address); err != nil {
		return err
	}
	_, err := d.tidemark(ctx, "init")
	return err
}

// verify asks tidemark whether the archive is whole.
func (d *demo) verify(ctx context.Context) error {
	d.say.step("verifying the archive")
	_, err := d.tidemark(ctx, "verify", "--json")
	refused := (*refusal)(nil)
	if errors.As(err, &refused) {
		d.report.finding("verify: %s", refused)
		return nil
	}
	d.report.Verified = err == nil
	return err
}
