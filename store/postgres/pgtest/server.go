// Package pgtest starts a private PostgreSQL server for tests from installed
// binaries: on a Unix socket in a temporary folder, as another user when run by root,
// removed when the tests end. It opens no port and finds no other server.
//
//	func TestMain(m *testing.M) { pgtest.Main(m) }
//
//	func TestStore(t *testing.T) {
//		pool, err := pgxpool.New(t.Context(), pgtest.Database(t))
//		…
//	}
//
// Binaries are looked for in PATH, then where Debian puts them
// (/usr/lib/postgresql/*/bin, the newest). Without any, tests skip, unless the
// environment variable LEDGER_REQUIRE holds the word postgres: then they fail.
package pgtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Options of Start. The zero value is a fast server that forgets what a crash of the
// machine interrupts, which is right for every test that is not about that.
type Options struct {
	Fsync    bool              // wait for the disk
	Settings map[string]string // of postgresql.conf
}

// Server is a private server.
type Server struct {
	bin      string
	dir      string // holds the data and the socket
	settings map[string]string
	user     *syscall.SysProcAttr
	process  *exec.Cmd
	exited   chan struct{}
	watch    io.Closer // closed when the server is gone on purpose
}

// Start starts a server of the test's own, and stops and removes it when the test
// ends.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	s, err := start(o)
	check(t, err)
	t.Cleanup(func() {
		if err := s.remove(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// check skips or fails a test that gets no server.
func check(t testing.TB, err error) {
	t.Helper()
	switch {
	case err == nil:
	case errors.Is(err, errNoBinaries) && !required():
		t.Skipf("%v; set LEDGER_REQUIRE=postgres to fail instead", err)
	default:
		t.Fatal(err)
	}
}

func required() bool {
	words := strings.FieldsFunc(os.Getenv("LEDGER_REQUIRE"), func(r rune) bool { return r == ',' || r == ' ' })
	for _, w := range words {
		if w == "postgres" {
			return true
		}
	}
	return false
}

func start(o Options) (*Server, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	s, err := newServer(bin, o)
	if err != nil {
		return nil, err
	}
	err = s.tool("initdb", "-D", s.data(), "-U", superuser, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	if err == nil {
		err = s.Launch()
	}
	if err != nil {
		return nil, errors.Join(err, s.remove())
	}
	return s, nil
}

const superuser = "postgres"

func newServer(bin string, o Options) (*Server, error) {
	dir, err := os.MkdirTemp("", "pg")
	if err != nil {
		return nil, err
	}
	s := &Server{bin: bin, dir: dir, settings: map[string]string{
		"listen_addresses": "", "unix_socket_directories": dir, "logging_collector": "off",
		"fsync": "off", "full_page_writes": "off", "shared_buffers": "64MB", "max_connections": "300",
		"autovacuum_naptime": "60s", "max_wal_size": "1GB",
	}}
	if o.Fsync {
		s.settings["fsync"], s.settings["full_page_writes"] = "on", "on"
	}
	for k, v := range o.Settings {
		s.settings[k] = v
	}
	if s.user, err = otherUser(dir); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return s, nil
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// tool runs one of the server's programs to its end.
func (s *Server) tool(name string, args ...string) error {
	c := exec.Command(filepath.Join(s.bin, name), args...)
	c.Dir, c.SysProcAttr = s.dir, s.user
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", name, err, out)
	}
	return nil
}

// Set changes a setting, from the next Launch on.
func (s *Server) Set(name, value string) { s.settings[name] = value }

// Launch starts the server again after Stop or Crash.
func (s *Server) Launch() error {
	args := []string{"-D", s.data()}
	for k, v := range s.settings {
		args = append(args, "-c", k+"="+v)
	}
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	c := exec.Command(filepath.Join(s.bin, "postgres"), args...)
	c.Dir, c.SysProcAttr, c.Stdout, c.Stderr = s.dir, s.user, log, log
	if err := c.Start(); err != nil {
		return err
	}
	s.process, s.exited = c, make(chan struct{})
	go func() {
		_ = c.Wait()
		close(s.exited)
	}()
	if err := s.guard(); err != nil {
		return err
	}
	return s.ready()
}

// guard starts a shell that stops the server when this process ends without doing so.
func (s *Server) guard() error {
	c := exec.Command("/bin/sh", "-c", `read -r done || { kill -QUIT "$1"; sleep 1; rm -rf "$2"; }`,
		"sh", fmt.Sprint(s.process.Process.Pid), s.dir)
	c.SysProcAttr = s.user
	in, err := c.StdinPipe()
	if err != nil {
		return err
	}
	if err := c.Start(); err != nil {
		return err
	}
	s.watch = closer(func() error {
		_, err := io.WriteString(in, "done\n")
		return errors.Join(err, in.Close(), c.Wait())
	})
	return nil
}

type closer func() error

func (c closer) Close() error { return c() }

func (s *Server) ready() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, s.DSN(superuser))
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-s.exited:
			return errors.Join(errors.New("the server ended at once"), s.lastWords())
		case <-ctx.Done():
			return errors.Join(err, s.lastWords())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (s *Server) lastWords() error {
	log, err := os.ReadFile(filepath.Join(s.dir, "log"))
	if err != nil {
		return err
	}
	return errors.New(string(log[max(0, len(log)-2000):]))
}

// DSN is the connection string of a database, for the server's superuser.
func (s *Server) DSN(database string) string {
	return fmt.Sprintf("host=%s user=%s database=%s", s.dir, superuser, database)
}

// Stop ends the server in good order, Crash ends it as a power cut would end its
// processes: nothing is flushed, and replies under way are lost.
func (s *Server) Stop() error { return s.end(syscall.SIGINT) }

// Crash is pg_ctl stop -m immediate.
func (s *Server) Crash() error { return s.end(syscall.SIGQUIT) }

func (s *Server) end(signal os.Signal) error {
	if s.process == nil {
		return nil
	}
	err := s.process.Process.Signal(signal)
	if errors.Is(err, os.ErrProcessDone) {
		err = nil
	}
	select {
	case <-s.exited:
	case <-time.After(30 * time.Second):
		err = errors.Join(err, errors.New("the server does not end"), s.process.Process.Kill())
		<-s.exited
	}
	s.process = nil
	return errors.Join(err, s.watch.Close())
}

func (s *Server) remove() error { return errors.Join(s.Crash(), os.RemoveAll(s.dir)) }

// Standby returns a server that replicates this one, under a name that the setting
// synchronous_standby_names may hold.
func (s *Server) Standby(t testing.TB, name string, o Options) *Server {
	t.Helper()
	standby, err := newServer(s.bin, o)
	check(t, err)
	t.Cleanup(func() {
		if err := standby.remove(); err != nil {
			t.Error(err)
		}
	})
	err = standby.copyOf(s, name)
	check(t, err)
	return standby
}

// Rejoin makes a server that is down, and was the primary, a standby of the one that
// was promoted in its place: it starts over from a copy. (pg_rewind would be quicker,
// where the old one has kept its WAL, and only after the new one has made a checkpoint.)
func (s *Server) Rejoin(primary *Server, name string) error {
	if err := os.RemoveAll(s.data()); err != nil {
		return err
	}
	return s.copyOf(primary, name)
}

// copyOf fills an empty server with a copy of the primary, and starts it as its standby.
func (s *Server) copyOf(primary *Server, name string) error {
	err := s.tool("pg_basebackup", "-h", primary.dir, "-U", superuser, "-D", s.data(), "-R", "--no-sync", "-c", "fast")
	if err != nil {
		return err
	}
	s.settings["primary_conninfo"] = fmt.Sprintf("host=%s user=%s application_name=%s", primary.dir, superuser, name)
	return s.Launch()
}

// Promote makes a standby the primary.
func (s *Server) Promote() error { return s.tool("pg_ctl", "promote", "-w", "-D", s.data()) }

// Either is the connection string of a database on whichever of two servers takes
// writes.
func Either(one, two *Server, database string) string {
	return fmt.Sprintf("host=%s,%s user=%s database=%s target_session_attrs=read-write", one.dir, two.dir, superuser, database)
}
