package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"creditledger"
	"creditledger/store/postgres"
	"creditledger/store/postgres/pgtest"
)

// inTxLosesTheAnswerCases are the cases of TestInTxLosesTheAnswer.
var inTxLosesTheAnswerCases = []struct {
	name                  string
	delivered, down, over bool
	runs                  int
	unknown               bool
}{
	{"it arrived", true, false, false, 1, false},
	{"it did not arrive", false, false, false, 2, false},
	{"it arrived, and the server is gone", true, true, false, 1, true},
	{"it did not arrive, and the server is gone", false, true, false, 1, true},
	{"it arrived, and the context is over", true, false, true, 1, true},
}

// TestInTxLosesTheAnswer: when the answer to COMMIT is lost, InTx finds out what became of
// it: what arrived is not done again, and what did not is. If it cannot find out, or its
// context is over, the error is an unknown outcome that names the key.
func TestInTxLosesTheAnswer(t *testing.T) {
	for _, c := range inTxLosesTheAnswerCases {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var cut commitCut
			dsn := pgtest.Database(t)
			pool := newPool(t, dsn, cut.install)
			s := openIn(t, newPool(t, dsn, nil), nil)
			grant(t, creditledger.New(s, nil), account, "100")
			if _, err := pool.Exec(ctx, "CREATE TABLE calls (n int)"); err != nil {
				t.Fatal(err)
			}
			cut.deliver.Store(c.delivered)
			cut.down.Store(c.down)
			if c.over {
				cut.onCut = cancel
			}
			cut.left.Store(1)
			runs := 0
			opts := postgres.TxOptions{Options: &postgres.Options{}}
			if c.down {
				opts.Options.Patience = 300 * time.Millisecond
			}
			err := postgres.InTxWith(ctx, pool, opts, func(tx pgx.Tx, l *creditledger.Ledger) error {
				runs++
				if _, err := tx.Exec(ctx, "INSERT INTO calls VALUES (1)"); err != nil {
					return err
				}
				_, err := l.Do(ctx, account, spend(1), "mine")
				return err
			})
			var unknown *creditledger.OutcomeUnknownError
			if errors.As(err, &unknown) != c.unknown || err == nil == c.unknown || runs != c.runs {
				t.Fatalf("%v after %d runs, want an unknown outcome %t after %d", err, runs, c.unknown, c.runs)
			}
			if unknown != nil && unknown.Key != "mine" {
				t.Errorf("the error names the key %q", unknown.Key)
			}
			if c.over && !errors.Is(err, context.Canceled) {
				t.Errorf("error %v, want one of the context, too", err)
			}
			check := func(want int) {
				t.Helper()
				var rows int
				if err := newPool(t, dsn, nil).QueryRow(t.Context(), "SELECT count(*) FROM calls").Scan(&rows); err != nil {
					t.Fatal(err)
				}
				if got := balance(t, s, account); rows != want || got != fmt.Sprint(100-want) {
					t.Errorf("%d rows, balance %s, want %d rows", rows, got, want)
				}
			}
			if !c.unknown {
				check(1)
			}
			cut.down.Store(false)
			err = postgres.InTx(t.Context(), newPool(t, dsn, nil), func(tx pgx.Tx, l *creditledger.Ledger) error {
				r, err := l.Do(t.Context(), account, spend(1), "mine")
				if err != nil || r.Replayed {
					return err
				}
				_, err = tx.Exec(t.Context(), "INSERT INTO calls VALUES (1)")
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			check(1)
		})
	}
}
