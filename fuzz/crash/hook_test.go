//go:build linux

package crash

import (
	"fmt"
	"reflect"
	"testing"
	"unsafe"

	"go.etcd.io/bbolt"

	"creditledger/store/bolt"
)

// foldEvery of the tests: small, so that tables are folded all the time.
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

func setFoldEvery(s *bolt.Store, n int) { *field[int](s, "foldEvery") = n }

type writeAt = func([]byte, int64) (int, error)

// hookWrites puts a function in front of every write of bbolt. f is given the one
// that writes.
func hookWrites(db *bbolt.DB, f func(orig writeAt, p []byte, off int64) (int, error)) {
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
	*at = func(p []byte, off int64) (int, error) { return f(orig, p, off) }
}

// isMeta reports whether a write is of a meta page: what was written before it is
// behind a barrier.
func isMeta(db *bbolt.DB, off int64) bool { return off < int64(2*db.Info().PageSize) }

// The hook is called: every test that relies on it would pass without it.
func TestHooks(t *testing.T) {
	s := open(t, fresh(t, scratch(t), "ledger.db"))
	defer s.Close()
	setFoldEvery(s, 3)
	writes, metas := 0, 0
	hookWrites(database(s), func(orig writeAt, p []byte, off int64) (int, error) {
		writes++
		if isMeta(database(s), off) {
			metas++
		}
		return orig(p, off)
	})
	w := newWorld(s, script(1, 10))
	for i := range 10 {
		if _, err := w.do(i); err != nil && !refused(err) {
			t.Fatal(err)
		}
	}
	if writes < 2*metas || metas < 5 {
		t.Errorf("%d writes, %d of them of meta pages", writes, metas)
	}
}
