package keys

import "context"

// gate is a mutex whose wait ends with the context.
type gate chan struct{}

func newGate() gate { return make(gate, 1) }

// newGates returns a gate for each region.
func newGates(n int) []gate {
	g := make([]gate, n)
	for i := range g {
		g[i] = newGate()
	}
	return g
}

func (g gate) enter(ctx context.Context) error {
	select {
	case g <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (g gate) leave() { <-g }
