package postgres_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"creditledger"
	"creditledger/fuzz/testsize"
	"creditledger/store/postgres"
	"creditledger/store/postgres/pgtest"
)

// TestConflictKeepsConnection: a transaction that the server refused leaves its
// connection fit for use, so that contention does not become a storm of connects.
func TestConflictKeepsConnection(t *testing.T) {
	pool := newPool(t, pgtest.Database(t), func(c *pgxpool.Config) { c.MaxConns = 1 })
	s := openIn(t, pool, nil)
	change := func() []creditledger.Change {
		return []creditledger.Change{{Account: account, Head: creditledger.Head{Version: 1}, Journal: []creditledger.JournalRecord{{Seq: 1}}}}
	}
	if err := s.Commit(t.Context(), change()); err != nil {
		t.Fatal(err)
	}
	before := pool.Stat().NewConnsCount()
	for range 20 {
		if err := s.Commit(t.Context(), change()); !errors.Is(err, creditledger.ErrConflict) {
			t.Fatalf("error %v, want a conflict", err)
		}
	}
	if n := pool.Stat().NewConnsCount() - before; n > 0 {
		t.Errorf("%d new connections for 20 conflicts", n)
	}
}

// TestConflictNamesKeys: what an OptimisticStore owes the ledger.
func TestConflictNamesKeys(t *testing.T) {
	s := openIn(t, newPool(t, pgtest.Database(t), nil), nil)
	change := func(version uint64, key creditledger.Key) []creditledger.Change {
		return []creditledger.Change{{Account: account, Version: version, Head: creditledger.Head{Version: version + 1},
			Journal: []creditledger.JournalRecord{{Seq: version + 1}}, Keys: []creditledger.KeyedRecord{{Key: key, Seq: version + 1}}}}
	}
	if err := s.Commit(t.Context(), change(0, "one")); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[creditledger.Key]int{"one": 1, "two": 0} {
		var conflict *creditledger.ConflictError
		if err := s.Commit(t.Context(), change(0, key)); !errors.As(err, &conflict) || len(conflict.Accounts) != 1 || len(conflict.Keys) != want {
			t.Errorf("key %s of a stale change: %+v", key, conflict)
		}
	}
	var conflict *creditledger.ConflictError
	if err := s.Commit(t.Context(), change(1, "one")); !errors.As(err, &conflict) || len(conflict.Keys) != 1 || conflict.Keys[0].Key != "one" || conflict.Keys[0].Account != conflict.Accounts[0] {
		t.Errorf("a used key: %v, %+v", err, conflict)
	}
}

// TestOneAccountACommit: where accounts lie on different servers, Options.Accounts keeps
// transactions to one of them.
func TestOneAccountACommit(t *testing.T) {
	s := openIn(t, newPool(t, pgtest.Database(t), nil), &postgres.Options{Portable: true, Accounts: 1, Commits: 2})
	if commits, accounts := s.Concurrency(); commits != 2 || accounts != 1 {
		t.Errorf("%d commits of %d accounts", commits, accounts)
	}
	counted := &countingStore{Store: s}
	l := creditledger.New(counted, nil)
	each(20, func(i int) {
		id := creditledger.AccountID{Customer: string(rune('a' + i)), Currency: "credits"}
		if _, err := l.Do(context.Background(), id, creditledger.Increment{Amount: creditledger.AmountOf(1)}, ""); err != nil {
			t.Error(err)
		}
	})
	if counted.most.Load() != 1 {
		t.Errorf("%d accounts in one commit", counted.most.Load())
	}
	verify(t, l)
}

// TestModeIsTheCallers: how queries are sent is the pool's business, so that a pooler
// can stand between. No source of this package names a mode.
func TestModeIsTheCallers(t *testing.T) {
	for name, text := range sources(t, "*.go") {
		if !strings.HasSuffix(name, "_test.go") && strings.Contains(text, "QueryExecMode") {
			t.Errorf("%s chooses how queries are sent", name)
		}
	}
}

// sources reads the files that match.
func sources(t *testing.T, patterns ...string) map[string]string {
	t.Helper()
	texts := map[string]string{}
	for _, pattern := range patterns {
		names, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			texts[name] = string(text)
		}
	}
	return texts
}

// TestDocumentedTests: every test that docs/postgres.md and its parts name is there.
func TestDocumentedTests(t *testing.T) {
	var doc, all strings.Builder
	for _, text := range sources(t, "../../docs/postgres.md", "../../docs/postgres/*.md") {
		doc.WriteString(text)
	}
	for _, text := range sources(t, "*_test.go", "pgtest/*_test.go", "../../fuzz/*_test.go") {
		all.WriteString(text)
	}
	named := regexp.MustCompile("`(Test[A-Z][A-Za-z_]*)`").FindAllStringSubmatch(doc.String(), -1)
	for _, n := range named {
		if !strings.Contains(all.String(), "func "+n[1]+"(t *testing.T)") {
			t.Errorf("docs/postgres.md names %s, which is missing", n[1])
		}
	}
	if len(named) < 12 {
		t.Errorf("docs/postgres.md names %d tests", len(named))
	}
}

// TestOpenBlocksCostWhatIsTouched: an account with 100,000 open blocks.
func TestOpenBlocksCostWhatIsTouched(t *testing.T) {
	blocks, spent := testsize.Of(10_000, 10_000, 100_000), 200
	ctx := t.Context()
	pool := newPool(t, pgtest.Database(t), nil)
	l := creditledger.New(openIn(t, pool, nil), nil)
	var batch creditledger.Batch
	for range creditledger.MaxBatch {
		batch = append(batch, creditledger.Increment{Amount: creditledger.AmountOf(2)})
	}
	few := creditledger.AccountID{Customer: "few", Currency: "credits"}
	if _, err := l.Do(ctx, few, batch[:10], ""); err != nil {
		t.Fatal(err)
	}
	for range blocks / creditledger.MaxBatch {
		if _, err := l.Do(ctx, account, batch, ""); err != nil {
			t.Fatal(err)
		}
	}
	cost := func(id creditledger.AccountID) (wal int64, took time.Duration) {
		if _, err := pool.Exec(ctx, "CHECKPOINT"); err != nil {
			t.Fatal(err)
		}
		before, begun := walOf(t, pool), time.Now()
		for range spent {
			if _, err := l.Do(ctx, id, spend(1), ""); err != nil {
				t.Fatal(err)
			}
		}
		return (walOf(t, pool) - before) / int64(spent), time.Since(begun) / time.Duration(spent)
	}
	cost(few) // warms up
	small, quick := cost(few)
	large, slow := cost(account)
	t.Logf("%d open blocks: %d bytes of WAL and %v a decrement; 10 blocks: %d bytes and %v", blocks, large, slow, small, quick)
	if large > 3*small {
		t.Errorf("%d bytes of WAL a decrement, and %d for an account with 10 blocks", large, small)
	}
}

// countingStore notes how many accounts came in one commit.
type countingStore struct {
	*postgres.Store
	most atomic.Int64
}

func (s *countingStore) Commit(ctx context.Context, changes []creditledger.Change) error {
	s.most.Store(max(s.most.Load(), int64(len(changes))))
	return s.Store.Commit(ctx, changes)
}
