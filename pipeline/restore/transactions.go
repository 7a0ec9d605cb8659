package restore

import (
	"cmp"
	"slices"

	"github.com/tidemark-io/tidemark/codec/recordbatch"
)

// TransactionCut is how the cut by transactions falls in one partition. Batches
// outside transactions do not go by it.
type TransactionCut struct {
	// From is the offset from which on no transaction comes back; below it all
	// do but those in Out.
	From int64 `json:"from"`
	// Out are sorted by producer, epoch and base.
	Out []Transaction `json:"out,omitempty"`
}

// Transaction is a part of a transaction: what one producer wrote in the offsets
// [Base, Next) of a partition with an epoch.
type Transaction struct {
	Producer int64 `json:"producer_id"`
	Epoch    int16 `json:"producer_epoch"`
	Base     int64 `json:"base"`
	Next     int64 `json:"next"`
}

func compareTransactions(a, b Transaction) int {
	return cmp.Or(cmp.Compare(a.Producer, b.Producer), cmp.Compare(a.Epoch, b.Epoch), cmp.Compare(a.Base, b.Base))
}

// leavesOut decides about a batch of a transaction.
func (c *TransactionCut) leavesOut(h recordbatch.Header) bool {
	if h.LastOffset() >= c.From {
		return true
	}
	this := Transaction{Producer: h.ProducerID, Epoch: h.ProducerEpoch, Base: h.BaseOffset}
	i, exact := slices.BinarySearchFunc(c.Out, this, compareTransactions)
	if !exact {
		i--
	}
	if i < 0 {
		return false
	}
	t := c.Out[i]
	return t.Producer == h.ProducerID && t.Epoch == h.ProducerEpoch && h.BaseOffset < t.Next
}
