package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"creditledger"
)

// answers is a pgx.BatchResults that says what it is told to.
type answers struct {
	pgx.BatchResults
	tags []string
}

func (a *answers) Exec() (pgconn.CommandTag, error) {
	tag := a.tags[0]
	a.tags = a.tags[1:]
	return pgconn.NewCommandTag(tag), nil
}

// TestRolledBackCommit: COMMIT of an aborted transaction answers ROLLBACK, without an
// error.
func TestRolledBackCommit(t *testing.T) {
	sql := statementsFor("s")
	for tag, want := range map[string]error{"ROLLBACK": errRolledBack, "COMMIT": nil} {
		b := &script{}
		b.queue(anyRows, sql.begin)
		b.queue(1, sql.updateHead)
		b.queue(anyRows, sql.commit)
		if err := b.read(&answers{tags: []string{"BEGIN", "UPDATE 1", tag}}); err != want {
			t.Errorf("%s: error %v", tag, err)
		}
	}
}

// TestEveryCountIsLookedAt makes the answer to each statement of a transaction one row
// short, and one row long: the server takes an UPDATE of no row for a success.
func TestEveryCountIsLookedAt(t *testing.T) {
	for _, portable := range []bool{false, true} {
		b := everyStatement(t, portable)
		b.queue(anyRows, templates.commit)
		right := make([]string, len(b.expected))
		for i, want := range b.expected {
			if right[i] = fmt.Sprint("UPDATE ", want.rows); i == len(b.expected)-1 {
				right[i] = "COMMIT"
			}
			if sql := b.QueuedQueries[i].SQL; want.rows == anyRows != (sql == templates.begin || sql == templates.commit) {
				t.Errorf("%d rows are wanted of %s", want.rows, sql)
			}
		}
		if err := b.read(&answers{tags: slices.Clone(right)}); err != nil {
			t.Fatal(err)
		}
		for i, want := range b.expected {
			rows := want.rows
			for _, off := range []int64{rows - 1, rows + 1} {
				if rows == anyRows {
					continue
				}
				tags := slices.Clone(right)
				tags[i] = fmt.Sprint("UPDATE ", off)
				var wrong *miscount
				if err := b.read(&answers{tags: tags}); !errors.As(err, &wrong) || !errors.Is(err, creditledger.ErrCorrupt) || !wrong.committed {
					t.Errorf("%d rows instead of %d: %v: %s", off, rows, err, b.QueuedQueries[i].SQL)
				}
			}
		}
	}
}

// everyStatement is a transaction that makes, changes and closes blocks, in and out of
// the head, and puts records.
func everyStatement(t *testing.T, portable bool) *script {
	t.Helper()
	sql := statementsFor("s")
	stored := func(n uint64, open, isNew bool) creditledger.StoredBlock {
		return creditledger.StoredBlock{Block: creditledger.Block{ID: fmt.Sprint(n), Number: n}, Open: open, New: isNew}
	}
	var list []creditledger.Change
	for _, customer := range []string{"a", "b"} {
		c := creditledger.Change{Account: creditledger.AccountID{Customer: customer, Currency: "x"}, Version: 3, Head: creditledger.Head{Version: 6}}
		for seq := uint64(4); seq <= 6; seq++ {
			c.Journal = append(c.Journal, creditledger.JournalRecord{Seq: seq})
			c.Keys = append(c.Keys, creditledger.KeyedRecord{Key: creditledger.Key(fmt.Sprint(seq)), Seq: seq})
		}
		c.Blocks = []creditledger.StoredBlock{stored(1, false, false), stored(2, true, false), stored(3, true, false), stored(100, true, true), stored(101, false, true)}
		c.Documents = []creditledger.DocumentPut{{DocumentID: creditledger.DocumentID{Kind: "k", Key: customer}}, {DocumentID: creditledger.DocumentID{Kind: "l", Key: customer}, Expect: 1}}
		list = append(list, c)
	}
	tx, err := newTransaction(sql, 8, portable, list)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range tx.parts {
		p.known = map[uint64]storedBlock{1: {stored: true, open: true}, 2: {stored: true}, 3: {stored: true, open: true, data: "other"}}
		p.old = &pack{}
		for n := uint64(4); n < 4+maxPacked; n++ {
			p.old.open = append(p.old.open, packed{number: n, balances: balances{"1", "1"}})
		}
		if err := p.compute(sql); err != nil {
			t.Fatal(err)
		}
	}
	b := tx.script()
	for name, text := range map[string]string{"updateHead": sql.updateHead, "deleteOpen": sql.deleteOpen, "insertOpen": sql.insertOpen,
		"openData": sql.openData, "updateOpen": sql.updateOpen, "updateBlock": sql.updateBlock, "insertBlock": sql.insertBlock,
		"insertBlockID": sql.insertBlockID, "insertUpper": sql.insertUpper, "updateUpper": sql.updateUpper} {
		if !slices.ContainsFunc(b.QueuedQueries, func(q *pgx.QueuedQuery) bool { return q.SQL == text }) {
			t.Errorf("the transaction has no %s", name)
		}
	}
	return b
}

func TestClassify(t *testing.T) {
	server := func(code string) error {
		return fmt.Errorf("wrapped: %w", &pgconn.PgError{Code: code})
	}
	for _, c := range []struct {
		err  error
		want class
	}{
		{server("40001"), conflict}, {server("40P01"), conflict}, {server("23505"), conflict}, {server("23502"), conflict},
		{errRolledBack, conflict}, {errMoved, conflict},
		{server("08006"), ambiguous}, {server("57P01"), ambiguous}, {server("57P02"), ambiguous}, {server("XX000"), ambiguous}, {server("40003"), ambiguous},
		{io.ErrUnexpectedEOF, ambiguous}, {context.DeadlineExceeded, ambiguous}, {errWarned, ambiguous},
		{afterSending(&unsentError{io.EOF}), ambiguous}, {afterSending(server("40001")), conflict}, {afterSending(&setupError{reason: "x"}), refused},
		{server("25006"), stale}, {server("57P03"), stale}, {&unsentError{io.EOF}, stale}, {&pgconn.ConnectError{}, stale},
		{server("42501"), refused}, {server("53100"), refused}, {server("57014"), refused}, {server("22021"), refused},
		{&setupError{reason: "x"}, refused},
	} {
		if got := classify(c.err); got != c.want {
			t.Errorf("classify(%v) = %d, want %d", c.err, got, c.want)
		}
	}
}

// TestOrderOfStatements: what a late transaction waits for, and is refused by, comes
// before anything that others would have to wait for, in the order of accounts.
func TestOrderOfStatements(t *testing.T) {
	for _, portable := range []bool{false, true} {
		var list []creditledger.Change
		for _, customer := range []string{"c", "a", "b"} {
			list = append(list, creditledger.Change{
				Account:   creditledger.AccountID{Customer: customer, Currency: "x"},
				Head:      creditledger.Head{Version: 1},
				Journal:   []creditledger.JournalRecord{{Seq: 1}},
				Keys:      []creditledger.KeyedRecord{{Key: "k", Seq: 1}},
				Blocks:    []creditledger.StoredBlock{{Block: creditledger.Block{ID: "1", Number: 1}, Open: true, New: true}},
				Documents: []creditledger.DocumentPut{{DocumentID: creditledger.DocumentID{Kind: "k", Key: customer}}},
			})
		}
		sql := statementsFor("s")
		tx, err := newTransaction(sql, 8, portable, list)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range tx.parts {
			p.known = map[uint64]storedBlock{}
			if err := p.compute(sql); err != nil {
				t.Fatal(err)
			}
		}
		var kinds, customers []string
		for _, q := range tx.script().QueuedQueries {
			kind := strings.Join(strings.Fields(q.SQL)[:min(3, len(strings.Fields(q.SQL)))], " ")
			if len(kinds) == 0 || kinds[len(kinds)-1] != kind {
				kinds = append(kinds, kind)
			}
			if q.SQL == sql.insertHead {
				customers = append(customers, q.Arguments[1].(string))
			}
			if portable && strings.Contains(q.SQL, "unnest") {
				t.Errorf("portable: %s", q.SQL)
			}
		}
		got := strings.Join(kinds[:4], "; ")
		want := `BEGIN; INSERT INTO "s".heads; INSERT INTO "s".journal; INSERT INTO "s".keys`
		if got != want || !slices.IsSorted(customers) || len(customers) != 3 {
			t.Errorf("order: %v, customers %v", kinds, customers)
		}
	}
}

// TestVerdicts: what is answered after looking, with and without an earlier try whose
// outcome is open.
func TestVerdicts(t *testing.T) {
	lost := errors.New("lost")
	moved := creditledger.ConflictError{Accounts: []creditledger.AccountID{{Customer: "a"}}}
	for _, c := range []struct {
		name    string
		v       verdict
		unknown error
		final   bool
		want    error
	}{
		{"nothing moved", verdict{}, nil, false, nil},
		{"nothing moved, maybe stored", verdict{}, lost, false, nil},
		{"moved", verdict{moved: moved}, nil, true, creditledger.ErrConflict},
		{"looks like ours, but nothing was sent", verdict{moved: moved, applied: true}, nil, true, creditledger.ErrConflict},
		{"ours", verdict{moved: moved, applied: true}, lost, true, nil},
		{"another's", verdict{moved: moved, refuted: true}, lost, true, creditledger.ErrConflict},
		{"written over", verdict{moved: moved}, lost, true, creditledger.ErrOutcomeUnknown},
		{"wrong", verdict{invalid: creditledger.ErrInvalid}, nil, true, creditledger.ErrInvalid},
	} {
		answer, final := c.v.answer(c.unknown)
		if final != c.final || !errors.Is(answer, c.want) && answer != c.want {
			t.Errorf("%s: %v, final %t", c.name, answer, final)
		}
	}
}

// TestDiscreet: no error tells the way to the server.
func TestDiscreet(t *testing.T) {
	for _, dsn := range []string{
		"postgres://secretuser:secretpw@secrethost.invalid:1/secretdb?connect_timeout=1",
		"host=/secretfolder user=secretuser password=secretpw dbname=secretdb",
		"host=127.0.0.1 port=1 user=secretuser password=secretpw dbname=secretdb",
	} {
		_, err := pgx.Connect(t.Context(), dsn)
		if err == nil {
			t.Fatal("connected")
		}
		for _, shown := range []error{discreet(err), fmt.Errorf("op: %w", discreet(&unsentError{err}))} {
			for _, form := range []string{"%v", "%+v"} {
				text := fmt.Sprintf(form, shown)
				if strings.Contains(text, "secret") || strings.Contains(text, "127.0.0.1") {
					t.Errorf("%s", text)
				}
			}
		}
	}
}
