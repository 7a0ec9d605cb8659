package block

import "errors"

// ErrDamaged means that the bytes are not those that were sealed, or not in
// the place they were sealed for. Another copy may be sound.
var ErrDamaged = errors.New("damaged; use another copy")

// ErrWrongKey means that the bytes may be sound, but the key is not theirs.
var ErrWrongKey = errors.New("wrong key; look for the secret in the key page and slot that the header names")
