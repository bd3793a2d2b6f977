package postgres_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"creditledger"
	"creditledger/fuzz/testseed"
	"creditledger/fuzz/testsize"
	"creditledger/store/postgres"
	"creditledger/store/postgres/pgtest"
)

// dawdler is a process that is busy with other things between what it reads and what it
// commits.
type dawdler struct {
	*postgres.Store
	dawdle time.Duration
}

func (d dawdler) Commit(ctx context.Context, changes []creditledger.Change) error {
	time.Sleep(d.dawdle)
	return d.Store.Commit(ctx, changes)
}

// TestUnevenProcesses: of several processes on one account one is much slower than the
// others, by how much is chosen at random. It gets its turn all the same, and no caller
// hears of a conflict.
func TestUnevenProcesses(t *testing.T) {
	r := rand.New(rand.NewPCG(testseed.Of(t), 4))
	for range testsize.Of(1, 1, 20) {
		dsn := pgtest.Database(t)
		fast, wanted := 2+r.IntN(3), testsize.Of(3, 5, 50)
		var ledgers []*creditledger.Ledger
		for i := range fast + 1 {
			d := dawdler{openIn(t, newPool(t, dsn, nil), nil), time.Duration(r.IntN(1000)) * time.Microsecond}
			if i == 0 {
				d.dawdle += time.Duration(20+r.IntN(30)) * time.Millisecond
			}
			ledgers = append(ledgers, creditledger.New(d, nil))
		}
		grant(t, ledgers[0], account, "1000000")
		var over atomic.Bool
		var others atomic.Int64
		each(fast+1, func(i int) {
			for n := 0; n < wanted || i > 0; n++ {
				if over.Load() {
					return
				}
				if _, err := ledgers[i].Do(t.Context(), account, spend(1), creditledger.Key(fmt.Sprint(i, " ", n))); err != nil {
					t.Errorf("process %d of %d, operation %d: %v", i, fast+1, n, err)
					break
				}
				if i > 0 && others.Add(1) > 20_000 {
					t.Error("the others do 20,000 operations, and the slow process not its own")
					break
				}
			}
			over.Store(true)
		})
		verify(t, ledgers[0])
		for _, l := range ledgers {
			l.Close()
		}
	}
}
