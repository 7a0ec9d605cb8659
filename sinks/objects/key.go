package objects

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// CheckKey reports whether key can be an object's name in every store: parts
// of 1 to 255 bytes from [A-Za-z0-9._=+@-], separated by single slashes, none of
// them "." or "..", 896 bytes in all. The error is fs.ErrInvalid. Callers build
// names that pass; the check stands where a name would become a path, so that no
// name climbs out, however it got here.
func CheckKey(key string) error {
	if len(key) > maxKey {
		return fmt.Errorf("key of %d bytes: want at most %d: %w", len(key), maxKey, fs.ErrInvalid)
	}
	for part := range strings.SplitSeq(key, "/") {
		if err := checkPart(part); err != nil {
			return fmt.Errorf("key %q: %w: %w", key, err, fs.ErrInvalid)
		}
	}
	return nil
}

// checkPrefix is CheckKey for the beginning of a key, which may be empty and
// may end anywhere.
func checkPrefix(prefix string) error {
	dir, last := splitDir(prefix)
	if dir != "" {
		if err := CheckKey(strings.TrimSuffix(dir, "/")); err != nil {
			return err
		}
	}
	if last == "" || last == "." || last == ".." {
		return nil
	}
	return CheckKey(last)
}

// splitDir cuts a key after its last slash.
func splitDir(key string) (dir, last string) {
	i := strings.LastIndexByte(key, '/')
	return key[:i+1], key[i+1:]
}

func checkPart(part string) error {
	switch {
	case part == "":
		return errors.New("an empty part")
	case part == "." || part == "..":
		return errors.New("a part that climbs")
	case len(part) > maxPart:
		return fmt.Errorf("a part of %d bytes: want at most %d", len(part), maxPart)
	}
	for i := range len(part) {
		if !allowed(part[i]) {
			return fmt.Errorf("byte %#02x is not allowed", part[i])
		}
	}
	return nil
}

func allowed(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		strings.IndexByte("._=+@-", c) >= 0
}
