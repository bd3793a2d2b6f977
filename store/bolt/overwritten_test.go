package bolt_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"creditledger"
	"creditledger/fuzz/testseed"
	"creditledger/fuzz/testsize"
	"creditledger/store/bolt"
)

// TestFilesOverwrittenInPlace copies an older backup over a file that is in use. What is
// acknowledged from then on is there when the file is opened again: soon after, before
// what the process remembers is written anew.
func TestFilesOverwrittenInPlace(t *testing.T) {
	r := rand.New(rand.NewPCG(testseed.Of(t), 3))
	for round := range testsize.Of(3, 20, 500) {
		overwrittenOnce(t, r, round)
	}
}

// overwrittenOnce is one round of it.
func overwrittenOnce(t *testing.T, r *rand.Rand, round int) {
	t.Helper()
	dir := t.TempDir()
	defer os.RemoveAll(dir) // one round leaves a log file of 32 MiB
	live, backup := filepath.Join(dir, "live.db"), filepath.Join(dir, "backup.db")
	s := mustOpen(t, live, nil)
	bolt.SetFoldEvery(s, 1+r.IntN(20))
	l := creditledger.New(s, nil)
	grant := func(block string) error {
		_, err := l.Do(context.Background(), ann, creditledger.Increment{Amount: creditledger.AmountOf(1), BlockID: block, Repay: creditledger.RepayNever}, "")
		return err
	}
	copied := 10 + r.IntN(30)
	over := copied + 1 + r.IntN(10)
	var acknowledged []string
	for n := range over + 1 + r.IntN(6) {
		switch n {
		case copied:
			copyFile(t, live, backup)
		case over:
			data, err := os.ReadFile(backup)
			if err != nil {
				t.Fatal(err)
			}
			overwrite(t, live, data)
		}
		if id := fmt.Sprint("block-", n); grant(id) == nil && n >= over {
			acknowledged = append(acknowledged, id)
		}
	}
	there := filepath.Join(dir, "there.db")
	copyFile(t, live, there)
	l.Close()
	s.Close()
	if len(acknowledged) == 0 {
		return
	}
	again, err := bolt.Open(there, nil)
	if err != nil {
		t.Errorf("round %d: %d operations were acknowledged, and the file cannot be opened: %v", round, len(acknowledged), err)
		return
	}
	for _, id := range acknowledged {
		if _, err := creditledger.New(again, nil).Block(context.Background(), ann, id); err != nil {
			t.Errorf("round %d: %s was acknowledged: %v", round, id, err)
			break
		}
	}
	mustClose(t, again)
}
