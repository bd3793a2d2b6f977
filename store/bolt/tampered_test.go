package bolt_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"creditledger"
	"creditledger/fuzz"
	"creditledger/fuzz/testseed"
	"creditledger/fuzz/testsize"
	"creditledger/store/bolt"
)

// storyFile is a ledger as a crash leaves it, with records that are folded and records
// that are not, and the same file some operations earlier.
func storyFile(t *testing.T, r *rand.Rand, dir string) (file, older string) {
	t.Helper()
	live := filepath.Join(dir, "live.db")
	s := mustOpen(t, live, nil)
	bolt.SetFoldEvery(s, 25)
	l := creditledger.New(s, nil)
	file, older = filepath.Join(dir, "whole.db"), filepath.Join(dir, "older.db")
	for n := range 64 {
		id := creditledger.AccountID{Customer: fmt.Sprint("cus_", n%3), Currency: "credits"}
		var op creditledger.Operation = creditledger.Increment{Amount: creditledger.AmountOf(1 + r.Int64N(9)), ExpiresAt: creditledger.At(time.Now().AddDate(1, 0, n)), Repay: creditledger.RepayNever}
		if n%3 == 2 {
			op = creditledger.Decrement{Amount: creditledger.AmountOf(1 + r.Int64N(12))}
		}
		if _, err := l.Do(context.Background(), id, op, creditledger.Key(fmt.Sprint("key-", n))); err != nil {
			t.Fatal(err)
		}
		if n%20 == 0 {
			if _, err := l.PutCustomer(context.Background(), creditledger.CustomerUpdate{ID: id.Customer}); err != nil {
				t.Fatal(err)
			}
		}
		if n == 50 {
			bolt.CrashedCopy(t, s, older)
		}
	}
	bolt.CrashedCopy(t, s, file)
	l.Close()
	mustClose(t, s)
	return file, older
}

// tamper changes one row of a file, as somebody who knows bbolt can: it is deleted,
// moved, doubled, swapped with another one or put back as it was. It says what it did.
func tamper(t *testing.T, r *rand.Rand, path, older string) string {
	t.Helper()
	open := func(path string) *bbolt.DB {
		db, err := bbolt.Open(path, 0o600, nil)
		if err != nil {
			t.Fatal(err)
		}
		return db
	}
	db, was := open(path), open(older)
	defer db.Close()
	defer was.Close()
	tables := []string{"log", "log", "log", "accounts", "journal", "blocks", "open", "blockids", "keys", "due"}
	table := tables[r.IntN(len(tables))]
	did := ""
	err := db.Update(func(tx *bbolt.Tx) error {
		b := tx.Bucket([]byte("creditledger")).Bucket([]byte(table))
		var rows [][2][]byte
		_ = b.ForEach(func(k, v []byte) error { rows = append(rows, [2][]byte{bytes.Clone(k), bytes.Clone(v)}); return nil })
		if len(rows) == 0 {
			return nil
		}
		n := r.IntN(len(rows))
		if r.IntN(3) == 0 {
			n = len(rows) - 1
		}
		k, v := rows[n][0], rows[n][1]
		moved := bytes.Clone(k)
		moved[len(moved)-1-r.IntN(min(len(moved), 8))] += byte(1 + r.IntN(3))
		other := rows[r.IntN(len(rows))]
		switch r.IntN(5) {
		case 0, 1:
			did = fmt.Sprintf("row %x of %s is deleted", k, table)
			return b.Delete(k)
		case 2:
			did = fmt.Sprintf("row %x of %s is moved to %x", k, table, moved)
			if err := b.Delete(k); err != nil {
				return err
			}
			return b.Put(moved, v)
		case 3:
			did = fmt.Sprintf("row %x of %s is there as %x as well", k, table, moved)
			return b.Put(moved, v)
		}
		if r.IntN(2) == 0 {
			did = fmt.Sprintf("rows %x and %x of %s are swapped", k, other[0], table)
			if err := b.Put(k, other[1]); err != nil {
				return err
			}
			return b.Put(other[0], v)
		}
		did = fmt.Sprintf("row %x of %s is as it was", k, table)
		return was.View(func(tx *bbolt.Tx) error {
			before := tx.Bucket([]byte("creditledger")).Bucket([]byte(table)).Get(k)
			if before == nil {
				return b.Delete(k)
			}
			return b.Put(k, before)
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return did
}

// TestTamperedFiles changes one row of a file. It is not opened, or verification
// notices, or the ledger says in every byte what it said before and goes on well.
func TestTamperedFiles(t *testing.T) {
	r := rand.New(rand.NewPCG(testseed.Of(t), 2))
	dir := t.TempDir()
	file, older := storyFile(t, r, dir)
	sound := filepath.Join(dir, "sound.db") // which is folded when it is closed
	copyFile(t, file, sound)
	want, whole := digestOfFile(t, sound)
	if !whole {
		t.Fatal("the file is not whole to begin with")
	}
	noticed := 0
	tries := testsize.Of(40, 150, 5000)
	for n := range tries {
		path := filepath.Join(dir, fmt.Sprint("tampered-", n, ".db"))
		copyFile(t, file, path)
		did := tamper(t, r, path, older)
		got, whole := digestOfFile(t, path)
		switch {
		case !whole:
			noticed++
		case got != want:
			t.Errorf("%s, which nothing notices", did)
		default:
			if again, whole := digestOfFile(t, path); !whole || again != got {
				t.Errorf("%s: opened once more the ledger is another one", did)
			}
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	if noticed < tries/3 {
		t.Errorf("%d of %d changes are noticed", noticed, tries)
	}
}

// digestOfFile opens and verifies a file; whole is false when either fails.
func digestOfFile(t *testing.T, path string) (digest string, whole bool) {
	t.Helper()
	s, err := bolt.Open(path, nil)
	if err != nil {
		return "", false
	}
	defer s.Close()
	l := creditledger.New(s, nil)
	defer l.Close()
	if v, err := l.VerifyAll(context.Background(), nil); err != nil || v.Violation != nil {
		return "", false
	}
	digest, err = fuzz.Digest(context.Background(), s)
	if err != nil {
		return err.Error(), true
	}
	return digest, true
}
