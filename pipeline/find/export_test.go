package find

import "testing"

// SetFewNames makes a row of more than few names a long one, of which the last
// are listed, for one test.
func SetFewNames(t *testing.T, few, last int) {
	oldFew, oldLast := fewNames, overlap
	fewNames, overlap = few, last
	t.Cleanup(func() { fewNames, overlap = oldFew, oldLast })
}
