package keys

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/tidemark-io/tidemark/codec/block"
	"github.com/tidemark-io/tidemark/codec/names"
)

// TestCanary plants known secrets, prints everything that holds one in every
// way there is, provokes errors and logs, and looks for the secrets.
func TestCanary(t *testing.T) {
	r := newRig(t)
	var out bytes.Buffer
	logs := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	jsonLogs := slog.New(slog.NewJSONHandler(&out, nil))
	w, err := NewWriter(r.signer, r.trust, r.regions, Options{Slots: 2, Now: func() time.Time { return r.now }, Logger: logs})
	if err != nil {
		t.Fatal(err)
	}
	secret := block.Secret(bytes.Repeat([]byte{0xc5}, 32))
	kekKey := key(bytes.Repeat([]byte{0xa7}, 32))
	w.current, w.searched = &kek{id: names.KEKID{1}, created: r.now, key: kekKey}, r.now
	p := w.newPage()
	p.secrets[0], p.secrets[1] = secret, secret
	w.filling = p
	next(t, w)
	ensure(t, w, p.id)
	ring := r.ring(0)
	if got, err := ring.Secret(t.Context(), p.id, 1); err != nil || got != secret {
		t.Fatalf("the canary is not in place: %v", err)
	}
	cached, _ := ring.kek(t.Context(), names.KEKID{1})
	for _, v := range []any{w, ring, w.rings[0], kekKey, &kekKey, secret, cached.key, cached, p, struct{ K *Ring }{ring}, p.kek.key} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%x", "%X", "%s", "%q", "%d"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		logs.Info("value", "v", v)
		jsonLogs.Info("value", "v", v)
		_ = json.NewEncoder(&out).Encode(v)
	}
	r.stores[1].put(names.KEK(names.KEKID{1}), r.stores[0].file(t, names.KEK(names.KEKID{1})))
	_, err = r.ring(1).Secret(t.Context(), p.id, 0)
	fmt.Fprintf(&out, "%v %+v %#v\n", err, err, err)
	r.kms[0].fail(errService)
	fmt.Fprintln(&out, r.writer(t).Ensure(t.Context(), "a", next(t, w).page))
	list, err := List(t.Context(), r.trust, r.regions)
	fmt.Fprintf(&out, "%+v %v\n", list, err)
	noCanary(t, out.String(), secret[:], kekKey[:])
	for i := range r.stores {
		for name, file := range r.stores[i].files {
			noCanary(t, name+string(file), secret[:], kekKey[:])
		}
	}
	if strings.Contains(out.String(), "token=hidden") || !strings.Contains(out.String(), redacted) {
		t.Errorf("the KMS URL's query was printed, or nothing was redacted:\n%s", out.String())
	}
}

func noCanary(t *testing.T, text string, secrets ...[]byte) {
	t.Helper()
	for _, s := range secrets {
		part := s[:8]
		decimal := strings.Trim(fmt.Sprint(part), "[]")
		for _, form := range []string{string(part), hex.EncodeToString(part), strings.ToUpper(hex.EncodeToString(part)),
			base64.StdEncoding.EncodeToString(part)[:8], decimal, strings.ReplaceAll(decimal, " ", ","), fmt.Sprintf("%#x, %#x", part[0], part[0])} {
			if strings.Contains(text, form) {
				t.Errorf("found the canary as %q in\n%s", form, text)
			}
		}
	}
}
