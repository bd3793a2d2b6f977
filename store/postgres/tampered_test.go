package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"creditledger"
	"creditledger/fuzz/testseed"
	"creditledger/fuzz/testsize"
	"creditledger/store/postgres"
	"creditledger/store/postgres/pgtest"
)

// identities are the columns of each table's primary key.
var identities = map[string]string{
	"heads": "bucket, customer, currency", "journal": "bucket, customer, currency, seq", "keys": "bucket, customer, currency, key",
	"blocks": "bucket, customer, currency, number", "block_ids": "bucket, customer, currency, id", "open_blocks": "bucket, customer, currency, number",
}

// tampering is one statement that changes rows of the ledger.
type tampering struct{ what, statement string }

// tamperings are ways to change one row, or all of a table or an account, that somebody
// with SQL has: rows are deleted, moved, renamed, doubled and put back as they were.
func tamperings(r *rand.Rand) tampering {
	names := []string{"heads", "heads", "heads", "journal", "journal", "keys", "blocks", "blocks", "blocks", "blocks", "block_ids", "open_blocks", "open_blocks"}
	table := names[r.IntN(len(names))]
	one := fmt.Sprintf("ctid = (SELECT ctid FROM creditledger.%s ORDER BY %s OFFSET %d LIMIT 1)", table, identities[table], r.IntN(12))
	if table == "heads" || r.IntN(4) == 0 {
		one = fmt.Sprintf("customer = 'cus_%d'", r.IntN(3))
	}
	set := func(what, to string) tampering {
		return tampering{what, fmt.Sprintf("UPDATE creditledger.%s SET %s WHERE %s", table, to, one)}
	}
	switch r.IntN(9) {
	case 0, 1:
		return tampering{"deleted", fmt.Sprintf("DELETE FROM creditledger.%s WHERE %s", table, one)}
	case 2:
		return set("moved to another bucket", "bucket = bucket + 1")
	case 3:
		return set("moved to a bucket that there is not", "bucket = bucket + 1000")
	case 4:
		return set("renamed", "customer = customer || 'x'")
	case 5:
		return set("of another currency", "currency = 'other'")
	case 6:
		return tampering{"everything in another bucket", `UPDATE creditledger.heads SET bucket = bucket + 1; UPDATE creditledger.journal SET bucket = bucket + 1;
UPDATE creditledger.keys SET bucket = bucket + 1; UPDATE creditledger.blocks SET bucket = bucket + 1;
UPDATE creditledger.block_ids SET bucket = bucket + 1; UPDATE creditledger.open_blocks SET bucket = bucket + 1`}
	case 7:
		return tampering{"a record behind the head", fmt.Sprintf(`INSERT INTO creditledger.journal SELECT seq + 1, bucket, customer, currency, record, lines FROM creditledger.journal
WHERE customer = 'cus_%d' ORDER BY seq DESC LIMIT 1`, r.IntN(3))}
	}
	return tampering{"as it was", fmt.Sprintf(`DELETE FROM creditledger.%[1]s WHERE %[2]s; INSERT INTO creditledger.%[1]s SELECT * FROM older.%[1]s ON CONFLICT DO NOTHING`, table, one)}
}

// tampered changes rows at random, in a ledger of three accounts that a running process
// knows, has each change looked at, and puts everything back.
func tampered(t *testing.T, look func(pool *pgxpool.Pool, running *creditledger.Ledger, c tampering)) {
	t.Helper()
	ctx := t.Context()
	pool := newPool(t, pgtest.Database(t), nil)
	s := openIn(t, pool, nil)
	r := rand.New(rand.NewPCG(testseed.Of(t), 1))
	l := creditledger.New(s, nil)
	for n := range 40 {
		if n == 30 {
			copyTables(t, pool, "older")
		}
		id := creditledger.AccountID{Customer: fmt.Sprint("cus_", n%3), Currency: "credits"}
		var op creditledger.Operation = creditledger.Increment{Amount: creditledger.AmountOf(5), ExpiresAt: creditledger.At(time.Now().AddDate(1, 0, n)), Repay: creditledger.RepayNever}
		if n%4 == 3 {
			op = spend(7)
		}
		if _, err := l.Do(ctx, id, op, creditledger.Key(fmt.Sprint("key-", n))); err != nil {
			t.Fatal(err)
		}
	}
	copyTables(t, pool, "whole")
	tried := 0
	for range testsize.Of(15, 60, 1000) {
		running := warm(t, s)
		if c := tamperings(r); tamper(t, pool, c) {
			tried++
			look(pool, running, c)
		}
		running.Close()
		copyBack(t, pool)
	}
	if tried == 0 {
		t.Error("nothing was changed")
	}
}

// TestTamperedRowsBesideAProcess: what a running process acknowledges is there, and it
// answers in no time.
func TestTamperedRowsBesideAProcess(t *testing.T) {
	tampered(t, func(pool *pgxpool.Pool, running *creditledger.Ledger, c tampering) { goesOnWell(t, pool, running, c) })
}

// warm is a ledger that has written to all accounts: it and its store know them.
func warm(t *testing.T, s creditledger.Store) *creditledger.Ledger {
	t.Helper()
	l := creditledger.New(s, nil)
	for n := range 3 {
		grant(t, l, creditledger.AccountID{Customer: fmt.Sprint("cus_", n), Currency: "credits"}, "1")
	}
	return l
}

// tamper carries a statement out, and reports whether it did anything.
func tamper(t *testing.T, pool *pgxpool.Pool, c tampering) bool {
	t.Helper()
	before := contents(t, pool)
	for _, statement := range strings.Split(c.statement, ";") {
		if _, err := pool.Exec(t.Context(), statement); err != nil {
			copyBack(t, pool)
			return false
		}
	}
	return contents(t, pool) != before
}

// contents is a digest of all rows.
func contents(t *testing.T, pool *pgxpool.Pool) (digest string) {
	t.Helper()
	for _, table := range tables {
		var part string
		if err := pool.QueryRow(t.Context(), fmt.Sprintf("SELECT md5(coalesce(string_agg(x::text, ',' ORDER BY x::text), '')) FROM creditledger.%s x", table)).Scan(&part); err != nil {
			t.Fatal(err)
		}
		digest += part
	}
	return digest
}

// goesOnWell has the running process grant to each account and spend more than a block
// holds: in no time, and only what is there then is acknowledged.
func goesOnWell(t *testing.T, pool *pgxpool.Pool, running *creditledger.Ledger, c tampering) {
	t.Helper()
	grant := creditledger.Increment{Amount: creditledger.AmountOf(1), BlockID: "acknowledged", Repay: creditledger.RepayNever}
	for n := range 3 {
		id := creditledger.AccountID{Customer: fmt.Sprint("cus_", n), Currency: "credits"}
		do := func(op creditledger.Operation) []creditledger.Entry {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			res, err := running.Do(ctx, id, op, "")
			if errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("%s: an operation of %s takes more than a minute: %s", c.what, id, c.statement)
			}
			if err != nil {
				return nil
			}
			return res.Entries
		}
		there := func(block, rows string) {
			var found int
			if err := pool.QueryRow(t.Context(), rows, id.Customer, block).Scan(&found); err != nil || found != 1 {
				t.Errorf("%s: an operation of %s is acknowledged, and not there (%d rows, %v): %s", c.what, id, found, err, c.statement)
			}
		}
		if len(do(grant)) > 0 {
			there("acknowledged", `SELECT count(*) FROM creditledger.blocks b JOIN creditledger.heads h USING (bucket, customer, currency)
WHERE b.customer = $1 AND b.id = $2 AND h.blocks >= b.number`)
		}
		drawn := do(spend(7))
		for i := range drawn[:max(0, len(drawn)-1)] { // all but the last block are used up
			there(drawn[i].Block.ID, "SELECT count(*) FROM creditledger.blocks WHERE customer = $1 AND id = $2 AND balance = 0")
		}
	}
}

// copyTables keeps the rows in another schema, copyBack puts those of "whole" in their
// place.
func copyTables(t *testing.T, pool *pgxpool.Pool, schema string) {
	t.Helper()
	statements := []string{"CREATE SCHEMA " + schema}
	for _, table := range tables {
		statements = append(statements, fmt.Sprintf("CREATE TABLE %s.%s AS SELECT * FROM creditledger.%s", schema, table, table))
	}
	for _, s := range statements {
		if _, err := pool.Exec(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
}

func copyBack(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
		for _, table := range tables {
			for _, s := range []string{"DELETE FROM creditledger.%[1]s", "INSERT INTO creditledger.%[1]s SELECT * FROM whole.%[1]s"} {
				if _, err := tx.Exec(t.Context(), fmt.Sprintf(s, table)); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestJoinedTransactionsThatRace lets transactions of callers, at every level, spend from
// one account at once. Whoever loses is told of a conflict, and to begin again helps.
func TestJoinedTransactionsThatRace(t *testing.T) {
	r := rand.New(rand.NewPCG(testseed.Of(t), 2))
	for _, level := range []string{"read committed", "repeatable read", "serializable"} {
		dsn := pgtest.Database(t)
		pool := newPool(t, dsn, isolated(level))
		l := creditledger.New(openIn(t, pool, nil), nil)
		grant(t, l, account, "100000")
		rounds, workers := testsize.Of(5, 10, 200), 3
		seeds := make([]uint64, workers)
		for i := range seeds {
			seeds[i] = r.Uint64()
		}
		each(workers, func(i int) {
			own := rand.New(rand.NewPCG(seeds[i], 0))
			for done, tries := 0, 0; done < rounds; tries++ {
				err := joinedSpend(pool, time.Duration(own.IntN(2000))*time.Microsecond)
				if err == nil {
					done++
				} else if !errors.Is(err, creditledger.ErrConflict) {
					t.Errorf("%s: %v", level, err)
					return
				}
				if tries > 100*rounds {
					t.Errorf("%s: a hundred conflicts for each operation", level)
					return
				}
			}
		})
		if got, want := balance(t, reopen(t, pool, nil), account), fmt.Sprint(100_000-rounds*workers); got != want {
			t.Errorf("%s: %s are left, not %s", level, got, want)
		}
		verify(t, l)
	}
}

// joinedSpend spends one credit in a transaction of its own, which dawdles on its way. An
// error in the end of the transaction is a conflict as well.
func joinedSpend(pool *pgxpool.Pool, dawdle time.Duration) error {
	ctx := context.Background()
	tx, err := pool.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(ctx) }()
	j, err := postgres.Join(ctx, tx, nil)
	if err != nil {
		return err
	}
	l := creditledger.New(j, nil)
	if _, err := l.Balance(ctx, account, creditledger.BalanceQuery{}); err != nil {
		return err
	}
	time.Sleep(dawdle)
	if _, err := l.Do(ctx, account, spend(1), ""); err != nil {
		return err
	}
	time.Sleep(dawdle)
	if err := tx.Commit(ctx); err != nil {
		return errors.Join(creditledger.ErrConflict, err)
	}
	return nil
}

// TestJoinedTransactionsGivenUp ends contexts at random moments of calls in callers'
// transactions, which are over right after.
func TestJoinedTransactionsGivenUp(t *testing.T) {
	r := rand.New(rand.NewPCG(testseed.Of(t), 3))
	pool := newPool(t, pgtest.Database(t), nil)
	l := creditledger.New(openIn(t, pool, nil), nil)
	grant(t, l, account, "100000")
	usual := time.Minute // what an operation takes, once it is known
	for n := range testsize.Of(50, 200, 3000) {
		background := context.Background()
		tx, err := pool.Begin(background)
		if err != nil {
			t.Fatal(err)
		}
		j, err := postgres.Join(background, tx, nil)
		if err != nil {
			t.Fatal(err)
		}
		joined := creditledger.New(j, nil)
		if _, err := joined.Balance(background, account, creditledger.BalanceQuery{}); err != nil {
			t.Fatal(err)
		}
		patience, begin := time.Minute, time.Now()
		if n >= 10 {
			patience = time.Duration(r.Int64N(2 * int64(usual)))
		}
		ctx, cancel := context.WithTimeout(background, patience)
		if _, err = joined.Do(ctx, account, spend(1), ""); n < 10 {
			usual = min(usual, time.Since(begin))
		}
		if tx.Conn().PgConn().IsBusy() {
			t.Fatalf("the call of %d is over, and uses its transaction", n)
		}
		if err == nil && r.IntN(2) == 0 {
			_ = tx.Commit(background)
		} else {
			_ = tx.Rollback(background)
		}
		cancel()
	}
	verify(t, l)
}
