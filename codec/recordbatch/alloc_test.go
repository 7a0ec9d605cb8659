package recordbatch

import "testing"

func TestNextDoesNotAllocate(t *testing.T) {
	batch := orders(t, CodecZstd)
	n := testing.AllocsPerRun(100, func() {
		if _, _, _, err := Next(batch); err != nil {
			t.Error(err)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// A batch may cost a few allocations in a codec's library; its 200 records must
// cost none.
func TestReadingDoesNotAllocatePerRecord(t *testing.T) {
	const perBatch = 4
	for _, codec := range allCodecs {
		d, batch := NewDecoder(0), orders(t, codec)
		keys := testing.AllocsPerRun(20, func() {
			for _, err := range d.Keys(batch) {
				if err != nil {
					t.Error(err)
				}
			}
		})
		records := testing.AllocsPerRun(20, func() {
			for _, err := range d.Records(batch) {
				if err != nil {
					t.Error(err)
				}
			}
		})
		if keys > perBatch || records > perBatch {
			t.Errorf("%v: %v allocations for the keys of a batch, %v for its records", codec, keys, records)
		}
	}
}
