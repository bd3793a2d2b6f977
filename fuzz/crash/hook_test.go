//go:build linux

package crash

import (
	"fmt"
	"reflect"
	"sync"
	"testing"
	"unsafe"

	"go.etcd.io/bbolt"

	"creditledger/internal/onelog"
	"creditledger/store/bolt"
)

// foldEvery is small in these tests, so that tables are folded all the time.
const foldEvery = 5

// field is an unexported field of a struct. A release of bbolt or of the store that
// has no such field of that type fails every test here.
func field[T any](of any, name string) *T {
	v := reflect.ValueOf(of).Elem()
	f := v.FieldByName(name)
	if want := reflect.TypeFor[T](); !f.IsValid() || f.Type() != want {
		panic(fmt.Sprintf("%s has no field %s of type %s: the hooks of these tests need it", v.Type(), name, want))
	}
	return (*T)(f.Addr().UnsafePointer())
}

func database(s *bolt.Store) *bbolt.DB { return *field[*bbolt.DB](s, "db") }

// setFoldEvery makes commits go into a small log file soon, and folds all the time.
func setFoldEvery(s *bolt.Store, n int) {
	*field[int](s, "foldEvery") = n
	*field[int](s, "logAfter") = 2
	*field[int64](s, "logSize") = logSize
	*field[bool](s, "makeSoon") = true
}

// logSize is that of log files here: eight of the smallest commits in each half.
const logSize = 4096 + 64<<10

type writeAt = func([]byte, int64) (int, error)

// file is one of the two that a ledger is in.
type file int

const (
	ledgerFile file = iota
	logFile
)

// hookWrites puts a function in front of every write of bbolt and to the log file. f is given
// the one that writes. NoSync leaves out the flushes of both.
func hookWrites(s *bolt.Store, noSync bool, f func(in file, orig writeAt, p []byte, off int64) (int, error)) {
	hookEvents(s, noSync, f, func() {})
}

// hookEvents is hookWrites that also says when the log file was flushed.
func hookEvents(s *bolt.Store, noSync bool, f func(in file, orig writeAt, p []byte, off int64) (int, error), flushed func()) {
	folding := *field[chan struct{}](s, "folding")
	folding <- struct{}{} // nobody folds what a crash left
	defer func() { <-folding }()
	db := database(s)
	db.NoSync = noSync
	ops := reflect.ValueOf(db).Elem().FieldByName("ops")
	if !ops.IsValid() {
		panic("bbolt.DB has no field ops: the hooks of these tests need it")
	}
	w := ops.FieldByName("writeAt")
	if !w.IsValid() || w.Type() != reflect.TypeFor[writeAt]() {
		panic("bbolt.DB has no ops.writeAt: the hooks of these tests need it")
	}
	at := (*writeAt)(unsafe.Pointer(w.UnsafeAddr()))
	orig := *at
	*at = func(p []byte, off int64) (int, error) { return f(ledgerFile, orig, p, off) }

	hookLog := func(l *onelog.Log) {
		write, flush := field[writeAt](l, "writeAt"), field[func() error](l, "flush")
		orig, origFlush := *write, *flush
		*write = func(p []byte, off int64) (int, error) { return f(logFile, orig, p, off) }
		*flush = func() error {
			if noSync {
				return nil
			}
			err := origFlush()
			flushed()
			return err
		}
	}
	if log := reflect.ValueOf(s).Elem().FieldByName("log"); !log.IsNil() { // one that was left behind
		hookLog((*onelog.Log)(log.Elem().Field(0).UnsafePointer()))
	}
	newLog := field[func(string, int64) (*onelog.Log, error)](s, "newLog")
	makeLog := *newLog
	*newLog = func(path string, size int64) (*onelog.Log, error) {
		l, err := makeLog(path, size)
		if err == nil {
			hookLog(l)
		}
		return l, err
	}
}

// isMeta reports whether a write is of a meta page. What was written before such a write is
// behind a barrier.
func isMeta(db *bbolt.DB, off int64) bool { return off < int64(2*db.Info().PageSize) }

// This test shows that the hooks are called. Without it, every test that relies on them
// could pass although they are not.
func TestHooks(t *testing.T) {
	s := open(t, fresh(t, scratch(t), "ledger.db"))
	defer s.Close()
	setFoldEvery(s, 3)
	var mu sync.Mutex
	writes, metas, logged, flushes := 0, 0, 0, 0
	hookEvents(s, false, func(in file, orig writeAt, p []byte, off int64) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case in == logFile:
			logged++
		case isMeta(database(s), off):
			metas++
			fallthrough
		default:
			writes++
		}
		return orig(p, off)
	}, func() {
		mu.Lock()
		defer mu.Unlock()
		flushes++
	})
	w := newWorld(s, script(1, 30))
	for i := range 30 {
		if _, err := w.do(i); err != nil && !refused(err) {
			t.Fatal(err)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if writes < 2*metas || metas < 5 || logged < 10 || flushes != logged {
		t.Errorf("%d writes, %d of them of meta pages, %d to the log file and %d flushes of it", writes, metas, logged, flushes)
	}
}
