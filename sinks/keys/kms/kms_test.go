//go:build !nocloud

package kms

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/smithy-go"
	"gocloud.dev/gcerrors"
	"gocloud.dev/secrets"

	"github.com/tidemark-io/tidemark/sinks/keys"
)

func TestSchemes(t *testing.T) {
	for _, s := range Schemes() {
		if s != keys.LocalScheme && !secrets.DefaultURLMux().ValidKeeperScheme(s) {
			t.Errorf("%s is not compiled in", s)
		}
	}
}

func TestOpenLocal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kms.key")
	if _, err := OpenKeeper(t.Context(), "local://"+path); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("without a file: %v", err)
	}
	if err := keys.CreateLocalKey(path); err != nil {
		t.Fatal(err)
	}
	k, err := OpenKeeper(t.Context(), "local://"+path)
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestOpenRefused(t *testing.T) {
	for _, u := range []string{"base64key://", "", "kms.key", "awskms://x?nosuch=1", "http://user:hidden@host/\x7f"} {
		k, err := OpenKeeper(t.Context(), u)
		if err == nil || k != nil || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%q: %v", u, err)
		}
	}
}

// vault answers like Vault's transit engine, or as it is told.
type vault struct {
	status int
	hang   chan struct{}
}

func (v *vault) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if v.hang != nil {
		<-v.hang
	}
	if v.status != 0 {
		w.WriteHeader(v.status)
		return
	}
	var in map[string]string
	_ = json.NewDecoder(r.Body).Decode(&in)
	field, text := "ciphertext", "vault:v1:"+in["plaintext"]
	if strings.Contains(r.URL.Path, "/decrypt/") {
		field, text = "plaintext", strings.TrimPrefix(in["ciphertext"], "vault:v1:")
	}
	fmt.Fprintf(w, `{"data":{%q:%q}}`, field, text)
}

// openVault must not run twice in one process: gocloud dials once.
func openVault(t *testing.T, v *vault) *secrets.Keeper {
	t.Helper()
	server := httptest.NewServer(v)
	t.Cleanup(server.Close)
	t.Setenv("VAULT_ADDR", server.URL)
	t.Setenv("VAULT_TOKEN", "token")
	t.Setenv("VAULT_MAX_RETRIES", "0")
	k, err := OpenKeeper(t.Context(), "hashivault://tidemark")
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestVault(t *testing.T) {
	v := &vault{}
	k := openVault(t, v)
	sealed, err := k.Encrypt(t.Context(), []byte("kek"))
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := k.Decrypt(t.Context(), sealed); err != nil || string(plain) != "kek" {
		t.Fatalf("got %q, %v", plain, err)
	}
	for status, want := range map[int]gcerrors.ErrorCode{
		400: gcerrors.InvalidArgument, 403: gcerrors.PermissionDenied, 404: gcerrors.NotFound,
		429: gcerrors.ResourceExhausted, 500: gcerrors.Unknown, 503: gcerrors.Unknown,
		204: gcerrors.Unknown, // without the guard, the driver's panic ends the process
	} {
		v.status = status
		if _, err := k.Encrypt(t.Context(), []byte("kek")); err == nil || gcerrors.Code(err) != want {
			t.Errorf("status %d: code %v of %v, want %v", status, gcerrors.Code(err), err, want)
		}
	}
	v.status, v.hang = 0, make(chan struct{})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := k.Decrypt(ctx, sealed); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a service that hangs: %v", err)
	}
	close(v.hang)
}

func TestAWSCodes(t *testing.T) {
	for code, want := range map[string]gcerrors.ErrorCode{
		"AccessDeniedException": gcerrors.PermissionDenied,
		"IncorrectKeyException": gcerrors.InvalidArgument,
		"ThrottlingException":   gcerrors.ResourceExhausted,
		"SomethingNew":          gcerrors.Unknown,
	} {
		err := fmt.Errorf("operation: %w", &smithy.GenericAPIError{Code: code})
		if got := (keeper{}).ErrorCode(err); got != want {
			t.Errorf("%s: %v, want %v", code, got, want)
		}
	}
}
