package postgres_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"creditledger"
	"creditledger/store/postgres"
	"creditledger/store/postgres/pgtest"
)

// TestManyOpenBlocks spends from an account with 10,000 open blocks: all of them are
// there, and an operation writes what it touches and no more.
func TestManyOpenBlocks(t *testing.T) {
	const blocks = 10_000
	ctx := t.Context()
	pool := newPool(t, pgtest.Database(t), nil)
	s := openIn(t, pool, nil)
	l := creditledger.New(s, nil)
	for range blocks / creditledger.MaxBatch {
		var batch creditledger.Batch
		for range creditledger.MaxBatch {
			batch = append(batch, creditledger.Increment{Amount: creditledger.AmountOf(2)})
		}
		if _, err := l.Do(ctx, account, batch, ""); err != nil {
			t.Fatal(err)
		}
	}
	before := walOf(t, pool)
	const spent = 300
	for range spent {
		if _, err := l.Do(ctx, account, spend(1), ""); err != nil {
			t.Fatal(err)
		}
	}
	if each := (walOf(t, pool) - before) / spent; each > 20_000 {
		t.Errorf("%d bytes of WAL for a decrement of an account with %d blocks", each, blocks)
	} else {
		t.Logf("%d bytes of WAL a decrement", each)
	}
	if _, err := l.Do(ctx, account, spend(500), ""); err != nil { // 250 blocks at once
		t.Fatal(err)
	}
	again := creditledger.New(reopen(t, pool, nil), nil)
	b, err := again.Balance(ctx, account, creditledger.BalanceQuery{})
	if err != nil || b.Total.String() != fmt.Sprint(2*blocks-spent-500) {
		t.Errorf("balance %v, %v", b.Total, err)
	}
	verify(t, again)
}

func walOf(t *testing.T, pool *pgxpool.Pool) (n int64) {
	t.Helper()
	if err := pool.QueryRow(t.Context(), "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestBytes measures what a decrement leaves behind, with all indexes.
func TestBytes(t *testing.T) {
	const clients, spends = 64, 300
	ctx := t.Context()
	pool := newPool(t, pgtest.Database(t), nil)
	l := creditledger.New(openIn(t, pool, nil), nil)
	id := func(i int) creditledger.AccountID {
		return creditledger.AccountID{Customer: fmt.Sprintf("cus_%08d", i), Currency: "credits"}
	}
	for i := range clients {
		for range 10 {
			grant(t, l, id(i), "1000")
		}
	}
	sizes := func() (total int64) {
		const sum = `SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
			WHERE n.nspname = 'creditledger' AND c.relkind = 'r'`
		// Heads do not grow with what is written: their dead versions are room for the next.
		for _, statement := range []string{"VACUUM", "VACUUM FULL creditledger.heads"} {
			if _, err := pool.Exec(ctx, statement); err != nil {
				t.Fatal(err)
			}
		}
		if err := pool.QueryRow(ctx, sum).Scan(&total); err != nil {
			t.Fatal(err)
		}
		return total
	}
	before := sizes()
	each(clients, func(c int) {
		for i := range spends {
			op := creditledger.Decrement{Amount: creditledger.MustAmount("1.25"), ItemID: "api_call"}
			key := creditledger.Key("req_" + fmt.Sprintf("%x", sha256.Sum256([]byte{byte(c), byte(i), byte(i >> 8)}))[:27]) // as random as keys are
			if _, err := l.Do(context.Background(), id(c), op, key); err != nil {
				t.Error(err)
			}
		}
	})
	bytes := (sizes() - before) / (clients * spends)
	t.Logf("%d bytes a decrement, all tables and indexes", bytes)
	if bytes > 600 {
		t.Errorf("%d bytes a decrement, more than 600", bytes)
	}
}

// TestReports compares the views with what the ledger says.
func TestReports(t *testing.T) {
	ctx := t.Context()
	pool := newPool(t, pgtest.Database(t), nil)
	s := openIn(t, pool, nil)
	digestOfRun(t, s)
	l := creditledger.New(s, &creditledger.Options{Clock: func() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }})
	ids, err := s.Accounts(ctx, creditledger.AccountID{}, 10)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		var want, got []string
		for _, e := range entries(t, l, id) {
			want = append(want, fmt.Sprintln(e.Seq, e.Type, e.Block.Number, e.Amount, e.Starting, e.Ending, e.CreatedAt.Time().Format(time.RFC3339Nano)))
		}
		rows, err := pool.Query(ctx, `SELECT entry, type, block, amount::text, starting_balance::text, ending_balance::text, created_at
			FROM creditledger.entry_report WHERE customer = $1 ORDER BY entry`, id.Customer)
		if err != nil {
			t.Fatal(err)
		}
		var entry, block int64
		var kind, amount, starting, ending string
		var at time.Time
		if _, err := pgx.ForEachRow(rows, []any{&entry, &kind, &block, &amount, &starting, &ending, &at}, func() error {
			got = append(got, fmt.Sprintln(entry, kind, block, amount, starting, ending, at.UTC().Format(time.RFC3339Nano)))
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		compare(t, "entries", got, want)

		blocks, err := s.Blocks(ctx, id, 0, 1000)
		if err != nil {
			t.Fatal(err)
		}
		want, got = nil, nil
		for _, b := range blocks {
			want = append(want, fmt.Sprintln(b.Number, b.ID, b.Balance, b.Capacity, b.Status, b.Source, b.ExpiresAt.Time().Format(time.RFC3339Nano)))
		}
		rows, err = pool.Query(ctx, `SELECT number, id, balance::text, capacity::text, status, source, COALESCE(expires_at, '0001-01-01 00:00:00+00')
			FROM creditledger.block_report WHERE customer = $1 ORDER BY number`, id.Customer)
		if err != nil {
			t.Fatal(err)
		}
		var status, source string
		if _, err := pgx.ForEachRow(rows, []any{&block, &kind, &amount, &starting, &status, &source, &at}, func() error {
			got = append(got, fmt.Sprintln(block, kind, amount, starting, status, source, at.UTC().Format(time.RFC3339Nano)))
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		compare(t, "blocks", got, want)
		var total string
		if err := pool.QueryRow(ctx, "SELECT total::text FROM creditledger.account_report WHERE customer = $1", id.Customer).Scan(&total); err != nil || total != balance(t, s, id) {
			t.Errorf("total %s, %v", total, err)
		}
	}
}

func compare(t *testing.T, what string, got, want []string) {
	t.Helper()
	if strings.Join(got, "") != strings.Join(want, "") {
		t.Errorf("%s in the view:\n%swant:\n%s", what, got, want)
	}
}

// TestTotalsAreNumbers: what is not a number never gets into a typed column.
func TestTotalsAreNumbers(t *testing.T) {
	ctx := t.Context()
	pool := newPool(t, pgtest.Database(t), nil)
	grant(t, creditledger.New(openIn(t, pool, nil), nil), account, "10")
	for _, value := range []string{"NaN", "Infinity", "-Infinity"} {
		for _, statement := range []string{
			"UPDATE creditledger.heads SET total = $1::numeric", "UPDATE creditledger.open_blocks SET balance = $1::numeric",
			"UPDATE creditledger.blocks SET initial = $1::numeric", "UPDATE creditledger.blocks SET capacity = $1::numeric",
		} {
			if _, err := pool.Exec(ctx, statement, value); err == nil {
				t.Errorf("%s took %s", statement, value)
			}
		}
	}
}

// TestWholeReads reads blocks in every way while an account is written to: each read
// is of one moment, in which the balances add up.
func TestWholeReads(t *testing.T) {
	ctx := t.Context()
	pool := newPool(t, pgtest.Database(t), nil)
	s := openIn(t, pool, nil)
	const count, moves = 100, 150
	block := func(n uint64, balance int64, isNew bool) creditledger.StoredBlock {
		return creditledger.StoredBlock{Block: creditledger.Block{ID: fmt.Sprint(n), Number: n, Balance: creditledger.AmountOf(balance), EffectiveAt: 1, CreatedAt: 1, ActivatedAt: 1}, Open: true, New: isNew}
	}
	c := creditledger.Change{Account: account, Head: creditledger.Head{Version: 1, Blocks: count}, Journal: []creditledger.JournalRecord{{Seq: 1}}}
	var numbers []uint64
	for n := range uint64(count) {
		c.Blocks, numbers = append(c.Blocks, block(n+1, 10, true)), append(numbers, n+1)
	}
	if err := s.Commit(ctx, []creditledger.Change{c}); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	each(5, func(i int) {
		if i == 0 {
			defer close(done)
			version := uint64(1)
			commit := func(blocks ...creditledger.StoredBlock) {
				version++
				c := creditledger.Change{Account: account, Version: version - 1, Head: creditledger.Head{Version: version, Blocks: count},
					Journal: []creditledger.JournalRecord{{Seq: version}}, Blocks: blocks}
				if err := s.Commit(context.Background(), []creditledger.Change{c}); err != nil {
					t.Error(err)
				}
			}
			for v := range uint64(moves) {
				// Ten credits move between two blocks, of which one rests in the head's
				// row and the other, now and then, does not, and back.
				from := v%count + 1
				to := (from+v*37)%count + 1
				if from != to {
					commit(block(from, 0, false), block(to, 20, false))
					commit(block(from, 10, false), block(to, 10, false))
				}
			}
			return
		}
		for {
			select {
			case <-done:
				return
			default:
			}
			if err := wholeRead(s, i, numbers); err != nil {
				t.Error(err)
				return
			}
		}
	})
}

func wholeRead(s *postgres.Store, way int, numbers []uint64) error {
	var blocks []creditledger.Block
	var err error
	switch way {
	case 1:
		blocks, err = s.Blocks(context.Background(), account, 0, len(numbers))
	case 2:
		blocks, err = s.BlocksByNumber(context.Background(), account, numbers)
	default:
		var state *creditledger.State
		if state, err = s.Load(context.Background(), account, nil); err == nil {
			blocks = state.Blocks
		}
	}
	if err != nil {
		return err
	}
	sum := creditledger.Amount{}
	for i := range blocks {
		if sum, err = sum.Add(blocks[i].Balance); err != nil {
			return err
		}
	}
	if want := fmt.Sprint(10 * len(numbers)); sum.String() != want || len(blocks) != len(numbers) {
		return fmt.Errorf("way %d: %d blocks hold %s, want %s", way, len(blocks), sum, want)
	}
	return nil
}
