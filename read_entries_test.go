package creditledger_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"creditledger"
)

// busyWorld has entries of every type at few instants, several to a record, some of
// them expiries written long after they happened, half of them still pending.
func busyWorld(t testing.TB) *world {
	w := newWorld(t, func(o *creditledger.Options) { o.Settings.GracePeriod = 36 * time.Hour })
	for i := range 6 {
		w.at(fmt.Sprintf("2026-01-%02d", i+1))
		a, b := fmt.Sprint("a", i), fmt.Sprint("b", i)
		w.given(
			grant(a, "10", priority(int32(-i)), expires(fmt.Sprintf("2026-01-%02dT12:00:00Z", i+2))), grant(b, "5", expires(fmt.Sprintf("2026-01-%02dT12:00:00Z", i+2))),
			spend("3"), amend(a, "1"), extend(a, "2", "2026-01-30", fmt.Sprint("c", i)), voidOf(b, "4"),
			creditledger.Batch{grant(fmt.Sprint("d", i), "1.5"), spend("4")}, grant(fmt.Sprint("p", i), "7", unpaid),
		)
	}
	return w
}

func draw(t *rapid.T) creditledger.EntriesQuery {
	bound := func(label string) creditledger.Instant {
		if rapid.IntRange(0, 2).Draw(t, label+" given") > 0 {
			return 0
		}
		at := instant(fmt.Sprintf("2026-01-%02dT%s:00:00Z", rapid.IntRange(1, 8).Draw(t, label+" day"), rapid.SampledFrom([]string{"00", "12"}).Draw(t, label+" hour")))
		return at + creditledger.Instant(rapid.IntRange(-1, 1).Draw(t, label+" aside"))
	}
	return creditledger.EntriesQuery{
		Ascending: rapid.Bool().Draw(t, "ascending"),
		Limit:     rapid.SampledFrom([]int{1, 2, 3, 7, 0, creditledger.MaxPage}).Draw(t, "limit"),
		Type:      creditledger.EntryType(max(0, rapid.IntRange(-7, 7).Draw(t, "type"))),
		Status:    creditledger.EntryStatus(max(0, rapid.IntRange(-2, 2).Draw(t, "status"))),
		After:     bound("after"), From: bound("from"), Before: bound("before"), Until: bound("until"),
		MinAmount: amount(rapid.SampledFrom([]string{"0", "0", "1", "1.5", "1.500000000000000001", "4", "10", "11"}).Draw(t, "minimum")),
	}
}

// wanted is the filter in the plainest words.
func wanted(q creditledger.EntriesQuery, e *creditledger.Entry) bool {
	return (q.Type == 0 || e.Type == q.Type) && (q.Status == 0 || e.Status == q.Status) &&
		(q.After == 0 || e.CreatedAt > q.After) && (q.From == 0 || e.CreatedAt >= q.From) &&
		(q.Before == 0 || e.CreatedAt < q.Before) && (q.Until == 0 || e.CreatedAt <= q.Until) && e.Amount.Cmp(q.MinAmount) >= 0
}

// TestEntriesProperty: pages of any size, in either order, by any filters, are the
// plain list filtered; every page but the last is full, and the last has no cursor.
func TestEntriesProperty(t *testing.T) {
	w := busyWorld(t)
	all := w.entries(creditledger.EntriesQuery{Ascending: true, Limit: creditledger.MaxPage})
	if len(all) < 60 {
		t.Fatalf("only %d entries", len(all))
	}
	for i, e := range all {
		if e.Seq != uint64(i+1) {
			t.Fatalf("entry %d has number %d", i+1, e.Seq)
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		q := draw(rt)
		var want []creditledger.Entry
		for _, e := range all {
			if wanted(q, &e) {
				want = append(want, e)
			}
		}
		if !q.Ascending {
			slices.Reverse(want)
		}
		size := q.Limit
		if size == 0 {
			size = 20
		}
		var got []creditledger.Entry
		for {
			page, err := w.Entries(ctx, cus1, q)
			if err != nil {
				rt.Fatal(err)
			}
			got = append(got, page.Entries...)
			if more := len(got) < len(want); len(page.Entries) > size || (page.Next != "") != more || (more && len(page.Entries) != size) {
				rt.Fatalf("a page of %d of %d, %d so far, next %q", len(page.Entries), len(want), len(got), page.Next)
			}
			if page.Next == "" {
				break
			}
			q.Cursor = page.Next
			// The limit is no part of what a cursor is bound to.
			q.Limit = rapid.SampledFrom([]int{q.Limit, size}).Draw(rt, "limit of the next page")
		}
		if !reflect.DeepEqual(got, want) {
			rt.Fatalf("%+v gives\n%s\nwant\n%s", q, story(got), story(want))
		}
	})
}

// TestEntriesPages is the worked case D67: five entries, pages of two; an insert
// between two pages changes neither.
func TestEntriesPages(t *testing.T) {
	sizes := func(w *world, q creditledger.EntriesQuery, between func()) string {
		var pages []string
		for len(pages) < 10 {
			page, err := w.Entries(ctx, cus1, q)
			if err != nil {
				t.Fatal(err)
			}
			var seqs []uint64
			for _, e := range page.Entries {
				seqs = append(seqs, e.Seq)
			}
			pages = append(pages, fmt.Sprint(seqs))
			between()
			if page.Next == "" {
				return strings.Join(pages, " ")
			}
			q.Cursor = page.Next
		}
		return "pages without end: " + strings.Join(pages, " ")
	}
	five := func() *world {
		return newWorld(t).given(grant("A", "10"), spend("1"), spend("1"), spend("1"), spend("1"))
	}
	none := func() {}
	for _, c := range []struct {
		rule string
		q    creditledger.EntriesQuery
		want string
	}{
		{"newest first by default", creditledger.EntriesQuery{Limit: 2}, "[5 4] [3 2] [1]"},
		{"oldest first", creditledger.EntriesQuery{Limit: 2, Ascending: true}, "[1 2] [3 4] [5]"},
		{"no cursor at the exact end", creditledger.EntriesQuery{Limit: 5}, "[5 4 3 2 1]"},
		{"nor when nothing that is wanted follows", creditledger.EntriesQuery{Limit: 2, Type: creditledger.EntryDecrement}, "[5 4] [3 2]"},
		{"pages of one", creditledger.EntriesQuery{Limit: 1}, "[5] [4] [3] [2] [1]"},
		{"nothing wanted", creditledger.EntriesQuery{Type: creditledger.EntryVoid}, "[]"},
	} {
		if got := sizes(five(), c.q, none); got != c.want {
			t.Errorf("%s: %s, want %s", c.rule, got, c.want)
		}
	}
	w := five()
	if got := sizes(w, creditledger.EntriesQuery{Limit: 2}, func() { w.given(spend("0.5")) }); got != "[5 4] [3 2] [1]" {
		t.Errorf("with inserts between newest-first pages: %s", got)
	}
	w = five()
	writes := 2
	insert := func() {
		if writes--; writes >= 0 {
			w.given(spend("0.5"))
		}
	}
	if got := sizes(w, creditledger.EntriesQuery{Limit: 2, Ascending: true}, insert); got != "[1 2] [3 4] [5 6] [7]" {
		t.Errorf("with inserts between oldest-first pages: %s", got)
	}
	if got := sizes(newWorld(t), creditledger.EntriesQuery{}, none); got != "[]" {
		t.Errorf("an account never used: %s", got)
	}
	if got := sizes(newWorld(t), creditledger.EntriesQuery{Ascending: true}, none); got != "[]" {
		t.Errorf("an account never used, oldest first: %s", got)
	}
}

// TestEntriesCursorBound: a cursor belongs to its account, order and filters.
func TestEntriesCursorBound(t *testing.T) {
	w := busyWorld(t)
	for _, c := range []creditledger.AccountID{cus2, {Customer: "cus_1", Currency: "Credits"}} {
		for i := range 3 {
			if _, err := w.Do(ctx, c, grant(fmt.Sprint(i), "1"), ""); err != nil {
				t.Fatal(err)
			}
		}
	}
	base := creditledger.EntriesQuery{
		Limit: 1, Type: creditledger.EntryDecrement, Status: creditledger.EntryPending, After: instant("2026-01-02"), From: instant("2026-01-03"),
		Before: instant("2026-02-02"), Until: instant("2026-02-01"), MinAmount: amount("1"),
	}
	page, err := w.Entries(ctx, cus1, base)
	if err != nil || page.Next == "" {
		t.Fatalf("%+v, %v", page, err)
	}
	base.Cursor = page.Next
	if _, err := w.Entries(ctx, cus1, base); err != nil {
		t.Errorf("its own query: %v", err)
	}
	same := base
	same.Limit, same.MinAmount = 7, amount("1.00")
	if _, err := w.Entries(ctx, cus1, same); err != nil {
		t.Errorf("its own query with another limit: %v", err)
	}
	kind := reflect.TypeOf(base)
	for i := range kind.NumField() {
		name := kind.Field(i).Name
		if name == "Limit" || name == "Cursor" {
			continue
		}
		other := base
		switch f := reflect.ValueOf(&other).Elem().Field(i); f.Kind() {
		case reflect.Bool:
			f.SetBool(true)
		case reflect.Uint8:
			f.SetUint(f.Uint() - 1)
		case reflect.Int64:
			f.SetInt(f.Int() + 1)
		case reflect.Uint64:
			f.SetUint(f.Uint() + 1)
		case reflect.String:
			f.SetString(f.String() + "x")
		default:
			f.Set(reflect.ValueOf(amount("1.1")))
		}
		checkCursorRefused(t, "another "+name, errOf(w.Entries(ctx, cus1, other)))
		reflect.ValueOf(&other).Elem().Field(i).SetZero()
		if !reflect.ValueOf(base).Field(i).IsZero() {
			checkCursorRefused(t, "no "+name, errOf(w.Entries(ctx, cus1, other)))
		}
	}
	for _, on := range []creditledger.AccountID{cus2, {Customer: "cus_1", Currency: "Credits"}, {Customer: "cus_1c", Currency: "redits"}} {
		checkCursorRefused(t, on.String(), errOf(w.Entries(ctx, on, base)))
	}
	checkCursorRefused(t, "as a cursor of blocks", errOf(w.Blocks(ctx, cus1, creditledger.BlocksQuery{Cursor: base.Cursor})))
	checkCursorRefused(t, "as a cursor of all blocks", errOf(w.Blocks(ctx, cus1, creditledger.BlocksQuery{All: true, Cursor: base.Cursor})))
}

func checkCursorRefused(t *testing.T, what string, err error) {
	t.Helper()
	var invalid *creditledger.InvalidError
	if !errors.As(err, &invalid) || invalid.Field != "cursor" {
		t.Errorf("%s: %v", what, err)
	}
}

func errOf[T any](_ T, err error) error { return err }

// TestForgedCursors: nothing that is not a cursor is taken for one, nor does one that
// was made up with the right mark do any harm.
func TestForgedCursors(t *testing.T) {
	w := newWorld(t).given(grant("A", "10"), grant("B", "10"), spend("1"), spend("1"))
	entries := func(c creditledger.Cursor) error {
		return errOf(w.Entries(ctx, cus1, creditledger.EntriesQuery{Limit: 1, Cursor: c}))
	}
	held := func(c creditledger.Cursor) error {
		return errOf(w.Blocks(ctx, cus1, creditledger.BlocksQuery{Limit: 1, Cursor: c}))
	}
	all := func(c creditledger.Cursor) error {
		return errOf(w.Blocks(ctx, cus1, creditledger.BlocksQuery{Limit: 1, Cursor: c, All: true}))
	}
	page, err := w.Entries(ctx, cus1, creditledger.EntriesQuery{Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	good := string(page.Next)
	forged := []string{
		"x", "!", " ", "AAAA", good[:len(good)-1], good + "A", good + "=", "A" + good, strings.ToLower(good) + "_", strings.Repeat("A", 512), strings.Repeat("A", 1<<20),
		good + "\n", "\x00", "é", base64.StdEncoding.EncodeToString([]byte("some other text")),
	}
	for i := range len(good) { // every single change
		forged = append(forged, good[:i]+string(good[i]^1)+good[i+1:])
	}
	for _, c := range forged {
		if c == good {
			continue
		}
		for name, ask := range map[string]func(creditledger.Cursor) error{"entries": entries, "blocks": held, "all blocks": all} {
			checkCursorRefused(t, name+" "+c[:min(len(c), 40)], ask(creditledger.Cursor(c)))
		}
	}
	for _, position := range []string{"", "\x00", "\x00\x00", "\xff", strings.Repeat("\xff", 9) + "\x01", "\x01\x63", "\x63\x01", "\x01\x01rest"} {
		for name, forge := range map[string]func() error{
			"entries": func() error { return entries(creditledger.ForgeEntriesCursor(cus1, position)) },
			"blocks":  func() error { return held(creditledger.ForgeBlocksCursor(cus1, "blocks", position)) },
			"all":     func() error { return all(creditledger.ForgeBlocksCursor(cus1, "all blocks", position)) },
		} {
			if err := forge(); err != nil {
				checkCursorRefused(t, fmt.Sprintf("%s at %x", name, position), err)
			}
		}
	}
}

func TestEntriesRefused(t *testing.T) {
	w := newWorld(t).given(grant("A", "1"))
	for _, c := range []struct {
		rule, field string
		q           creditledger.EntriesQuery
	}{
		{"a limit below 0", "limit", creditledger.EntriesQuery{Limit: -1}},
		{"a limit above the largest page", "limit", creditledger.EntriesQuery{Limit: creditledger.MaxPage + 1}},
		{"a limit of 31 bits", "limit", creditledger.EntriesQuery{Limit: 1<<31 - 1}},
		{"an unknown type", "entry_type", creditledger.EntriesQuery{Type: 8}},
		{"an unknown status", "entry_status", creditledger.EntriesQuery{Status: 3}},
		{"a minimum below 0", "minimum_amount", creditledger.EntriesQuery{MinAmount: amount("-0.1")}},
		{"an instant out of range: after", "created_at", creditledger.EntriesQuery{After: -1}},
		{"an instant out of range: from", "created_at", creditledger.EntriesQuery{From: creditledger.EndOfTime + 1}},
		{"an instant out of range: before", "created_at", creditledger.EntriesQuery{Before: -1}},
		{"an instant out of range: until", "created_at", creditledger.EntriesQuery{Until: creditledger.EndOfTime + 1}},
	} {
		var invalid *creditledger.InvalidError
		if err := errOf(w.Entries(ctx, cus1, c.q)); !errors.As(err, &invalid) || invalid.Field != c.field {
			t.Errorf("%s: %v", c.rule, err)
		}
	}
	for _, q := range []creditledger.EntriesQuery{
		{Limit: 1}, {Limit: creditledger.MaxPage}, {After: 1, Before: creditledger.EndOfTime}, {From: 1, Until: creditledger.EndOfTime},
	} {
		if page, err := w.Entries(ctx, cus1, q); err != nil || len(page.Entries) != 1 {
			t.Errorf("%+v: %d entries, %v", q, len(page.Entries), err)
		}
	}
	for _, q := range []creditledger.EntriesQuery{{After: creditledger.EndOfTime}, {Before: 1}, {After: creditledger.EndOfTime, Ascending: true}, {Before: 1, Ascending: true}} {
		if page, err := w.Entries(ctx, cus1, q); err != nil || len(page.Entries) != 0 {
			t.Errorf("%+v: %d entries, %v", q, len(page.Entries), err)
		}
	}
	for _, on := range []creditledger.AccountID{{}, {Customer: "a\x00"}, {Customer: "a", Currency: "\xff"}} {
		for name, err := range map[string]error{
			"entries": errOf(w.Entries(ctx, on, creditledger.EntriesQuery{})), "blocks": errOf(w.Blocks(ctx, on, creditledger.BlocksQuery{})),
			"balance": errOf(w.Balance(ctx, on, creditledger.BalanceQuery{})), "block": errOf(w.Block(ctx, on, "A")),
			"explain": errOf(w.Explain(ctx, on, amount("1"), creditledger.Charge{})), "verify": errOf(w.Verify(ctx, on, nil)),
			"do": errOf(w.Do(ctx, on, spend("1"), "")), "preview": errOf(w.Preview(ctx, on, spend("1"), "")),
		} {
			if !errors.Is(err, creditledger.ErrInvalid) {
				t.Errorf("%s of %v: %v", name, on, err)
			}
		}
	}
}

// TestEntriesOfLongHistory: pages cross the pages of the journal, in both orders, and
// bounds on created_at are found by bisection.
func TestEntriesOfLongHistory(t *testing.T) {
	w := newWorld(t)
	const days = 300
	var ops []creditledger.Operation
	for i := range days {
		w.at("2026-01-01").at(time.Date(2026, 1, 1+i, 0, 0, 0, 0, time.UTC).Format(time.DateOnly))
		op := grant("", "1")
		op.Description = fmt.Sprint(i)
		w.given(op)
		ops = append(ops, op)
	}
	for _, ascending := range []bool{true, false} {
		for _, limit := range []int{1, 99, 1000} {
			got := w.entries(creditledger.EntriesQuery{Ascending: ascending, Limit: limit})
			if !ascending {
				slices.Reverse(got)
			}
			if len(got) != len(ops) || got[0].Description != "0" || got[days-1].Description != fmt.Sprint(days-1) {
				t.Errorf("ascending %t, pages of %d: %d entries", ascending, limit, len(got))
			}
		}
		day := time.Date(2026, 1, 201, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
		got := w.entries(creditledger.EntriesQuery{Ascending: ascending, From: instant(day), Until: instant(day)})
		if len(got) != 1 || got[0].Description != "200" {
			t.Errorf("ascending %t: one day gives %s", ascending, story(got))
		}
	}
}
