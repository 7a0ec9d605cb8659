package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/tidemark-io/tidemark/cmd/internal/config"
)

// hostile begins a line of its own, clears a terminal by ESC and by the C1
// control CSI, and turns the direction of the text.
const hostile = "x\n{\"level\":\"INFO\",\"msg\":\"all is well\"}\r\x1b[2J\u009b2J\u202e\x7f\x00\xff\U000e0001 level=INFO"

// Whatever a topic is called and a record holds, a log line is one
// line, and nothing in it steers a terminal.
func TestLogLinesCannotBeForged(t *testing.T) {
	for _, format := range []config.LogFormat{config.LogJSON, config.LogText} {
		var out bytes.Buffer
		log := NewLogger(&out, config.Telemetry{LogFormat: format, LogLevel: config.LevelInfo})
		log.With(hostile, hostile).WithGroup(hostile).Error(hostile, "topic", hostile, "error", errors.New(hostile),
			"list", []string{hostile}, "bytes", []byte(hostile), hostile, 1)
		line, rest, _ := strings.Cut(out.String(), "\n")
		if rest != "" {
			t.Errorf("%s: more than one line: %q", format, out.String())
		}
		for _, r := range line {
			if !unicode.IsPrint(r) {
				t.Errorf("%s: %U went through: %q", format, r, line)
			}
		}
		var v map[string]any
		if err := json.Unmarshal([]byte(line), &v); format == config.LogJSON && (err != nil || v["level"] != "ERROR") {
			t.Errorf("not the line that was written: %v %q", err, line)
		}
	}
}

func TestPrintableTextIsUntouched(t *testing.T) {
	var out bytes.Buffer
	NewLogger(&out, config.Telemetry{}).Info("Grüße, 世界 🙂")
	if !strings.Contains(out.String(), "Grüße, 世界 🙂") {
		t.Errorf("got %s", out.String())
	}
}

func TestLogLevel(t *testing.T) {
	var out bytes.Buffer
	log := NewLogger(&out, config.Telemetry{LogLevel: config.LevelWarn})
	log.Info("quiet")
	kafkaLog{log}.Log(kgo.LogLevelInfo, "quiet")
	kafkaLog{log}.Log(kgo.LogLevelWarn, "loud", "broker", 1)
	if s := out.String(); strings.Contains(s, "quiet") || !strings.Contains(s, `"component":"kafka","broker":1`) {
		t.Errorf("got %s", s)
	}
	if got := (kafkaLog{log}).Level(); got != kgo.LogLevelWarn {
		t.Errorf("franz-go is asked for %s", got)
	}
}
