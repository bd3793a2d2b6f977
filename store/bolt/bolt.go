// Package bolt keeps a ledger in one local file, a bbolt database: durable,
// transactional, without a server. One process at a time has a file open.
//
//	s, err := bolt.Open("credits.db", nil)
//
// When Commit returns nil, what it wrote survives a crash of the process and of the
// machine, as far as the file system honours fdatasync. When the system reports an
// error while a commit is being written, nobody can tell whether it is on disk:
// Commit returns creditledger.ErrOutcomeUnknown and the store refuses all further
// work with ErrPoisoned until it is closed and opened again.
//
// The file is readable by its owner only. A file that is damaged, cut short or not a
// ledger is refused with creditledger.ErrCorrupt, and a path that should not hold
// one with a FileError. Network file systems are no place for it: their locks cannot
// be trusted.
//
// Join keeps a ledger beside the caller's own buckets, in the caller's own
// transactions. docs/format.md describes what is in the file.
package bolt

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"creditledger"
	"creditledger/store"
	"creditledger/store/internal/changes"
)

// Options of Open. The zero value, or nil, is what most callers want.
type Options struct {
	// ReadOnly opens an existing ledger for reading. Several processes may do that
	// at once, but none while another has it open for writing.
	ReadOnly bool

	// GroupAccess lets the group of the file read and write it too, as on volumes that
	// belong to a group. Others may not; a new file is its owner's alone all the same.
	GroupAccess bool

	// LockTimeout bounds how long Open waits for another process to close the file.
	// 0 is one second; less does not wait.
	LockTimeout time.Duration

	// InitialMmapSize is how much address space is reserved for the file. While the
	// file is smaller than that, a commit never waits for readers. 0 is 1 GiB on
	// 64-bit systems and as large as the file elsewhere; less is as large as the file.
	InitialMmapSize int
}

func (o *Options) withDefaults() Options {
	var opts Options
	if o != nil {
		opts = *o
	}
	if opts.LockTimeout == 0 {
		opts.LockTimeout = time.Second
	}
	// On Windows the file itself would be made that large.
	if opts.InitialMmapSize == 0 && strconv.IntSize == 64 && runtime.GOOS != "windows" {
		opts.InitialMmapSize = 1 << 30
	}
	return opts
}

// Store is a ledger file that is open. Its methods may be called from any number of
// goroutines; commits are made one after the other. It implements store.Store and
// store.Backuper.
type Store struct {
	reads
	path     string
	readOnly bool
	db       *bbolt.DB
	file     *os.File
	info     os.FileInfo // of file
	warnings []string

	writer    chan struct{} // holds one token while a commit is made
	tailing   sync.RWMutex  // held for reading while a view uses tail, for writing while it changes
	tail      *tail         // the writer's to change
	tabling   atomic.Uint64 // bbolt's id of the last transaction that changes the tables, committed or about to be
	foldEvery int           // log records, and
	foldSize  int           // bytes, that the tail has at most
	life      sync.RWMutex  // held for reading by every call in progress
	closing   chan struct{} // closed when Close begins
	close     sync.Once
	closed    error // what Close returned

	poison   atomic.Pointer[error] // why the store refuses work, nil: it does not
	panicked atomic.Bool           // bbolt did, and may have left its locks held
}

var (
	_ store.Store    = (*Store)(nil)
	_ store.Backuper = (*Store)(nil)
)

// Open opens the ledger at path and creates it, readable by its owner only, if there
// is no such file. It is an error that matches creditledger.ErrLocked when another
// process has the file open, creditledger.ErrCorrupt when the file is damaged, not a
// ledger or of a later format, fs.ErrNotExist when ReadOnly finds no file, and a
// FileError when the path is a directory, a symbolic link, no regular file, or a ledger
// that is open to others than its owner (FileError.Mode says how; see GroupAccess).
func Open(path string, opts *Options) (*Store, error) {
	s, err := open(path, opts.withDefaults())
	if err != nil {
		return nil, fmt.Errorf("open ledger %s: %w", path, err)
	}
	return s, nil
}

func open(path string, o Options) (*Store, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	f, err := openFile(path, o)
	if errors.Is(err, fs.ErrNotExist) && !o.ReadOnly {
		if err := create(path); err != nil {
			return nil, err
		}
		f, err = openFile(path, o)
	}
	if err != nil {
		return nil, err
	}
	var warnings []string
	info, err := f.Stat()
	if err == nil {
		warnings, err = preflight(f, info.Size())
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	db, err := openDB(f, o)
	if err != nil {
		return nil, err
	}
	s := &Store{
		path: path, readOnly: o.ReadOnly, db: db, file: f, info: info, warnings: warnings,
		writer: make(chan struct{}, 1), closing: make(chan struct{}),
		tail: newTail(0, 0), foldEvery: foldEvery, foldSize: foldSize,
	}
	s.view, s.aside = s.read, s.readAside
	if err := s.settle(o.GroupAccess); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// settle finds out whether the file is a ledger known here and closed to others, moves one of an older
// layout on if it may be written, and brings the tail into memory.
func (s *Store) settle(group bool) error {
	var t *tail
	old := false
	err := s.read(context.Background(), "check", func(v view) (err error) {
		if err = v.check(); err != nil {
			return err
		}
		if err = checkMode(s.path, s.info.Mode(), group); err != nil {
			return err
		}
		if old, err = v.older(); err != nil {
			return err
		}
		v.tail = nil
		t, err = v.replayTail()
		return err
	})
	if err != nil {
		return err
	}
	s.tail = t
	if !old || s.readOnly {
		return nil
	}
	err, panicked := guarded("upgrade", func() error {
		return s.db.Update(func(tx *bbolt.Tx) error {
			v, err := openView(tx)
			if err != nil {
				return err
			}
			return v.upgrade()
		})
	})
	if err != nil {
		s.poisoned(err, panicked)
	}
	return err
}

// Warnings says what Open found strange in the file and could still read. So far that
// is one thing: a damaged meta page. bbolt has two and falls back on the older when
// the newer is damaged, which takes the file back by one commit. A power cut in the
// middle of a commit looks like this and costs nothing that was acknowledged; so does
// damage that does. Ledger.Verify with a Checkpoint kept elsewhere tells them apart.
// The next commit repairs the page.
func (s *Store) Warnings() []string { return slices.Clone(s.warnings) }

// openDB opens bbolt on f, which is locked. It closes f when it fails.
func openDB(f *os.File, o Options) (db *bbolt.DB, err error) {
	err, panicked := guarded("file", func() (err error) {
		db, err = bbolt.Open(f.Name(), 0o600, &bbolt.Options{
			Timeout:         max(o.LockTimeout, time.Millisecond),
			ReadOnly:        o.ReadOnly,
			InitialMmapSize: max(o.InitialMmapSize, 0),
			FreelistType:    bbolt.FreelistArrayType,
			NoStatistics:    true,
			OpenFile:        func(string, int, os.FileMode) (*os.File, error) { return f, nil },
		})
		return err
	})
	if panicked {
		unlock(f)
	}
	if err != nil {
		f.Close() // bbolt has closed it, unless it panicked
		return nil, openError(f.Name(), err)
	}
	return db, nil
}

func openError(path string, err error) error {
	for _, damage := range []error{berrors.ErrInvalid, berrors.ErrVersionMismatch, berrors.ErrChecksum} {
		if errors.Is(err, damage) {
			return corrupt("file", err.Error())
		}
	}
	if errors.Is(err, berrors.ErrTimeout) {
		return errLocked(path)
	}
	return err
}

// Close releases the file. It stops backups and waits for the other calls in
// progress, none of which waits for anything but the disk. Closing again does
// nothing.
func (s *Store) Close() error {
	s.close.Do(func() {
		close(s.closing)
		s.life.Lock()
		defer s.life.Unlock()
		var err error
		if !s.panicked.Load() {
			err = s.foldAll()
		}
		if s.panicked.Load() {
			// bbolt's own Close could wait for ever. The memory map stays.
			unlock(s.file)
			err = errors.Join(err, s.file.Close())
		} else {
			closed, panicked := guarded("close", s.db.Close)
			if panicked {
				unlock(s.file)
			}
			err = errors.Join(err, closed)
		}
		if err != nil {
			s.closed = fmt.Errorf("close ledger %s: %w", s.path, err)
		}
	})
	return s.closed
}

// enter begins a call; leave ends it.
func (s *Store) enter(op string) error {
	s.life.RLock()
	err := s.refuses(op)
	if err != nil {
		s.life.RUnlock()
	}
	return err
}

func (s *Store) leave() { s.life.RUnlock() }

// refuses says why the store is of no more use.
func (s *Store) refuses(op string) error {
	select {
	case <-s.closing:
		return fmt.Errorf("%s: %w", op, creditledger.ErrClosed)
	default:
	}
	if why := s.poison.Load(); why != nil {
		return fmt.Errorf("%s: ledger %s: %w (%v)", op, s.path, creditledger.ErrPoisoned, *why)
	}
	return nil
}

// poisoned makes the store refuse all further work.
func (s *Store) poisoned(why error, panicked bool) {
	s.poison.CompareAndSwap(nil, &why)
	if panicked {
		s.panicked.Store(true)
	}
}

// read calls f with what is committed. Commits wait for it.
func (s *Store) read(ctx context.Context, op string, f func(view) error) error {
	return s.reading(ctx, op, nil, f)
}

// readAside calls f with the tables, and the tail's part of one account. Nobody waits
// for it.
func (s *Store) readAside(ctx context.Context, op string, id creditledger.AccountID, f func(view) error) error {
	return s.reading(ctx, op, &id, f)
}

// reading is readAside, or read if there is no account.
func (s *Store) reading(ctx context.Context, op string, aside *creditledger.AccountID, f func(view) error) error {
	if err := changes.Enter(ctx, op); err != nil {
		return err
	}
	if err := s.enter(op); err != nil {
		return err
	}
	defer s.leave()
	for {
		stale, err := s.readOnce(op, aside, f)
		if !stale {
			return err
		}
		if why := s.poison.Load(); why != nil {
			return fmt.Errorf("%s: ledger %s: %w (%v)", op, s.path, creditledger.ErrPoisoned, *why)
		}
		time.Sleep(20 * time.Microsecond) // the commit is on its way to the disk, its tail not yet in place
	}
}

// readOnce calls f unless the transaction is newer than the tail.
func (s *Store) readOnce(op string, aside *creditledger.AccountID, f func(view) error) (stale bool, err error) {
	s.tailing.RLock()
	held := true
	release := func() {
		if held {
			held = false
			s.tailing.RUnlock()
		}
	}
	defer release()
	err, panicked := guarded(op, func() error {
		return s.db.View(func(tx *bbolt.Tx) error {
			v, err := openView(tx)
			if err != nil {
				return err
			}
			v.tail = s.tail
			if last := s.tabling.Load(); last > v.tail.tx && uint64(tx.ID()) >= last {
				stale = true
				return nil
			}
			if aside != nil {
				v.tail = v.tail.of(*aside)
				release()
			}
			return f(v)
		})
	})
	if panicked {
		s.poisoned(err, true)
	}
	return stale, err
}
