package bolt

import (
	"reflect"
	"unsafe"

	"creditledger/internal/onelog"
)

// HookWrites puts f in place of bbolt's writing to the file. It reaches into bbolt,
// and panics when a release of it has no such place.
func HookWrites(s *Store, f func(write func([]byte, int64) (int, error), p []byte, off int64) (int, error)) {
	v := reflect.ValueOf(s.db).Elem().FieldByName("ops").FieldByName("writeAt")
	p := (*func([]byte, int64) (int, error))(unsafe.Pointer(v.UnsafeAddr()))
	write := *p
	*p = func(b []byte, off int64) (int, error) { return f(write, b, off) }
}

// HookLog puts f in place of the writing to the log file.
func HookLog(s *Store, f func(write func([]byte, int64) (int, error), p []byte, off int64) (int, error)) {
	v := reflect.ValueOf(s.log.Log).Elem().FieldByName("writeAt")
	p := (*func([]byte, int64) (int, error))(unsafe.Pointer(v.UnsafeAddr()))
	write := *p
	*p = func(b []byte, off int64) (int, error) { return f(write, b, off) }
}

// HookBoth puts f in place of the writing to both files of a ledger: log says to which.
func HookBoth(s *Store, f func(log bool, write func([]byte, int64) (int, error), p []byte, off int64) (int, error)) {
	s.folding <- struct{}{} // nobody folds what a crash left
	defer s.endFold()
	hook := func(log bool) func(func([]byte, int64) (int, error), []byte, int64) (int, error) {
		return func(write func([]byte, int64) (int, error), p []byte, off int64) (int, error) {
			return f(log, write, p, off)
		}
	}
	HookWrites(s, hook(false))
	if s.log != nil {
		HookLog(s, hook(true))
	}
	made := s.newLog
	s.newLog = func(path string, size int64) (*onelog.Log, error) {
		l, err := made(path, size)
		if err == nil {
			HookLog(&Store{log: &logFile{Log: l}}, hook(true))
		}
		return l, err
	}
}

// PageSize is bbolt's.
func PageSize(s *Store) int64 { return int64(s.db.Info().PageSize) }

// Finds for tests in keys_test.go.
var (
	AccountKey      = accountKey
	ParseAccountKey = parseAccountKey
	DueKey          = dueKey
)
