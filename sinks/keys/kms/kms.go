// Package kms opens a key management service by its URL:
//
//	local:///etc/tidemark/kms.key               a key in a file; no service needed
//	awskms://alias/tidemark?region=eu-west-1    AWS KMS
//	gcpkms://projects/P/locations/L/keyRings/R/cryptoKeys/K
//	azurekeyvault://VAULT.vault.azure.net/keys/NAME
//	hashivault://NAME                           Vault's transit engine
//
// Credentials are found as each vendor's own tools find them. It stands apart
// from package keys because the vendors' clients are large: whoever only
// reads and writes key pages, tests above all, need not compile them.
package kms

import (
	"context"
	"fmt"
	"net/url"

	"gocloud.dev/secrets"

	"github.com/tidemark-io/tidemark/sinks/keys"
)

// Schemes are the schemes of URLs that Open understands.
func Schemes() []string {
	return append([]string{keys.LocalScheme}, services()...)
}

// OpenKeeper opens the KMS key that rawURL names. Most services are only
// asked when the keeper is used, so nil does not say that the key exists. The
// error repeats neither query nor user of the URL. The caller closes the keeper.
func OpenKeeper(ctx context.Context, rawURL string) (*secrets.Keeper, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, fmt.Errorf("open KMS: the URL cannot be parsed")
	}
	if u.Scheme == keys.LocalScheme {
		return keys.OpenLocal(u)
	}
	if !secrets.DefaultURLMux().ValidKeeperScheme(u.Scheme) {
		return nil, fmt.Errorf("open KMS: scheme %q is unknown, want one of %v", u.Scheme, Schemes())
	}
	k, err := secrets.DefaultURLMux().OpenKeeperURL(ctx, u)
	if err != nil {
		return nil, fmt.Errorf("open KMS %s: %w", u.Scheme, err)
	}
	return classified(k), nil
}
