//go:build !nocloud

package kms

// Each of these registers its URL scheme with gocloud.dev/secrets, whose
// default openers find the vendor's credentials; their types are not exported,
// so this import is the only way to them. The build tag nocloud leaves them
// out: the vendors' clients are most of what there is to compile, and a demo
// on one machine needs none of them.
import (
	_ "gocloud.dev/secrets/awskms"
	_ "gocloud.dev/secrets/azurekeyvault"
	_ "gocloud.dev/secrets/gcpkms"
	_ "gocloud.dev/secrets/hashivault"
)

// services are the schemes of the vendors' services.
func services() []string { return []string{"awskms", "gcpkms", "azurekeyvault", "hashivault"} }
