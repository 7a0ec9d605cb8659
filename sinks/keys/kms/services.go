package kms

// Each of these registers its URL scheme with gocloud.dev/secrets, whose
// default openers find the vendor's credentials; their types are not exported,
// so this import is the only way to them.
import (
	_ "gocloud.dev/secrets/awskms"
	_ "gocloud.dev/secrets/azurekeyvault"
	_ "gocloud.dev/secrets/gcpkms"
	_ "gocloud.dev/secrets/hashivault"
)
