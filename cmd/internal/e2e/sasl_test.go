package e2e

import (
	"bytes"
	"fmt"
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
	if code := p.wait(t, time.Minute); code != 2 {
		t.Errorf("exit %d, want 2: waiting does not mend a wrong password\n%s", code, p.tail())
	}
	if !bytes.Contains(p.tail(), []byte("SASL_AUTHENTICATION_FAILED")) {
		t.Errorf("the output does not say that it may not log in:\n%s", p.tail())
	}
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
