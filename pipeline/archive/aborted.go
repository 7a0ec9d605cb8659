package archive

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/tidemark-io/tidemark/codec/recordbatch"
)

// aborted decides which batches of one fetch response are not to be read, by
// the list of aborted transactions that came with it (KIP-98). The list
// belongs to that response alone: nothing is carried over to the next.
type aborted struct {
	starts map[int64][]int64 // producer id → first offsets of its aborted transactions, ascending
	open   map[int64]bool    // producers inside an aborted transaction
}

func newAborted(list []kmsg.FetchResponseTopicPartitionAbortedTransaction) aborted {
	if len(list) == 0 {
		return aborted{}
	}
	a := aborted{starts: map[int64][]int64{}, open: map[int64]bool{}}
	for _, t := range list {
		a.starts[t.ProducerID] = append(a.starts[t.ProducerID], t.FirstOffset)
	}
	for _, s := range a.starts {
		slices.Sort(s)
	}
	return a
}

// drops reports whether a batch is not part of the archive: data of an aborted
// transaction, and the marker that ended it. Markers that commit are kept, for
// they say when a transaction took effect.
func (a aborted) drops(h recordbatch.Header, batch []byte) (bool, error) {
	if !h.IsTransactional() {
		return false, nil
	}
	a.enter(h)
	if !h.IsControl() {
		return a.open[h.ProducerID], nil
	}
	kind, _, err := recordbatch.ParseControl(batch)
	if err != nil || kind != recordbatch.ControlAbort {
		return false, err
	}
	delete(a.open, h.ProducerID)
	return true, nil
}

// enter notes the transactions of the batch's producer that began at or before
// its last offset.
func (a aborted) enter(h recordbatch.Header) {
	s := a.starts[h.ProducerID]
	n := 0
	for n < len(s) && s[n] <= h.LastOffset() {
		n++
	}
	if n > 0 {
		a.open[h.ProducerID] = true
		a.starts[h.ProducerID] = s[n:]
	}
}
