package restore

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/tidemark-io/tidemark/codec/names"
	"github.com/tidemark-io/tidemark/pipeline/durable"
)

// state is what a restore must not forget. It is written twice: before the
// first topic is created, and before the first batch is produced. How far the
// restore came is not in it; the target knows.
type state struct {
	Plan          *Plan `json:"plan"`
	ProducerID    int64 `json:"producer_id"`
	ProducerEpoch int16 `json:"producer_epoch"`
	// Topics are the ids of the target topics, by name. While there are none
	// nothing was produced.
	Topics map[string]names.TopicID `json:"topics,omitempty"`
}

// Unfinished returns the plan of the restore that the state file belongs to, if
// it was made for the same request: execute that plan again, for a new one
// would find the target half full. It is nil, without an error, if there is no
// state file, and [ErrPlanChanged] if the request is another one.
func Unfinished(file string, req Request) (*Plan, error) {
	s, err := loadState(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	digest, err := req.digest()
	if err != nil {
		return nil, err
	}
	if digest != s.Plan.RequestDigest {
		return nil, fmt.Errorf("state file %s: %w", file, ErrPlanChanged)
	}
	return s.Plan, nil
}

// loadState returns [fs.ErrNotExist] if there is none.
func loadState(file string) (*state, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read state file: %w", err)
	}
	var s state
	if err := json.Unmarshal(b, &s); err != nil {
		return nil, fmt.Errorf("read state file %s: %w", file, err)
	}
	if s.Plan == nil {
		return nil, fmt.Errorf("read state file %s: it holds no plan", file)
	}
	if err := s.Plan.check(); err != nil {
		return nil, fmt.Errorf("read state file %s: %w", file, err)
	}
	return &s, nil
}

// save replaces the state file as a whole and returns after it would survive a
// power cut.
func (s *state) save(file string) error {
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("write state file: %w", err)
	}
	if err := durable.Replace(file, append(b, '\n')); err != nil {
		return fmt.Errorf("write state file: %w", err)
	}
	return nil
}
