package bolt

import (
	"reflect"
	"unsafe"
)

// HookWrites puts f in place of bbolt's writing to the file. It reaches into bbolt,
// and panics when a release of it has no such place.
func HookWrites(s *Store, f func(write func([]byte, int64) (int, error), p []byte, off int64) (int, error)) {
	v := reflect.ValueOf(s.db).Elem().FieldByName("ops").FieldByName("writeAt")
	p := (*func([]byte, int64) (int, error))(unsafe.Pointer(v.UnsafeAddr()))
	write := *p
	*p = func(b []byte, off int64) (int, error) { return f(write, b, off) }
}

// PageSize is bbolt's.
func PageSize(s *Store) int64 { return int64(s.db.Info().PageSize) }

// Finds for tests in keys_test.go.
var (
	AccountKey      = accountKey
	ParseAccountKey = parseAccountKey
	DueKey          = dueKey
)
