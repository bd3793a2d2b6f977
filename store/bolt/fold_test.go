package bolt

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"

	"creditledger"
	"creditledger/fuzz/testseed"
)

// namedTail is a tail of accounts with names of all kinds, in another order than that of
// their numbers, each with records, blocks, keys and something due.
func namedTail(r *rand.Rand, accounts, blocks int) *tail {
	t := newTail(0, 0)
	format := []string{"c%d", "%d-c", "c%09d", "%x"}[r.IntN(4)]
	unique := func(i int) string { return fmt.Sprintf(format, r.IntN(1e6)*100+i) }
	for n, name := range r.Perm(accounts) {
		id := creditledger.AccountID{Customer: fmt.Sprintf(format, name), Currency: "credits"}
		c := creditledger.Change{Account: id, Head: creditledger.Head{
			Version: 64, Blocks: uint64(blocks), LastAt: 1, NextDue: creditledger.Instant(1 + r.IntN(accounts)),
		}}
		for i := range 64 {
			c.Journal = append(c.Journal, creditledger.JournalRecord{Seq: uint64(i + 1), Bytes: []byte("x")})
		}
		for _, i := range r.Perm(blocks) {
			b := creditledger.Block{ID: unique(i), Number: uint64(i + 1)}
			c.Blocks = append(c.Blocks, creditledger.StoredBlock{Block: b, Open: true, New: true})
			c.Keys = append(c.Keys, creditledger.KeyedRecord{Key: creditledger.Key(unique(i)), Seq: 1})
		}
		t.add(&c, accountPos{acct: uint64(n + 1)}, uint64(64*n+1))
	}
	return t
}

// TestFoldsOfAnyNames: whatever accounts, blocks and keys are called, and in whatever
// order they were made, no row is put in front of one that the same fold put there, which
// bbolt would have to move.
func TestFoldsOfAnyNames(t *testing.T) {
	r := rand.New(rand.NewPCG(testseed.Of(t), 1))
	for range 20 {
		accounts, blocks := 1+r.IntN(60), r.IntN(60)
		foldInOrder(t, namedTail(r, accounts, blocks), map[string]int{
			"meta": 1, "accounts": accounts, "journal": 2 * accounts, "due": accounts,
			"blocks": accounts * blocks, "open": accounts * blocks, "blockids": accounts * blocks, "holders": accounts * blocks,
			"keys": accounts * blocks,
		})
	}
}

// foldInOrder folds a tail into an empty file and looks at the rows that each table gets.
func foldInOrder(t *testing.T, tail *tail, want map[string]int) {
	t.Helper()
	db, err := bbolt.Open(filepath.Join(t.TempDir(), "ledger.db"), 0o600, &bbolt.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.Update(func(tx *bbolt.Tx) error {
		if err := makeBuckets(tx); err != nil {
			return err
		}
		v, err := openView(tx)
		if err != nil {
			return err
		}
		w := newWriter(v)
		w.chain(tail)
		w.folded(1, tail.acct)
		for i, name := range buckets {
			rows := w.tables[i].sorted()
			if len(rows) != want[string(name)] {
				t.Errorf("%s gets %d rows, want %d", name, len(rows), want[string(name)])
			}
			for n := 1; n < len(rows); n++ {
				if bytes.Compare(rows[n-1].key, rows[n].key) >= 0 {
					t.Fatalf("%s: row %q is put after row %q", name, rows[n].key, rows[n-1].key)
				}
			}
		}
		return w.flush()
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestOfSeveralRowsTheLastCounts: a fold of two tails writes what the newer one says.
func TestOfSeveralRowsTheLastCounts(t *testing.T) {
	rows := (&table{rows: []tableRow{
		{[]byte("b"), []byte("1")}, {[]byte("a"), []byte("2")}, {[]byte("b"), nil},
		{[]byte("a"), nil}, {[]byte("a"), []byte("3")},
	}}).sorted()
	if got := fmt.Sprintf("%s", rows); got != "[{a 3} {b }]" {
		t.Errorf("got %s", got)
	}
}
