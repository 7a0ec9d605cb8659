package capacity

import "fmt"

// mostPartitions is where the search for partitions ends.
const mostPartitions = 10_000_000

// LargestPartitions returns the largest number of partitions, all else as in
// the workload, that costs no more than a budget a month at full retention and
// fits into the memory of the machines. It is 0 where even the least, one for
// each instance, does not.
func LargestPartitions(p Profile, w Workload, prices Prices, budget float64) (int, error) {
	if !(budget > 0) {
		return 0, fmt.Errorf("search for partitions: a budget of %g a month buys nothing", budget)
	}
	within := func(n int) (bool, error) {
		w.Partitions = n
		plan, err := Make(p, w, prices)
		return err == nil && plan.Full <= budget && plan.MemoryEach <= float64(w.Machine.Memory), err
	}
	low, high := max(w.Machine.AtLeast, int(w.Hottest+0.999)), mostPartitions
	if ok, err := within(low); err != nil || !ok {
		return 0, err
	}
	for low < high { // low is within, what is above high is not
		middle := low + (high-low+1)/2
		ok, err := within(middle)
		if err != nil {
			return 0, err
		}
		if ok {
			low = middle
		} else {
			high = middle - 1
		}
	}
	return low, nil
}
