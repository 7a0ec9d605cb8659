package objects_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
)

// tContext is for the child process, which has no test.
var tContext = context.Background()

const bodySize = 64 << 10

func objectName(i int) string { return fmt.Sprintf("topics/t/%d/%020d.seg", i%3, i) }

func pidBytes(pid int) []byte { return binary.BigEndian.AppendUint64(nil, uint64(pid)) }

// objectBody repeats its writer's process id, so that a torn or mixed file
// shows.
func objectBody(pid, _ int) []byte { return bytes.Repeat(pidBytes(pid), bodySize/8) }
