package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"creditledger"
	"creditledger/store/postgres"
	"creditledger/store/postgres/pgtest"
)

// roles runs the statements that docs/postgres.md gives, with names of the test's own.
func roles(t *testing.T, pool *pgxpool.Pool, part string) {
	t.Helper()
	doc, err := os.ReadFile("../../docs/postgres.md")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile("(?s)<!-- " + part + " -->\n```sql\n(.*?)```").FindSubmatch(doc)
	if found == nil {
		t.Fatalf("docs/postgres.md has no part %q", part)
	}
	if _, err := pool.Exec(t.Context(), string(found[1])); err != nil {
		t.Fatalf("%s: %v", part, err)
	}
}

func as(role string) func(*pgxpool.Config) {
	return func(c *pgxpool.Config) { c.ConnConfig.User = role }
}

// TestRoles gives the three roles of docs/postgres.md what it says and shows what
// they can and cannot do.
func TestRoles(t *testing.T) {
	ctx := t.Context()
	server := pgtest.Start(t, pgtest.Options{})
	dsn := server.DSN("postgres")
	admin := newPool(t, dsn, nil)
	roles(t, admin, "roles")
	if err := postgres.Migrate(ctx, newPool(t, dsn, as("ledger_migrate")), nil); err != nil {
		t.Fatal(err)
	}
	roles(t, newPool(t, dsn, as("ledger_migrate")), "grants")
	run := newPool(t, dsn, as("ledger_run"))
	s := reopen(t, run, nil)
	l := creditledger.New(s, nil)
	grant(t, l, account, "10")
	grant(t, l, account, "5")
	if _, err := l.Do(ctx, account, spend(12), "key"); err != nil {
		t.Fatal(err)
	}
	month := creditledger.Interval{Count: 1, Unit: creditledger.IntervalMonth}
	for _, op := range []creditledger.Operation{
		creditledger.Reverse{Charge: "key", Amount: creditledger.AmountOf(4)},
		creditledger.Hold{HoldID: "h", Amount: creditledger.AmountOf(2)},
		creditledger.ExtendHold{HoldID: "h", Amount: creditledger.AmountOf(1)},
		creditledger.Capture{HoldID: "h", Amount: creditledger.AmountOf(1)},
		creditledger.Schedule{ScheduleID: "s", Amount: creditledger.AmountOf(1), Every: month},
		creditledger.EndSchedule{ScheduleID: "s"},
		creditledger.ExpirationChange{BlockID: "s/1", Target: creditledger.On(creditledger.DateOf(2100, 1, 1))},
	} {
		if _, err := l.Do(ctx, account, op, ""); err != nil {
			t.Errorf("%s: %v", op.Name(), err)
		}
	}
	if _, err := l.Erase(ctx, account.Customer, creditledger.Erasure{}); err != nil {
		t.Error(err)
	}
	if _, err := l.ChangeSettings(ctx, func(s *creditledger.Settings) { s.MaxHold = time.Hour }); err != nil {
		t.Error(err)
	}
	if _, err := l.PutCustomer(ctx, creditledger.CustomerUpdate{ID: "cus_1"}); err != nil {
		t.Fatal(err)
	}
	verify(t, l)
	read := newPool(t, dsn, as("ledger_read"))
	verify(t, creditledger.New(reopen(t, read, nil), nil))
	report := fmt.Sprintf("SELECT (SELECT total FROM %[1]s.account_report), (SELECT sum(balance) FROM %[1]s.block_report), (SELECT count(*) FROM %[1]s.entry_report)", "creditledger")
	if _, err := read.Exec(ctx, report); err != nil {
		t.Error(err)
	}
	for _, c := range []struct {
		pool      *pgxpool.Pool
		statement string
	}{
		{run, "UPDATE creditledger.journal SET record = ''"},
		{run, "UPDATE creditledger.journal SET seq = 9"},
		{run, "DELETE FROM creditledger.journal"},
		{run, "TRUNCATE creditledger.journal"},
		{run, "UPDATE creditledger.keys SET seq = 9"},
		{run, "DELETE FROM creditledger.keys"},
		{run, "DELETE FROM creditledger.heads"},
		{run, "DELETE FROM creditledger.blocks"},
		{run, "DELETE FROM creditledger.account_rows"},
		{run, "UPDATE creditledger.block_ids SET number = 9"},
		{run, "UPDATE creditledger.meta SET v = '9'"},
		{run, "ALTER TABLE creditledger.journal ADD COLUMN x int"},
		{run, "DROP TABLE creditledger.journal"},
		{run, "CREATE TABLE creditledger.x (n int)"},
		{read, "INSERT INTO creditledger.meta VALUES ('a', 'b')"},
		{read, "UPDATE creditledger.heads SET version = 9"},
		{read, "DELETE FROM creditledger.open_blocks"},
	} {
		_, err := c.pool.Exec(ctx, c.statement)
		var server *pgconn.PgError
		if !errors.As(err, &server) || server.Code != "42501" {
			t.Errorf("%s: error %v, want insufficient privilege", c.statement, err)
		}
	}
	if _, err := creditledger.New(reopen(t, read, nil), nil).Do(ctx, account, spend(1), ""); err == nil || errors.Is(err, creditledger.ErrOutcomeUnknown) {
		t.Errorf("the read role spent: %v", err)
	}
}

// TestUnfitConnections: what Open and Migrate refuse, and that they do not tell how
// they connect.
func TestUnfitConnections(t *testing.T) {
	ctx := t.Context()
	dsn := pgtest.Database(t)
	pool := newPool(t, dsn, nil)
	if _, err := postgres.Open(ctx, pool, nil); err == nil || !strings.Contains(err.Error(), "Migrate") {
		t.Errorf("without a schema: %v", err)
	}
	openIn(t, pool, nil)
	off := newPool(t, dsn, func(c *pgxpool.Config) { c.ConnConfig.RuntimeParams["synchronous_commit"] = "off" })
	if _, err := postgres.Open(ctx, off, nil); err == nil || !strings.Contains(err.Error(), "synchronous_commit") {
		t.Errorf("with synchronous_commit off: %v", err)
	}
	for _, version := range []string{"1", "99"} {
		if _, err := pool.Exec(ctx, "UPDATE creditledger.meta SET v = $1 WHERE k = 'version'", version); err != nil {
			t.Fatal(err)
		}
		if _, err := postgres.Open(ctx, pool, nil); err == nil || !strings.Contains(err.Error(), "version "+version) {
			t.Errorf("with version %s: %v", version, err)
		}
	}
	if err := postgres.Migrate(ctx, pool, nil); err == nil {
		t.Error("Migrate took a schema of a later release")
	}
	nowhere := newPool(t, "host=/nowhere user=secretuser password=secretpw dbname=secretdb", nil)
	_, err := postgres.Open(ctx, nowhere, nil)
	for _, err := range []error{err, postgres.Migrate(ctx, nowhere, nil)} {
		if err == nil || strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "nowhere") {
			t.Errorf("nowhere: %v", err)
		}
	}
}

// TestMigrateTogether runs several migrations of one schema at once.
func TestMigrateTogether(t *testing.T) {
	dsn := pgtest.Database(t)
	pool := newPool(t, dsn, nil)
	each(6, func(int) {
		if err := postgres.Migrate(context.Background(), pool, nil); err != nil {
			t.Error(err)
		}
	})
	reopen(t, pool, nil)
}

// TestConflictsKeepConnections: a refused transaction costs no connection.
func TestConflictsKeepConnections(t *testing.T) {
	ctx := t.Context()
	pool := newPool(t, pgtest.Database(t), nil)
	s := openIn(t, pool, nil)
	change := func(customer string) []creditledger.Change {
		return []creditledger.Change{{
			Account: creditledger.AccountID{Customer: customer, Currency: "credits"}, Head: creditledger.Head{Version: 1},
			Journal: []creditledger.JournalRecord{{Seq: 1, Bytes: []byte(customer)}},
		}}
	}
	if err := s.Commit(ctx, change("a")); err != nil {
		t.Fatal(err)
	}
	before := pool.Stat().NewConnsCount()
	for range 50 {
		if err := s.Commit(ctx, change("a")); !errors.Is(err, creditledger.ErrConflict) {
			t.Fatal(err)
		}
	}
	if made := pool.Stat().NewConnsCount() - before; made > 0 {
		t.Errorf("%d connections were made anew", made)
	}
}
