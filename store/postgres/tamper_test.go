package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"creditledger"
	"creditledger/store/postgres"
	"creditledger/store/postgres/pgtest"
)

// What follows changes rows by hand, each in a transaction that is rolled back, and
// verifies the ledger in that transaction.

// ledgerOfRows is a ledger with rows in every table, and beside it, in schema old, what its
// tables held some operations earlier.
func ledgerOfRows(t *testing.T) *pgxpool.Pool {
	t.Helper()
	pool := newPool(t, pgtest.Database(t), nil)
	s := openIn(t, pool, &postgres.Options{Buckets: 4})
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	l := creditledger.New(s, &creditledger.Options{Clock: func() time.Time { return now }})
	defer l.Close()
	do := func(customer string, op creditledger.Operation, key creditledger.Key) {
		t.Helper()
		if _, err := l.Do(t.Context(), creditledger.AccountID{Customer: customer, Currency: "credits"}, op, key); err != nil {
			t.Fatal(err)
		}
	}
	put := func(customer, name string) {
		t.Helper()
		external := "ext-" + customer
		if _, err := l.PutCustomer(t.Context(), creditledger.CustomerUpdate{ID: customer, ExternalID: &external, Name: &name}); err != nil {
			t.Fatal(err)
		}
	}
	customers := []string{"ann", "bob", "cyd", "dan"}
	note := func(was creditledger.Document, text string) {
		t.Helper()
		p := creditledger.DocumentPut{DocumentID: creditledger.DocumentID{Kind: "note", Key: "n"}, Expect: was.Version, Prev: was.Seal(), Value: []byte(text)}
		if err := l.PutDocuments(t.Context(), []creditledger.DocumentPut{p}); err != nil {
			t.Fatal(err)
		}
	}
	note(creditledger.Document{}, "first")
	alone := "alone"
	if _, err := l.PutCustomer(t.Context(), creditledger.CustomerUpdate{ID: alone}); err != nil { // without an external id
		t.Fatal(err)
	}
	for _, c := range customers {
		put(c, "first")
		do(c, creditledger.Increment{Amount: creditledger.AmountOf(10), BlockID: "spent", ExpiresAt: creditledger.At(now.AddDate(0, 1, 0))}, "k1")
		do(c, creditledger.Increment{Amount: creditledger.AmountOf(100), BlockID: "held", ExpiresAt: creditledger.At(now.AddDate(0, 2, 0))}, "k2")
		do(c, creditledger.Increment{Amount: creditledger.AmountOf(50), BlockID: "kept"}, "")
		do(c, creditledger.Decrement{Amount: creditledger.AmountOf(10)}, "k3")
		do(c, creditledger.Hold{HoldID: "open", Amount: creditledger.AmountOf(9)}, "")
		do(c, creditledger.Hold{HoldID: "closed", Amount: creditledger.AmountOf(5)}, "")
	}
	sql(t, pool, "CREATE SCHEMA old")
	for _, table := range tablesOf(t, pool) {
		sql(t, pool, fmt.Sprintf("CREATE TABLE old.%s AS SELECT * FROM creditledger.%s", table, table))
	}
	note(creditledger.Document{Version: 1, Value: []byte("first")}, "second")
	if _, err := l.ChangeSettings(t.Context(), func(s *creditledger.Settings) { s.Overdraft = creditledger.OverdraftReject }); err != nil {
		t.Fatal(err)
	}
	if _, err := l.PutCustomer(t.Context(), creditledger.CustomerUpdate{ID: alone, Name: &alone}); err != nil {
		t.Fatal(err)
	}
	for _, c := range customers {
		put(c, "second")
		do(c, creditledger.Void{BlockID: "kept", Amount: creditledger.AmountOf(50)}, "k4")
		do(c, creditledger.Decrement{Amount: creditledger.AmountOf(20)}, "")
		do(c, creditledger.Capture{HoldID: "open", Amount: creditledger.AmountOf(2), KeepOpen: true}, "")
		do(c, creditledger.Capture{HoldID: "closed", Amount: creditledger.AmountOf(3)}, "")
	}
	return pool
}

func sql(t *testing.T, pool *pgxpool.Pool, statement string) {
	t.Helper()
	if _, err := pool.Exec(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

func tablesOf(t *testing.T, pool *pgxpool.Pool) []string {
	return column[string](t, pool, `SELECT table_name::text FROM information_schema.tables
WHERE table_schema = 'creditledger' AND table_type = 'BASE TABLE' ORDER BY 1`)
}

func column[T any](t *testing.T, pool *pgxpool.Pool, query string, args ...any) []T {
	t.Helper()
	rows, err := pool.Query(t.Context(), query, args...)
	if err != nil {
		t.Fatal(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[T])
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// rowTamper is something done to rows, by hand.
type rowTamper struct {
	name       string // "table.column: what", or "table: what"
	statements []string
	names      string // what the finding has to name: the customer or the table
	orNames    string // what it may name in its place, if anything
}

// unproven are the tampers that verification cannot notice, by their name, and why.
var unproven = map[string]string{
	"open_blocks.balance":                "is not read while the head has a later balance of the block",
	"open_blocks.capacity":               "is not read while the head has a later balance of the block",
	"meta.v":                             "which ledger it is, only the setting says",
	"records of customer_count: deleted": "recovery leaves a count out: it proves what is there, and is no part of it",
	"records of note":                    "whoever put it has to know: the ledger does not know what a note is",
}

// altered is another value of a column's type.
func altered(column, kind string) string {
	switch kind {
	case "bytea":
		return fmt.Sprintf(`COALESCE(set_byte(%[1]s, length(%[1]s) - 1, get_byte(%[1]s, length(%[1]s) - 1) # 1), '\x01')`, column)
	case "text":
		return column + " || 'x'"
	case "numeric":
		return fmt.Sprintf("CASE WHEN %[1]s IS NULL THEN 1 ELSE %[1]s + 1 END", column)
	}
	return column + " + 100"
}

// bounds are the values at the ends of a column's type, and its nothing.
func bounds(kind string) []string {
	switch kind {
	case "smallint":
		return []string{"0", "-1", "32767", "-32768"}
	case "integer":
		return []string{"0", "-1", "2147483647", "-2147483648"}
	case "bigint":
		return []string{"0", "-1", "9223372036854775807", "-9223372036854775808"}
	case "numeric":
		return []string{"0", "-1", "1e30", "1e-30"}
	case "bytea":
		return []string{"''"}
	}
	return []string{"''", "'x'"}
}

// tampers are deletions of every row, and for every column of every table alterations,
// values of other rows and of the type's bounds, and rows there twice but for one column of
// the key; and rows that are as they were earlier.
func tampers(t *testing.T, pool *pgxpool.Pool) (list []rowTamper) {
	for _, table := range tablesOf(t, pool) {
		columns := column[string](t, pool, `SELECT column_name::text FROM information_schema.columns
WHERE table_schema = 'creditledger' AND table_name = $1 ORDER BY 1`, table)
		kinds := column[string](t, pool, `SELECT data_type::text FROM information_schema.columns
WHERE table_schema = 'creditledger' AND table_name = $1 ORDER BY column_name::text`, table)
		key := column[string](t, pool, `SELECT column_name::text FROM information_schema.key_column_usage
WHERE table_schema = 'creditledger' AND table_name = $1 ORDER BY 1`, table)
		name := "customer"
		switch table {
		case "meta":
			name = "''" // it is about everything
		case "records":
			name = "CASE WHEN kind = 'note' THEN 'note' WHEN kind LIKE '%settings%' THEN 'settings' ELSE 'customer' END"
		}
		rows := column[string](t, pool, "SELECT ctid::text AS place FROM creditledger."+table+" ORDER BY ctid")
		names := column[string](t, pool, "SELECT "+name+" FROM creditledger."+table+" ORDER BY ctid")
		kindsOf := names
		if table == "records" {
			kindsOf = column[string](t, pool, "SELECT kind FROM creditledger.records ORDER BY ctid")
		}
		same := make([]string, len(key))
		for i, k := range key {
			same[i] = "o." + k + " = n." + k
		}
		for i, row := range rows {
			at := fmt.Sprintf("ctid = '%s'", row)
			add := func(what, format string, args ...any) {
				list = append(list, rowTamper{what, strings.Split(fmt.Sprintf(format, args...), ";"), names[i], ""})
			}
			label := table
			if table == "records" {
				label += " of " + kindsOf[i]
			}
			add(label+": deleted", "DELETE FROM creditledger.%s WHERE %s", table, at)
			add(label+": aged", "CREATE TEMP TABLE aged ON COMMIT DROP AS SELECT o.* FROM old.%[1]s o, creditledger.%[1]s n WHERE n.%[2]s AND %[3]s AND o::text <> n::text;"+
				"DELETE FROM creditledger.%[1]s WHERE %[2]s AND EXISTS (SELECT FROM aged);INSERT INTO creditledger.%[1]s SELECT * FROM aged", table, at, strings.Join(same, " AND "))
			if i != 0 && i != len(rows)-1 && table != "meta" {
				continue
			}
			for j, c := range columns {
				add(table+"."+c+": altered", "UPDATE creditledger.%s SET %s = %s WHERE %s", table, c, altered(c, kinds[j]), at)
				add(table+"."+c+": another row's", "UPDATE creditledger.%[1]s SET %[2]s = o.%[2]s FROM (SELECT %[2]s FROM creditledger.%[1]s WHERE %[2]s IS DISTINCT FROM "+
					"(SELECT %[2]s FROM creditledger.%[1]s WHERE %[3]s) ORDER BY ctid LIMIT 1) o WHERE creditledger.%[1]s.%[3]s", table, c, at)
				if other := slices.IndexFunc(names, func(n string) bool { return n != names[i] }); c == "customer" && other >= 0 {
					list[len(list)-1].orNames = names[other] // which is there twice then
				}
				for _, v := range bounds(kinds[j]) {
					add(table+"."+c+": "+v, "UPDATE creditledger.%s SET %s = %s WHERE %s AND %[2]s IS DISTINCT FROM %[3]s", table, c, v, at)
					if c == "customer" || c == "kind" { // of either account, or kind
						list[len(list)-1].names = ""
					}
				}
				if slices.Contains(key, c) {
					values := slices.Clone(columns)
					twice := func(what, value string) {
						values[j] = value
						add(table+"."+c+": "+what, "INSERT INTO creditledger.%s (%s) SELECT %s FROM creditledger.%[1]s WHERE %[4]s",
							table, strings.Join(columns, ", "), strings.Join(values, ", "), at)
					}
					if kinds[j] == "text" && c != "customer" || kinds[j] == "bytea" {
						twice("twice, once empty", "''")
						if c == "kind" { // which is all that there is to name
							list[len(list)-1].names = `kind ""`
						}
					}
					if kinds[j] != "text" && kinds[j] != "bytea" {
						twice("twice, once 0", "0")
						twice("twice, once -1", "-1")
					}
					twice("twice", altered(c, kinds[j]))
				}
			}
		}
	}
	return list
}

// errRefused means that the database did not take a tamper, or that it changed nothing.
var errRefused = errors.New("nothing was changed")

// verifyTampered does something in a transaction and verifies the ledger in it.
func verifyTampered(t *testing.T, pool *pgxpool.Pool, statements []string, since ...creditledger.Checkpoint) (v creditledger.Verification, err error) {
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.Background()) }()
	j, err := postgres.Join(t.Context(), tx, nil) // before: what Join notices by itself is another matter
	if err != nil {
		t.Fatal(err)
	}
	changed := int64(0)
	for _, statement := range statements {
		tag, err := tx.Exec(t.Context(), statement)
		if err != nil {
			var refused *pgconn.PgError
			if errors.As(err, &refused) && strings.HasPrefix(refused.Code, "23") {
				return v, errRefused
			}
			t.Fatalf("%s: %v", statement, err)
		}
		if !tag.Select() && !strings.HasPrefix(statement, "CREATE") {
			changed += tag.RowsAffected()
		}
	}
	if changed == 0 {
		return v, errRefused
	}
	l := creditledger.New(j, nil)
	defer l.Close()
	return l.VerifyAll(t.Context(), &creditledger.VerifyOptions{Since: since})
}

// TestTampering: whatever is done to a row of a table, by deleting it, by another value in
// any column, by having it twice, or by having it as it was before, is noticed and named.
func TestTampering(t *testing.T) {
	pool := ledgerOfRows(t)
	if v, err := verifyTampered(t, pool, []string{"UPDATE creditledger.heads SET version = version"}); err != nil || v.Violation != nil {
		t.Fatalf("as it is: %v, %v", v.Violation, err)
	}
	tried, noticed := map[string]int{}, map[string]int{}
	for _, x := range tampers(t, pool) {
		v, err := verifyTampered(t, pool, x.statements)
		if err == errRefused {
			continue
		}
		tried[x.name]++
		subject, _, _ := strings.Cut(x.name, ":")
		switch {
		case err != nil && !strings.HasPrefix(x.name, "meta"):
			t.Errorf("%s (%s): %v", x.name, x.names, err)
		case err == nil && v.Violation == nil:
			if unproven[x.name] == "" && unproven[subject] == "" {
				t.Errorf("%s (%s): not noticed\n%s", x.name, x.names, strings.Join(x.statements, ";\n"))
			}
		case err == nil && !strings.Contains(v.Violation.String(), x.names) && (x.orNames == "" || !strings.Contains(v.Violation.String(), x.orNames)):
			t.Errorf("%s (%s): it says only: %s", x.name, x.names, v.Violation)
		default:
			noticed[x.name]++
		}
	}
	for _, table := range tablesOf(t, pool) {
		deleted := table + ": deleted"
		if table == "records" {
			deleted = "records of customer: deleted"
		}
		if tried[deleted] == 0 {
			t.Errorf("%s: no row was deleted", table)
		}
		for _, c := range column[string](t, pool, `SELECT column_name::text FROM information_schema.columns
WHERE table_schema = 'creditledger' AND table_name = $1`, table) {
			if tried[table+"."+c+": altered"]+tried[table+"."+c+": another row's"] == 0 {
				t.Errorf("%s.%s: was not altered", table, c)
			}
		}
	}
	for name := range unproven {
		missed := 0
		for what := range tried {
			if strings.HasPrefix(what, name) {
				missed += tried[what] - noticed[what]
			}
		}
		if missed == 0 {
			t.Errorf("%s: is noticed, and said not to be", name)
		}
	}
	t.Logf("%d kinds of tampering, %d noticed", len(tried), len(noticed))
}
