package objects_test

import (
	"testing"

	"github.com/tidemark-io/tidemark/sinks/objects"
	"github.com/tidemark-io/tidemark/sinks/objects/objectstest"
)

func TestS3(t *testing.T) {
	for name, o := range map[string]objectstest.S3Options{
		"plain": {}, "versions": {Versioning: true}, "lock": {ObjectLock: true},
	} {
		t.Run(name, func(t *testing.T) {
			objectstest.Run(t, func(t *testing.T) objects.Store { return objectstest.NewS3(t, o).Open(t) })
		})
	}
}
