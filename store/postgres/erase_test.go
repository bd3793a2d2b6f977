package postgres_test

import (
	"encoding/hex"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"creditledger"
	"creditledger/store/postgres"
	"creditledger/store/postgres/pgtest"
)

// rowsWith counts the rows of all tables of a schema in which a text stands, as it is or
// in bytes.
func rowsWith(t *testing.T, pool *pgxpool.Pool, schema, text string) (n int) {
	t.Helper()
	tables, err := pool.Query(t.Context(), "select tablename from pg_tables where schemaname = $1", schema)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for tables.Next() {
		var name string
		if err := tables.Scan(&name); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	if err := tables.Err(); err != nil || len(names) < 5 {
		t.Fatalf("tables %v, %v", names, err)
	}
	for _, name := range names {
		var found int
		query := fmt.Sprintf("select count(*) from %s.%s r where position($1 in r::text) > 0 or position($2 in r::text) > 0", schema, name)
		if err := pool.QueryRow(t.Context(), query, text, hex.EncodeToString([]byte(text))).Scan(&found); err != nil {
			t.Fatal(err)
		}
		n += found
	}
	return n
}

// TestErasureLeavesNoRow: once texts are erased, no row of any table has them.
func TestErasureLeavesNoRow(t *testing.T) {
	pool := newPool(t, pgtest.Database(t), nil)
	opts := &postgres.Options{Schema: "erased"}
	l := creditledger.New(openIn(t, pool, opts), nil)
	ann := creditledger.AccountID{Customer: "ann"}
	const said = "unforgettable"
	name := said + " name"
	if _, err := l.PutCustomer(t.Context(), creditledger.CustomerUpdate{ID: ann.Customer, Name: &name}); err != nil {
		t.Fatal(err)
	}
	month := creditledger.Interval{Count: 1, Unit: creditledger.IntervalMonth}
	for _, op := range []creditledger.Operation{
		creditledger.Increment{Amount: creditledger.AmountOf(9), Description: said},
		creditledger.Hold{HoldID: "h", Amount: creditledger.AmountOf(1), Metadata: map[string]string{"note": said}},
		creditledger.Schedule{ScheduleID: "p", Amount: creditledger.AmountOf(1), Every: month, Description: said},
	} {
		if _, err := l.Do(t.Context(), ann, op, ""); err != nil {
			t.Fatal(err)
		}
	}
	if n := rowsWith(t, pool, opts.Schema, said); n < 4 {
		t.Fatalf("it is searched for in vain: %d rows", n)
	}
	if _, err := l.Erase(t.Context(), ann.Customer, creditledger.Erasure{Customer: true}); err != nil {
		t.Fatal(err)
	}
	if n := rowsWith(t, pool, opts.Schema, said); n != 0 {
		t.Errorf("%d rows have what was erased", n)
	}
	if v, err := l.VerifyAll(t.Context(), nil); err != nil || v.Violation != nil || v.Erased == 0 {
		t.Errorf("%+v, %v", v, err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}
