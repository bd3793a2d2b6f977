package bolt

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"go.etcd.io/bbolt"

	"creditledger"
)

var seedFlag = flag.Uint64("seed", 0, "seed of the random tests; 0: a random one, which is printed")

// seeded returns the seed of a random test, and prints it.
func seeded(t testing.TB) uint64 {
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64() >> 16
	}
	t.Logf("seed: -seed=%d", seed)
	return seed
}

// namedTail is a tail of accounts with names of all kinds, in any order.
func namedTail(r *rand.Rand, accounts, blocks int) *tail {
	t := newTail(0, 0)
	format := []string{"c%d", "%d-c", "c%09d", "%x"}[r.IntN(4)]
	for n, name := range r.Perm(accounts) {
		id := creditledger.AccountID{Customer: fmt.Sprintf(format, name), Currency: "credits"}
		c := creditledger.Change{Account: id, Head: creditledger.Head{Version: 1, Blocks: uint64(blocks), LastAt: 1, NextDue: creditledger.Instant(1 + r.IntN(accounts))}}
		c.Journal = []creditledger.JournalRecord{{Seq: 1, Bytes: []byte("x")}}
		for i := range blocks {
			b := creditledger.Block{ID: fmt.Sprintf(format, r.IntN(1e9)), Number: uint64(i + 1)}
			c.Blocks = append(c.Blocks, creditledger.StoredBlock{Block: b, Open: true, New: true})
			c.Keys = append(c.Keys, creditledger.KeyedRecord{Key: creditledger.Key(fmt.Sprintf(format, r.IntN(1e9))), Seq: 1})
		}
		t.add(&c, accountPos{acct: uint64(n + 1)}, uint64(n+1))
	}
	return t
}

// moved counts the rows that bbolt has to move for those that a fold of a tail puts in
// front of them: until the transaction ends all lie in one leaf.
func moved(t *testing.T, tail *tail) (rows, moved int) {
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
		w.gather(1, tail)
		for i := range w.tables {
			var put [][]byte
			for _, row := range w.tables[i].sorted() {
				at, _ := slices.BinarySearchFunc(put, row.key, bytes.Compare)
				rows, moved = rows+1, moved+len(put)-at
				put = slices.Insert(put, at, row.key)
			}
		}
		return v.fold(1, tail)
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows, moved
}

// TestFoldsOfAnyNames: whatever accounts, blocks and keys are called, and in whatever
// order they were made, no row of a fold has to be moved for another.
func TestFoldsOfAnyNames(t *testing.T) {
	r := rand.New(rand.NewPCG(seeded(t), 1))
	for range 20 {
		accounts, blocks := 1+r.IntN(60), r.IntN(60)
		if rows, moved := moved(t, namedTail(r, accounts, blocks)); moved > 0 || rows < accounts*(1+blocks) {
			t.Errorf("%d accounts of %d blocks: %d rows, of which some are moved %d times", accounts, blocks, rows, moved)
		}
	}
}
