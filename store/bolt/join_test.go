package bolt_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"creditledger"
	"creditledger/store/bolt"
	"creditledger/store/storetest"
)

// theirs opens a bbolt database of the caller's, as callers do.
func theirs(t *testing.T, path string) *bbolt.DB {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func begin(t *testing.T, db *bbolt.DB, writable bool) *bbolt.Tx {
	t.Helper()
	tx, err := db.Begin(writable)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tx.Rollback() })
	return tx
}

func join(t *testing.T, tx *bbolt.Tx) *bolt.Joined {
	t.Helper()
	j, err := bolt.Join(tx)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// TestJoinedStore puts the ledger in a caller's transaction to the examination.
func TestJoinedStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) creditledger.Store {
		return join(t, begin(t, theirs(t, path(t)), true))
	})
}

// TestJoinTogether commits and rolls back a row of the caller's together with the
// credits it costs.
func TestJoinTogether(t *testing.T) {
	path := path(t)
	db := theirs(t, path)
	order := func(tx *bbolt.Tx, name string) error {
		b, err := tx.CreateBucketIfNotExists([]byte("orders"))
		if err != nil {
			return err
		}
		return b.Put([]byte(name), []byte("paid"))
	}
	ordered := func(name string) (found bool) {
		_ = db.View(func(tx *bbolt.Tx) error {
			b := tx.Bucket([]byte("orders"))
			found = b != nil && b.Get([]byte(name)) != nil
			return nil
		})
		return found
	}
	undo := errors.New("undo")
	buy := func(name string, err error) error {
		return db.Update(func(tx *bbolt.Tx) error {
			return errors.Join(order(tx, name), grant(t, join(t, tx), ann, creditledger.Key(name)), err)
		})
	}
	if err := buy("rolled back first", undo); !errors.Is(err, undo) {
		t.Fatal(err)
	}
	if err := db.View(func(tx *bbolt.Tx) error { _, err := bolt.Join(tx); return err }); !errors.Is(err, creditledger.ErrCorrupt) {
		t.Errorf("reading a database without a ledger: %v", err)
	}
	for _, name := range []string{"one", "two"} {
		if err := buy(name, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := buy("rolled back", undo); !errors.Is(err, undo) {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"rolled back first": false, "one": true, "two": true, "rolled back": false} {
		if ordered(name) != want {
			t.Errorf("order %q is there: %t, want %t", name, !want, want)
		}
	}
	tx := begin(t, db, false)
	wantVersion(t, join(t, tx), ann, 2)
	if err := errors.Join(tx.Rollback(), db.Close()); err != nil {
		t.Fatal(err)
	}
	// The same ledger by itself, and joined again.
	s := mustOpen(t, path, nil)
	wantVersion(t, s, ann, 2)
	mustGrant(t, s, ann, 3)
	mustClose(t, s)
	db = theirs(t, path)
	wantVersion(t, join(t, begin(t, db, false)), ann, 5)
	if !ordered("one") {
		t.Error("the caller's bucket is gone")
	}
}

// TestJoinSees looks at a joined ledger from its own transaction and from another.
func TestJoinSees(t *testing.T) {
	db := theirs(t, path(t))
	if err := db.Update(func(tx *bbolt.Tx) error { return grant(t, join(t, tx), ann, "first") }); err != nil {
		t.Fatal(err)
	}
	tx := begin(t, db, true)
	mine := join(t, tx)
	mustGrant(t, mine, ann, 2)
	wantVersion(t, mine, ann, 3)
	wantVersion(t, join(t, tx), ann, 3)
	other := begin(t, db, false)
	outside := join(t, other)
	wantVersion(t, outside, ann, 1)
	wantError(t, grant(t, outside, ann, "k"), creditledger.ErrReadOnly, "read-only")
	other.Rollback()
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	wantVersion(t, join(t, begin(t, db, false)), ann, 3)
	for _, s := range []creditledger.Store{mine, outside} {
		_, err := s.Load(t.Context(), ann, nil)
		wantError(t, err, creditledger.ErrClosed, "the transaction has ended")
		wantError(t, s.Commit(t.Context(), nil), creditledger.ErrClosed, "the transaction has ended")
	}
}

// TestJoinRefuses joins databases that have something else where the ledger goes.
func TestJoinRefuses(t *testing.T) {
	db := theirs(t, path(t))
	err := db.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucket([]byte("creditledger"))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, writable := range []bool{true, false} {
		tx := begin(t, db, writable)
		_, err := bolt.Join(tx)
		wantError(t, err, creditledger.ErrCorrupt, "bucket meta: missing")
		tx.Rollback()
		_, err = bolt.Join(tx)
		wantError(t, err, creditledger.ErrClosed, "the transaction has ended")
	}
}

// TestJoinLeavesTheTransaction checks that a refused commit leaves the caller's
// transaction as it was, fit to be committed.
func TestJoinLeavesTheTransaction(t *testing.T) {
	db := theirs(t, path(t))
	tx := begin(t, db, true)
	j := join(t, tx)
	mustGrant(t, j, ann, 1)
	stale := creditledger.Change{Account: ann, Version: 7, Head: creditledger.Head{Version: 7}}
	if err := j.Commit(t.Context(), []creditledger.Change{stale}); !errors.Is(err, creditledger.ErrConflict) {
		t.Errorf("a stale change: %v", err)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := j.Commit(over, []creditledger.Change{stale}); !errors.Is(err, context.Canceled) {
		t.Errorf("a context that is over: %v", err)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	wantVersion(t, join(t, begin(t, db, false)), ann, 1)
}

// TestJoinedTransactionIsTheCallersAgain: once a call has returned, also one that was
// called off, nothing uses the transaction any more. The race detector looks on.
func TestJoinedTransactionIsTheCallersAgain(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	db := theirs(t, path(t))
	if err := db.Update(func(tx *bbolt.Tx) error { return grant(t, join(t, tx), ann, "first") }); err != nil {
		t.Fatal(err)
	}
	for range 200 {
		tx := begin(t, db, true)
		l := creditledger.New(join(t, tx), nil)
		ctx, cancel := context.WithCancel(t.Context())
		pause := time.Duration(random.IntN(300)) * time.Microsecond
		var called sync.WaitGroup
		called.Go(func() {
			time.Sleep(pause)
			cancel()
		})
		for range 3 {
			_, err := l.Do(ctx, ann, creditledger.Decrement{Amount: creditledger.MustAmount("1")}, "")
			if err != nil && !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
		}
		if err := tx.Rollback(); err != nil {
			t.Fatal(err)
		}
		called.Wait()
	}
	wantVersion(t, join(t, begin(t, db, false)), ann, 1)
}

// TestJoinedWaitsAsLongAsItsContext: a call that another one keeps from the transaction
// is called off.
func TestJoinedWaitsAsLongAsItsContext(t *testing.T) {
	db := theirs(t, path(t))
	j := join(t, begin(t, db, true))
	mustGrant(t, j, ann, 1)
	release := bolt.Occupy(j)
	for name, call := range map[string]func(context.Context) error{
		"read":   func(ctx context.Context) error { _, err := j.Load(ctx, ann, nil); return err },
		"commit": func(ctx context.Context) error { return j.Commit(ctx, nil) },
	} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		if err := call(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", name, err)
		}
		cancel()
	}
	release()
	wantVersion(t, j, ann, 1)
}

// joined is what a ledger says that joins a transaction of the caller's on a file.
func joined(t *testing.T, path string) error {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	return errors.Join(db.Update(func(tx *bbolt.Tx) error { return second(bolt.Join(tx)) }), db.Close())
}
