package events

// snowflakeEpoch is when the ids begin to count, 2020-01-01 UTC in ms.
const snowflakeEpoch = 1_577_836_800_000

// snowflake makes ids of 41 bits of time, 10 of the machine and 12 of a
// sequence, each above the one before.
type snowflake struct {
	node int64
	last int64
}

// next makes the id of a moment in ms. More than 4,096 ids in a millisecond, or
// a moment that goes back, borrow from the time to come.
func (s *snowflake) next(at int64) int64 {
	first := (at-snowflakeEpoch)<<22 | s.node<<12
	switch {
	case first > s.last:
		s.last = first
	case s.last&4095 == 4095:
		s.last += 1<<22 - 4095
	default:
		s.last++
	}
	return s.last
}

// mix is the finaliser of SplitMix64: it turns near numbers into far ones.
func mix(v uint64) uint64 {
	v += 0x9e3779b97f4a7c15
	v = (v ^ v>>30) * 0xbf58476d1ce4e5b9
	v = (v ^ v>>27) * 0x94d049bb133111eb
	return v ^ v>>31
}
