package bolt

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"

	"creditledger"
)

// shuffledTail is a tail of accounts whose names are in another order than their
// numbers, each with blocks, keys and something due.
func shuffledTail(accounts, blocks int) *tail {
	random := rand.New(rand.NewPCG(1, 2))
	t := newTail(0, 0)
	for n, name := range random.Perm(accounts) {
		id := creditledger.AccountID{Customer: fmt.Sprint("c", name), Currency: "credits"}
		c := creditledger.Change{Account: id, Head: creditledger.Head{
			Version: 64, Blocks: uint64(blocks), LastAt: 1, NextDue: creditledger.Instant(1 + random.IntN(accounts)),
		}}
		for i := range 64 {
			c.Journal = append(c.Journal, creditledger.JournalRecord{Seq: uint64(i + 1), Bytes: []byte("x")})
		}
		for _, i := range random.Perm(blocks) {
			b := creditledger.Block{ID: fmt.Sprint("b", random.IntN(1e9)), Number: uint64(i + 1)}
			c.Blocks = append(c.Blocks, creditledger.StoredBlock{Block: b, Open: true, New: true})
			c.Keys = append(c.Keys, creditledger.KeyedRecord{Key: creditledger.Key(fmt.Sprint("k", random.IntN(1e9))), Seq: 1})
		}
		t.add(&c, accountPos{acct: uint64(n + 1)}, uint64(64*n+1))
	}
	return t
}

// TestAFoldPutsRowsInTheOrderOfTheirKeys: whatever the accounts, blocks and keys are
// called, no row is put in front of one that the same fold put there, which bbolt would
// have to move.
func TestAFoldPutsRowsInTheOrderOfTheirKeys(t *testing.T) {
	db, err := bbolt.Open(filepath.Join(t.TempDir(), "ledger.db"), 0o600, nil)
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
		w.gather(1, shuffledTail(50, 20))
		for i, name := range buckets {
			rows := w.tables[i].sorted()
			want := map[string]int{"meta": 1, "accounts": 50, "journal": 100, "blocks": 1000, "open": 1000, "blockids": 1000, "keys": 1000, "due": 50}[string(name)]
			if len(rows) != want {
				t.Errorf("%s gets %d rows, want %d", name, len(rows), want)
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
