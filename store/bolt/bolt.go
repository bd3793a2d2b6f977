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
// While a store is open for writing, commits may stand in a second file beside the first,
// with "-log" behind its name, and Close ends it: a ledger at rest is one file. Who copies
// the files of a ledger that was not closed needs both.
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
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"

	"creditledger"
	"creditledger/internal/onelog"
	"creditledger/store"
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
	metas    metaPages   // the file's meta pages after the last commit; the writer's
	warnings []string

	writer    chan struct{} // holds one token while a commit is made
	tailing   sync.RWMutex  // held for reading while a view uses tail, for writing while it changes
	tail      *tail         // the writer's to change; its older one, who folds it
	keyReader keyReader
	foldEvery int // log records, and
	foldSize  int // bytes, that the tail has at most

	// A commit goes into the log file, once there is one. The writer has it.
	log      *logFile                // nil: commits go into the tables
	lost     *logFile                // one that something else wrote to or moved, nil: none
	spare    atomic.Pointer[logFile] // one that is not in use, nil: none
	making   sync.WaitGroup          // of who makes it
	direct   int                     // commits so far that went into the tables
	logAfter int                     // of them until a log file is made,
	makeSoon bool                    // and whether the commit waits for that
	logSize  int64                   // of one that is made
	newLog   func(path string, size int64) (*onelog.Log, error)
	payload  []byte // of the commit

	folding chan struct{} // holds one token while the tables change, and while somebody looks at all of them
	mark    mark          // what the database says of the log file; who folds has it,
	next    mark          // and what it says when the older tail is folded
	metaing sync.Mutex    // held while the meta pages change, or are compared

	life    sync.RWMutex  // held for reading by every call in progress
	closing chan struct{} // closed when Close begins
	close   sync.Once
	closed  error // what Close returned

	poison     atomic.Pointer[error] // why the store refuses work, nil: it does not
	panicked   atomic.Bool           // bbolt did, and may have left its locks held;
	broken     chan struct{}         // closed then
	committing sync.RWMutex          // held while bbolt commits, and for reading while it begins or ends to read
}

var (
	_ store.Store    = (*Store)(nil)
	_ store.Backuper = (*Store)(nil)
)

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
			s.folding <- struct{}{} // nobody else waits for it
			err = errors.Join(s.retire(), s.pauseKeys())
		}
		// After a commit of unknown outcome nobody knows what the database says of the log file.
		err = errors.Join(err, s.closeLog(err == nil && s.poison.Load() == nil && !s.mark.inUse))
		if s.panicked.Load() {
			// bbolt's own Close could wait for ever, so it is not called. The memory map
			// stays.
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

// enter begins a call. It does not wait for a Close that has begun. leave ends the call.
func (s *Store) enter(op string) error {
	if !s.life.TryRLock() {
		return fmt.Errorf("%s: %w", op, creditledger.ErrClosed)
	}
	err := s.refuses(op)
	if err != nil {
		s.life.RUnlock()
	}
	return err
}

func (s *Store) leave() { s.life.RUnlock() }

// refuses returns why the store refuses work.
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
	if panicked && s.panicked.CompareAndSwap(false, true) {
		close(s.broken)
	}
}
