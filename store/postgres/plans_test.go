package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"creditledger"
	"creditledger/store/postgres/pgtest"
)

// TestPlans runs every statement on an account with a long history, with plans made
// without knowing it: each reads a few pages, whatever the planner was told. Trap 2
// of the family: a plan that finds one row by filtering the account's whole history.
func TestPlans(t *testing.T) {
	const history = 4000
	ctx := t.Context()
	dsn := pgtest.Database(t)
	pool, err := pgxpool.New(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if err := Migrate(ctx, pool, nil); err != nil {
		t.Fatal(err)
	}
	s, err := Open(ctx, pool, nil)
	if err != nil {
		t.Fatal(err)
	}
	id := creditledger.AccountID{Customer: "cus_1", Currency: "credits"}
	at := s.accountPos(id)
	longHistory(t, s, id, history)
	conn, err := pool.Acquire(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	for _, tables := range []string{"as they are", "analyzed"} {
		if tables == "analyzed" {
			if _, err := conn.Exec(ctx, "ANALYZE"); err != nil {
				t.Fatal(err)
			}
		}
		for _, mode := range []string{"force_generic_plan", "force_custom_plan"} {
			if _, err := conn.Exec(ctx, "SELECT set_config('plan_cache_mode', $1, false)", mode); err != nil {
				t.Fatal(err)
			}
			for name, q := range planned(s.sql, at, history) {
				pages, plan := pagesOf(t, conn.Conn(), q.sql, q.args)
				if pages > q.pages {
					t.Errorf("%s, tables %s, %s: %d pages, more than %d\n%s", name, tables, mode, pages, q.pages, plan)
				}
			}
		}
	}
}

// longHistory gives an account so many records, keys and blocks, half of them open.
func longHistory(t *testing.T, s *Store, id creditledger.AccountID, n uint64) {
	t.Helper()
	const step = 500
	for v := uint64(0); v < n; v += step {
		c := creditledger.Change{Account: id, Version: v, Head: creditledger.Head{Version: v + step, Blocks: v + step}}
		for i := v + 1; i <= v+step; i++ {
			c.Journal = append(c.Journal, creditledger.JournalRecord{Seq: i, Bytes: make([]byte, 150)})
			c.Keys = append(c.Keys, creditledger.KeyedRecord{Key: creditledger.Key(fmt.Sprint("key ", i)), Seq: i})
			c.Blocks = append(c.Blocks, creditledger.StoredBlock{Block: creditledger.Block{ID: fmt.Sprint("block ", i), Number: i}, Open: i%2 == 0, New: true})
		}
		if err := s.Commit(context.Background(), []creditledger.Change{c}); err != nil {
			t.Fatal(err)
		}
	}
}

type plannedQuery struct {
	sql   string
	args  []any
	pages int // at most
}

func planned(sql *statements, at accountPos, n int64) map[string]plannedQuery {
	const one, few = 25, 60
	return map[string]plannedQuery{
		"headVersion":  {sql.headVersion, at.args(), one},
		"load of none": {sql.load, accountPos{at.bucket, "none", at.currency}.args(), one},
		"headPack":     {sql.headPack, at.args(), one},
		"judgeHead":    {sql.judgeHead, at.args(), one},
		"judgeJournal": {sql.judgeJournal, at.args(n / 2), one},
		"blocks":       {sql.blocks, at.args(n/2, n, int64(10)), few},
		"one block":    {sql.blocks, at.args(n/2, n/2, int64(1)), few},
		"blockNumber":  {sql.blockNumber, at.args(fmt.Sprint("block ", n/2)), one},
		"blockRow":     {sql.blockRow, at.args(n / 2), one},
		"openRow":      {sql.openRow, at.args(n / 2), one},
		"journal":      {sql.journal, at.args(n/2, int64(10)), one},
		"journalBack":  {sql.journalBack, at.args(n/2, int64(10)), one},
		"keySeq":       {sql.keySeq, at.args(fmt.Sprint("key ", n/2)), one},
		"hasExpiry":    {sql.hasExpiry, at.args(int64(12345)), one}, // none has it
		"no expiry":    {sql.hasExpiry, at.args(int64(0)), one},     // all have it
		"of a block":   {sql.accountsOfBlock, []any{fmt.Sprint("block ", n/2), "", "", int64(10)}, one},
		"updateOpen":   {sql.updateOpen, at.args(n/2, "1", "1"), few},
		"openData":     {sql.openData, at.args(n/2, []byte("x")), few},
		"updateBlock":  {sql.updateBlock, at.args(n/2, []byte("x"), nil, nil, "1", 1, 1, 1, 1, 1, 1), few},
		"deleteOpen":   {sql.deleteOpen, at.args(n / 2), few},
	}
}

// pagesOf explains a statement, in a transaction that is rolled back.
func pagesOf(t *testing.T, conn *pgx.Conn, sql string, args []any) (pages int, plan string) {
	t.Helper()
	ctx := t.Context()
	tx, err := conn.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(ctx) }()
	var text []byte
	if err := tx.QueryRow(ctx, "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) "+sql, args...).Scan(&text); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	var parsed []struct {
		Plan struct {
			Hit  int `json:"Shared Hit Blocks"`
			Read int `json:"Shared Read Blocks"`
		}
	}
	if err := json.Unmarshal(text, &parsed); err != nil {
		t.Fatal(err)
	}
	return parsed[0].Plan.Hit + parsed[0].Plan.Read, string(text)
}

// TestDueCostsWhatItReturns: a page of due accounts is read from where the page before
// ended, wherever that is, also when all are due at one instant and very many are not due.
func TestDueCostsWhatItReturns(t *testing.T) {
	const accounts, limit, pagesAtMost = 4000, 20, 40
	ctx := t.Context()
	pool, err := pgxpool.New(ctx, pgtest.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	o := &Options{Buckets: 1}
	if err := Migrate(ctx, pool, o); err != nil {
		t.Fatal(err)
	}
	s, err := Open(ctx, pool, o)
	if err != nil {
		t.Fatal(err)
	}
	var list []creditledger.Change
	for i := range accounts {
		list = append(list, creditledger.Change{Account: creditledger.AccountID{Customer: fmt.Sprintf("%04d", i), Currency: "c"},
			Head: creditledger.Head{Version: 1, NextDue: 5 + creditledger.Instant(i%2)}, Journal: []creditledger.JournalRecord{{Seq: 1}}})
	}
	if err := s.Commit(ctx, list); err != nil {
		t.Fatal(err)
	}
	conn, err := pool.Acquire(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	for _, tables := range []string{"as they are", "analyzed"} {
		if tables == "analyzed" {
			if _, err := conn.Exec(ctx, "ANALYZE"); err != nil {
				t.Fatal(err)
			}
		}
		for _, mode := range []string{"force_generic_plan", "force_custom_plan"} {
			if _, err := conn.Exec(ctx, "SELECT set_config('plan_cache_mode', $1, false)", mode); err != nil {
				t.Fatal(err)
			}
			for _, after := range []string{"", "0000", "2000", "3950", "4001"} {
				pages, plan := pagesOf(t, conn.Conn(), s.sql.due, []any{int32(0), int64(5), after, "c", int64(5), int64(limit)})
				if pages > pagesAtMost {
					t.Errorf("after %q, tables %s, %s: %d pages, more than %d\n%s", after, tables, mode, pages, pagesAtMost, plan)
				}
			}
		}
	}
}
