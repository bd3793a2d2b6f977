package postgres

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"creditledger"
	"creditledger/store/postgres"
	"creditledger/store/postgres/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// TestACallAndItsPriceStandTogether charges 20 calls of 7 credits at once to 100
// credits: 14 are recorded and paid for, the others leave nothing.
func TestACallAndItsPriceStandTogether(t *testing.T) {
	ctx := t.Context()
	config, err := pgxpool.ParseConfig(pgtest.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	postgres.Watch(config)
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if err := postgres.Migrate(ctx, pool, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Exec(ctx, "CREATE TABLE calls (id text PRIMARY KEY, customer text NOT NULL)"); err != nil {
		t.Fatal(err)
	}
	store, err := postgres.Open(ctx, pool, nil)
	if err != nil {
		t.Fatal(err)
	}
	ledger := creditledger.New(store, nil)
	ann := creditledger.AccountID{Customer: "ann"}
	if _, err := ledger.Do(ctx, ann, creditledger.Increment{Amount: creditledger.AmountOf(100)}, ""); err != nil {
		t.Fatal(err)
	}

	calls := &Calls{Pool: pool}
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			err := calls.Record(ctx, "ann", fmt.Sprint("call-", i), creditledger.AmountOf(7))
			if err != nil && !errors.Is(err, creditledger.ErrInsufficientCredits) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	var recorded int
	if err := pool.QueryRow(ctx, "SELECT count(*) FROM calls").Scan(&recorded); err != nil {
		t.Fatal(err)
	}
	left, err := ledger.Balance(ctx, ann, creditledger.BalanceQuery{})
	if err != nil || recorded != 14 || left.Total.String() != "2" {
		t.Errorf("%d calls are recorded and %v credits left, %v; want 14 and 2", recorded, left.Total, err)
	}
	if err := errors.Join(ledger.Close(), store.Close()); err != nil {
		t.Error(err)
	}
}
