package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"creditledger"
	"creditledger/store/postgres"
	"creditledger/store/postgres/pgtest"
)

// damages are rows taken away, moved or added beside a process that knows the account.
var damages = map[string]struct {
	sql string
	op  creditledger.Operation // that finds out
}{
	"the head is deleted":              {"DELETE FROM creditledger.heads WHERE customer = 'cus_1'", spend(1)},
	"the head is in another bucket":    {"UPDATE creditledger.heads SET bucket = (bucket + 1) % 64 WHERE customer = 'cus_1'", spend(1)},
	"the head has another name":        {"UPDATE creditledger.heads SET customer = 'cus_2' WHERE customer = 'cus_1'", spend(1)},
	"the head has version 0":           {"UPDATE creditledger.heads SET version = 0 WHERE customer = 'cus_1'", spend(1)},
	"the head has version -1":          {"UPDATE creditledger.heads SET version = -1 WHERE customer = 'cus_1'", spend(1)},
	"a journal record too many":        {"INSERT INTO creditledger.journal SELECT seq + 1, bucket, customer, currency, record, lines FROM creditledger.journal WHERE customer = 'cus_1' ORDER BY seq DESC LIMIT 1", spend(1)},
	"a block too many":                 {"INSERT INTO creditledger.blocks SELECT number + 1, created_at, effective_at, expires_at, bucket, priority, status, source, customer, currency, id, data, initial, balance, capacity FROM creditledger.blocks WHERE customer = 'cus_1' ORDER BY number DESC LIMIT 1", creditledger.Increment{Amount: creditledger.AmountOf(1)}},
	"an open block too many":           {"INSERT INTO creditledger.open_blocks SELECT number + 1, bucket, customer, currency, data, balance, capacity FROM creditledger.open_blocks WHERE customer = 'cus_1' ORDER BY number DESC LIMIT 1", creditledger.Increment{Amount: creditledger.AmountOf(1)}},
	"the row of an open block is gone": {"DELETE FROM creditledger.open_blocks WHERE customer = 'cus_1' AND number = 1", spend(10)},
	"the row of a block is gone":       {"DELETE FROM creditledger.blocks WHERE customer = 'cus_1' AND number = 1", spend(10)},
}

// TestDamageIsSaidAtOnce: an operation on an account whose rows were changed by hand is
// refused as corrupt, after a few commits and not after minutes of conflicts; nothing is
// written, and the account beside it in the same commits is not kept waiting.
func TestDamageIsSaidAtOnce(t *testing.T) {
	dsn := pgtest.Database(t)
	for name, damage := range damages {
		for _, portable := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, portable %t", name, portable), func(t *testing.T) {
				ctx := t.Context()
				pool := newPool(t, dsn, nil)
				if _, err := pool.Exec(ctx, "DROP SCHEMA IF EXISTS creditledger CASCADE"); err != nil {
					t.Fatal(err)
				}
				s := &countingCommits{Store: openIn(t, pool, &postgres.Options{Portable: portable})}
				l := creditledger.New(s, nil)
				sound := creditledger.AccountID{Customer: "sound", Currency: "credits"}
				grant(t, l, account, "10")
				grant(t, l, account, "10")
				grant(t, l, sound, "10")
				if tag, err := pool.Exec(ctx, damage.sql); err != nil || tag.RowsAffected() != 1 {
					t.Fatal(tag, err)
				}
				s.n.Store(0)
				before := pool.Stat().AcquireCount()
				each(2, func(i int) {
					if i == 0 {
						if _, err := l.Do(ctx, account, damage.op, ""); !errors.Is(err, creditledger.ErrCorrupt) || errors.Is(err, creditledger.ErrOutcomeUnknown) {
							t.Errorf("%v, want corrupt", err)
						}
					} else if err := soon(ctx, l, sound); err != nil {
						t.Errorf("the account beside it: %v", err)
					}
				})
				if n, questions := s.n.Load(), pool.Stat().AcquireCount()-before; n > 8 || questions > 40 {
					t.Errorf("after %d commits and %d questions", n, questions)
				}
				var records int
				if err := pool.QueryRow(ctx, "SELECT count(*) FROM creditledger.journal WHERE customer = 'cus_1'").Scan(&records); err != nil || records > 3 {
					t.Errorf("%d journal records, %v", records, err)
				}
			})
		}
	}
}

// soon spends from an account, again when it was in a commit with a damaged one.
func soon(ctx context.Context, l *creditledger.Ledger, id creditledger.AccountID) (err error) {
	for range 3 {
		if _, err = l.Do(ctx, id, spend(1), ""); err == nil {
			return nil
		}
	}
	return err
}

// countingCommits counts commits.
type countingCommits struct {
	*postgres.Store
	n atomic.Int64
}

func (s *countingCommits) Commit(ctx context.Context, changes []creditledger.Change) error {
	s.n.Add(1)
	return s.Store.Commit(ctx, changes)
}
