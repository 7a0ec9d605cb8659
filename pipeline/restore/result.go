package restore

// Progress is how far a restore has come.
type Progress struct {
	// Records are in the target, those of earlier runs included. MaxRecords is
	// the plan's upper bound for them.
	Records    int64 `json:"records"`
	MaxRecords int64 `json:"max_records"`
	// Bytes were produced by this run.
	Bytes int64 `json:"bytes"`
	// Done of so many Partitions are complete.
	Done       int `json:"done"`
	Partitions int `json:"partitions"`
}

// Result is what a finished restore reports.
type Result struct {
	// Records and Bytes came back, in this run or in earlier ones.
	Records    int64             `json:"records"`
	Bytes      int64             `json:"bytes"`
	Partitions []PartitionResult `json:"partitions"`
}

// PartitionResult is what came back of one partition.
type PartitionResult struct {
	From   string `json:"from"`
	Into   string `json:"into"`
	Number int32  `json:"number"`
	// Records and Bytes are in the target. Records is its end offset, too.
	Records int64 `json:"records"`
	Bytes   int64 `json:"bytes"`
	// Resumed of the records had been brought by earlier runs.
	Resumed int64 `json:"resumed,omitempty"`
	// FirstOffset and LastOffset are the archived offsets of the first and last
	// record; -1 where there is none.
	FirstOffset int64 `json:"first_offset"`
	LastOffset  int64 `json:"last_offset"`
	// Gaps are archived offsets that were known to be missing.
	Gaps []Gap `json:"gaps,omitempty"`
}

func (r *PartitionResult) count(c cut) {
	if r.Records == 0 {
		r.FirstOffset = c.first
	}
	r.LastOffset = c.last
	r.Records += int64(c.count)
	r.Bytes += int64(len(c.bytes))
}

func (x *execution) result(lanes []*lane) Result {
	var r Result
	for _, l := range lanes {
		r.Records += l.result.Records
		r.Bytes += l.result.Bytes
		r.Partitions = append(r.Partitions, l.result)
	}
	return r
}

func (x *execution) skipped(records int64) {
	x.report(func(p *Progress) { p.Records += records })
}

func (x *execution) acknowledged(item loaded) {
	x.report(func(p *Progress) {
		p.Records += int64(item.count)
		p.Bytes += int64(len(item.batch))
	})
}

func (x *execution) finished(err error) {
	if err == nil {
		x.report(func(p *Progress) { p.Done++ })
	}
}

func (x *execution) report(change func(*Progress)) {
	x.mu.Lock()
	defer x.mu.Unlock()
	change(&x.progress)
	x.options.Progress(x.progress)
}
