package local

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
)

// PostgresUser is the superuser that [StartPostgres] makes.
const PostgresUser = "tidemark"

// PostgresOptions say what [StartPostgres] starts; the zero value is a server
// on any free port.
type PostgresOptions struct {
	Port int // 0 means any free one
	// Settings are added to those of the command line and win over what is
	// there already.
	Settings map[string]string
}

// Postgres is a running PostgreSQL server.
type Postgres struct {
	*Process
	// URL leads to the database "postgres" as [PostgresUser], with the password.
	URL string

	dir string
}

// postgresSettings suit a test: logical decoding is on, and nothing waits for
// the disk. A crash of the machine may lose the data; the end of the server
// does not.
var postgresSettings = map[string]string{
	"listen_addresses":        loopback,
	"unix_socket_directories": "",
	"wal_level":               "logical",
	"max_replication_slots":   "8",
	"max_wal_senders":         "8",
	"max_connections":         "50",
	"shared_buffers":          "32MB",
	"fsync":                   "off",
	"timezone":                "UTC",
}

// StartPostgres starts a PostgreSQL server on a directory of its own below
// [os.TempDir] and returns when it takes sessions. Close ends it and removes the
// directory; there is none to choose because PostgreSQL refuses to run as root:
// for root it runs as the user postgres, or nobody, who can enter few places.
//
// ctx bounds the start only.
func StartPostgres(ctx context.Context, o PostgresOptions) (*Postgres, error) {
	binaries, err := findPostgres(ctx)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "tidemark-postgres-")
	if err != nil {
		return nil, fmt.Errorf("prepare PostgreSQL: %w", err)
	}
	p, err := newPostgres(ctx, binaries, dir, o)
	if err == nil {
		err = p.start(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return p, nil
}

func newPostgres(ctx context.Context, binaries, dir string, o PostgresOptions) (*Postgres, error) {
	port, err := choosePort(o.Port)
	if err != nil {
		return nil, err
	}
	as, err := unprivileged()
	if err != nil {
		return nil, fmt.Errorf("prepare PostgreSQL: %w", err)
	}
	if as != nil {
		if binaries, err = handOver(binaries, dir, as); err != nil {
			return nil, fmt.Errorf("prepare PostgreSQL for another user: %w", err)
		}
	}
	password := rand.Text()
	if err := initPostgres(ctx, binaries, dir, password, as); err != nil {
		return nil, fmt.Errorf("prepare PostgreSQL: %w", err)
	}
	at := url.URL{
		Scheme: "postgres", User: url.UserPassword(PostgresUser, password),
		Host: address(port), Path: "/postgres", RawQuery: "sslmode=disable",
	}
	p := &Postgres{URL: at.String(), dir: dir}
	p.Process = p.process(binaries, port, as, o)
	return p, nil
}

// initPostgres makes the cluster: UTF-8, byte order, and a password for all.
func initPostgres(ctx context.Context, binaries, dir, password string, as *syscall.Credential) error {
	secret := filepath.Join(dir, "password")
	if err := os.WriteFile(secret, []byte(password), 0o600); err != nil {
		return err
	}
	defer os.Remove(secret)
	if as != nil {
		if err := os.Chown(secret, int(as.Uid), int(as.Gid)); err != nil {
			return err
		}
	}
	command := exec.CommandContext(ctx, filepath.Join(binaries, "initdb"), "--pgdata="+filepath.Join(dir, "data"),
		"--username="+PostgresUser, "--pwfile="+secret, "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync")
	command.Dir, command.SysProcAttr = dir, &syscall.SysProcAttr{Credential: as}
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("run initdb: %w\n%s", err, lastLines(out, tailLines))
	}
	return nil
}

func (p *Postgres) process(binaries string, port int, as *syscall.Credential, o PostgresOptions) *Process {
	settings := maps.Clone(postgresSettings)
	maps.Copy(settings, o.Settings)
	argv := []string{filepath.Join(binaries, "postgres"), "-D", filepath.Join(p.dir, "data"), "-p", fmt.Sprint(port)}
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		argv = append(argv, "-c", name+"="+settings[name])
	}
	return &Process{
		name: "PostgreSQL " + address(port),
		argv: argv,
		log:  filepath.Join(p.dir, "server.log"),
		dir:  p.dir,
		as:   as,
		// SIGTERM would wait until every client has left by itself.
		stopWith: syscall.SIGINT,
		ready:    func(ctx context.Context) error { return takesSessions(ctx, address(port)) },
	}
}

// Close stops the server, clients or not, and removes all that it kept.
func (p *Postgres) Close() error { return errors.Join(p.Stop(), os.RemoveAll(p.dir)) }
