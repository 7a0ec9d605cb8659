package local

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// unprivileged is the user that PostgreSQL runs as when we are root, nil when
// we are not.
func unprivileged() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	var failed error
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			failed = err
			continue
		}
		return credential(u)
	}
	return nil, fmt.Errorf("find a user to run as instead of root: %w", failed)
}

func credential(u *user.User) (*syscall.Credential, error) {
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("read the id of user %s: %w", u.Username, err)
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("read the group of user %s: %w", u.Username, err)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

// handOver gives dir to another user, and returns where that one finds the
// binaries: a copy in dir where others cannot enter the place they are in, as
// is so of a cache in root's home.
func handOver(binaries, dir string, to *syscall.Credential) (string, error) {
	if err := os.Chown(dir, int(to.Uid), int(to.Gid)); err != nil {
		return "", err
	}
	if open, err := openToAll(binaries); open || err != nil {
		return binaries, err
	}
	copied := filepath.Join(dir, "binaries")
	if err := os.CopyFS(copied, os.DirFS(filepath.Dir(binaries))); err != nil {
		return "", err
	}
	return filepath.Join(copied, filepath.Base(binaries)), nil
}

// openToAll tells whether every directory on the way lets everybody through.
func openToAll(path string) (bool, error) {
	for at := filepath.Clean(path); ; at = filepath.Dir(at) {
		info, err := os.Stat(at)
		if err != nil {
			return false, err
		}
		if info.Mode().Perm()&0o001 == 0 {
			return false, nil
		}
		if at == filepath.Dir(at) {
			return true, nil
		}
	}
}
