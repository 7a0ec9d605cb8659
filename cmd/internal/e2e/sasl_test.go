package e2e

import (
	"bytes"
	"fmt"
	"syscall"
	"testing"
	"time"
)

// testSASL: PLAIN with the right password archives; with a wrong one it says so, and never says the password.
func testSASL(t *testing.T, w *world) {
	w.makeTopic(t, "guarded", 1, nil)
	w.produce(t, "guarded", 0, 50)
	a := w.newArchive(t, "guarded", "guarded")
	login := func(password string) string {
		return fmt.Sprintf("  sasl:\n    mechanism: PLAIN\n    username: %s\n    password: %s\n", saslUser, password)
	}
	const wrong = "a-wrong-canary"
	a.write(t, a.text(w.kafka.BootstrapOf(saslListener), login(wrong)))
	p := a.member(t, "stranger")
	until(t, 20*time.Second, "the archiver says that it may not log in", func() bool {
		return bytes.Contains(p.tail(), []byte("SASL_AUTHENTICATION_FAILED"))
	})
	p.signal(syscall.SIGTERM)
	t.Logf("wrong password: exit %d", p.wait(t, 30*time.Second))
	if bytes.Contains(p.tail(), []byte(wrong)) {
		t.Errorf("the password is in the output:\n%s", p.tail())
	}

	a.write(t, a.text(w.kafka.BootstrapOf(saslListener), login(saslPassword)))
	o := a.must(t, "archive", "--until-caught-up")
	if bytes.Contains(append(o.stdout, o.stderr...), []byte(saslPassword)) {
		t.Error("the password is in the output")
	}
	a.expectOffsets(t, "guarded", 50)
}
