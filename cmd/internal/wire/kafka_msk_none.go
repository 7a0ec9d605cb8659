//go:build nocloud

package wire

import (
	"errors"

	"github.com/twmb/franz-go/pkg/sasl"

	"github.com/tidemark-io/tidemark/cmd/internal/config"
)

func mskIAM() (sasl.Mechanism, error) {
	return nil, &config.Error{Key: "kafka.sasl.mechanism", Err: errors.New("this program was built without the clouds' clients (tag nocloud)")}
}
