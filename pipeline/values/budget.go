package values

// budget is how much a tree may still grow.
type budget struct{ nodes int }

func newBudget() *budget { return &budget{maxNodes} }

// take counts one node of so many bytes of its own.
func (b *budget) take(bytes int) error {
	b.nodes -= 1 + bytes/nodeBytes
	if b.nodes < 0 {
		return ErrTooLarge
	}
	return nil
}
