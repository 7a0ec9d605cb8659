package rollup

const (
	// maxHeld is how many small segments one roll-up is made from: a day of
	// segments of 10 s, and some. It bounds what a reader has open and what a
	// catalogue page says.
	maxHeld = 10_000

	// maxRolls is how many roll-ups one page tells of: five full ones, so that
	// a page stays below catalogue.MaxHeld.
	maxRolls = 5

	// parallel is how many small segments are looked at together: each costs
	// some small requests that wait for the store.
	parallel = 16

	// ahead is how many are looked at beyond the last one of a closed window,
	// at most.
	ahead = 64
)
