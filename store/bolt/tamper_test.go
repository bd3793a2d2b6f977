package bolt_test

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"creditledger"
	"creditledger/store/bolt"
)

// allRows are the rows of every bucket of a file, by bucket and in order.
func allRows(t *testing.T, db *bbolt.DB) map[string][][2][]byte {
	t.Helper()
	rows := map[string][][2][]byte{}
	err := db.View(func(tx *bbolt.Tx) error {
		top := tx.Bucket([]byte("creditledger"))
		return top.ForEachBucket(func(name []byte) error {
			rows[string(name)] = nil
			return top.Bucket(name).ForEach(func(k, v []byte) error {
				rows[string(name)] = append(rows[string(name)], [2][]byte{slices.Clone(k), append([]byte{}, v...)})
				return nil
			})
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// tamperedFile is a ledger with rows in every bucket, and what they were some operations
// earlier. With a tail, the last operations stand in the log alone.
func tamperedFile(t *testing.T, tail bool) (db *bbolt.DB, old map[string][][2][]byte) {
	t.Helper()
	dir := t.TempDir()
	name := func(s string) string { return filepath.Join(dir, s) }
	s := mustOpen(t, name("ledger.db"), nil)
	indexed(t, s)
	mustClose(t, s)
	copyFile(t, name("ledger.db"), name("old.db"))
	s = mustOpen(t, name("ledger.db"), nil)
	now := time.Date(2026, 1, 20, 0, 0, 0, 0, time.UTC)
	l := creditledger.New(s, &creditledger.Options{Clock: func() time.Time { now = now.Add(time.Hour); return now }})
	external := "ext-ann"
	for _, id := range []creditledger.AccountID{ann, bob, cyd, ann} {
		ops := []creditledger.Operation{
			creditledger.Increment{Amount: creditledger.AmountOf(9), ExpiresAt: creditledger.At(now.AddDate(1, 0, 0))},
			creditledger.Decrement{Amount: creditledger.AmountOf(3)},
		}
		for i, op := range ops {
			if _, err := l.Do(t.Context(), id, op, creditledger.Key(fmt.Sprint("late", i, now.Unix()))); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := l.PutCustomer(t.Context(), creditledger.CustomerUpdate{ID: "ann", ExternalID: &external}); err != nil {
		t.Fatal(err)
	}
	if tail {
		copyFile(t, name("ledger.db"), name("tail.db"))
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	mustClose(t, s)
	if tail {
		copyFile(t, name("tail.db"), name("ledger.db"))
	}
	open := func(file string) *bbolt.DB {
		db, err := bbolt.Open(name(file), 0o600, &bbolt.Options{NoSync: true})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		return db
	}
	return open("ledger.db"), allRows(t, open("old.db"))
}

// rowTamper is something done to a bucket by hand.
type rowTamper struct {
	name string // "bucket: what"
	do   func(b *bbolt.Bucket) error
}

// nextKey is a key that is not the row's, of its length.
func nextKey(k []byte) []byte {
	k = slices.Clone(k)
	k[len(k)-1] ^= 0x40
	return k
}

// rowTampers are what can be done to single rows of every bucket: to the first, one in the
// middle and the last, and every row that has changed since it was old.
func rowTampers(now, old map[string][][2][]byte) (list []rowTamper) {
	for bucket, rows := range now {
		add := func(what string, do func(b *bbolt.Bucket) error) {
			list = append(list, rowTamper{bucket + ": " + what, do})
		}
		for _, i := range []int{0, len(rows) / 2, len(rows) - 1} {
			if len(rows) == 0 {
				continue
			}
			k, v := rows[i][0], rows[i][1]
			other := rows[(i+1)%len(rows)]
			add("deleted", func(b *bbolt.Bucket) error { return b.Delete(k) })
			add("twice", func(b *bbolt.Bucket) error { return b.Put(nextKey(k), v) })
			add("renamed", func(b *bbolt.Bucket) error { return errors.Join(b.Delete(k), b.Put(nextKey(k), v)) })
			add("longer", func(b *bbolt.Bucket) error { return b.Put(k, append(slices.Clone(v), 0)) })
			if len(v) > 0 {
				add("altered", func(b *bbolt.Bucket) error {
					changed := slices.Clone(v)
					changed[len(v)-1] ^= 1
					return b.Put(k, changed)
				})
				add("emptied", func(b *bbolt.Bucket) error { return b.Put(k, []byte{}) })
			}
			if len(rows) > 1 && !bytes.Equal(v, other[1]) {
				add("swapped", func(b *bbolt.Bucket) error { return errors.Join(b.Put(k, other[1]), b.Put(other[0], v)) })
				add("moved", func(b *bbolt.Bucket) error { return errors.Join(b.Put(k, other[1]), b.Delete(other[0])) })
			}
		}
		for _, was := range old[bucket] {
			at := slices.IndexFunc(rows, func(r [2][]byte) bool { return bytes.Equal(r[0], was[0]) })
			switch {
			case at < 0:
				add("back again", func(b *bbolt.Bucket) error { return b.Put(was[0], was[1]) })
			case !bytes.Equal(rows[at][1], was[1]):
				add("aged", func(b *bbolt.Bucket) error { return b.Put(was[0], was[1]) })
			}
		}
	}
	slices.SortStableFunc(list, func(a, b rowTamper) int { return strings.Compare(a.name, b.name) })
	return list
}

// unprovenRows are the tampers that verification cannot notice, and why.
var unprovenRows = map[string]string{
	"records: deleted": "a record of a kind that the ledger does not know is referred to by nothing",
}

// TestTampering: whatever is done to a row of any bucket is noticed.
func TestTampering(t *testing.T) {
	for _, tail := range []bool{false, true} {
		db, old := tamperedFile(t, tail)
		now := allRows(t, db)
		tampers := rowTampers(now, old)
		tampers = append(tampers, rowTamper{"meta: nothing", func(*bbolt.Bucket) error { return nil }})
		tried := map[string]int{}
		for _, x := range tampers {
			bucket, _, _ := strings.Cut(x.name, ":")
			tried[x.name]++
			v, err := verifyRows(t, db, bucket, x.do)
			noticed := errors.Is(err, creditledger.ErrCorrupt) || err == nil && !v.OK && v.Violation != nil
			switch {
			case x.name == "meta: nothing":
				if err != nil || !v.OK {
					t.Fatalf("tail %t: as it is: %v, %v", tail, v.Violation, err)
				}
			case !noticed && unprovenRows[x.name] == "" && (!tail || bucket == "log" || bucket == "meta"):
				t.Errorf("tail %t, %s: not noticed, %v", tail, x.name, err)
			}
		}
		for bucket, rows := range now {
			if tried[bucket+": deleted"] == 0 || len(rows) == 0 {
				t.Errorf("bucket %s has no row to tamper with", bucket)
			}
		}
		t.Logf("tail %t: %d kinds of tampering, %d cases", tail, len(tried), len(tampers))
	}
}

// verifyRows does something to a bucket in a transaction, and verifies the ledger in it.
func verifyRows(t *testing.T, db *bbolt.DB, bucket string, do func(b *bbolt.Bucket) error) (v creditledger.Verification, err error) {
	t.Helper()
	tx, err := db.Begin(true)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	if err := do(tx.Bucket([]byte("creditledger")).Bucket([]byte(bucket))); err != nil {
		t.Fatal(err)
	}
	joined, err := bolt.Join(tx)
	if err != nil {
		return v, err
	}
	l := creditledger.New(joined, nil)
	defer l.Close()
	return l.VerifyAll(t.Context(), nil)
}

// TestTamperingWithBuckets: a bucket too many, or a row beside the buckets, is noticed.
func TestTamperingWithBuckets(t *testing.T) {
	db, _ := tamperedFile(t, false)
	for name, do := range map[string]func(top *bbolt.Bucket) error{
		"a bucket":      func(top *bbolt.Bucket) error { _, err := top.CreateBucket([]byte("keys2")); return err },
		"a row":         func(top *bbolt.Bucket) error { return top.Put([]byte("x"), []byte("y")) },
		"a missing one": func(top *bbolt.Bucket) error { return top.DeleteBucket([]byte("open")) },
		"an emptied one": func(top *bbolt.Bucket) error {
			_ = top.DeleteBucket([]byte("due"))
			_, err := top.CreateBucket([]byte("due"))
			return err
		},
	} {
		v, err := verifyRows(t, db, "meta", func(b *bbolt.Bucket) error { return do(b.Tx().Bucket([]byte("creditledger"))) })
		if !errors.Is(err, creditledger.ErrCorrupt) && (err != nil || v.OK) {
			t.Errorf("%s: %v, %v", name, v.Violation, err)
		}
	}
}
