package creditledger_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"creditledger"
	"creditledger/store/memory"
)

// byExpiry is an extension whose source is named by its expiry alone.
func byExpiry(expiry, newBlock string) creditledger.ExpirationChange {
	op := extend("", "", "never", newBlock)
	op.ExpiresAt = creditledger.AtInstant(instant(expiry))
	return op
}

// TestSourceByExpiry: an expiry that no block ever had is not found, passed or to come; one
// whose blocks are empty, or gone, is refused by state.
func TestSourceByExpiry(t *testing.T) {
	w := newWorld(t).given(
		grant("spent", "5", expires("2026-06-01")), spend("5"), grant("held", "5", expires("2026-07-01")),
		grant("future", "5", expires("2026-08-01"), effective("2026-05-01")), grant("gone", "5", expires("2026-02-01")),
	)
	check := func(when string) {
		t.Helper()
		for _, c := range []struct {
			rule, expiry, id string
			want             error
		}{
			{"all empty", "2026-06-01", "", creditledger.ErrConstraint},
			{"all empty, and an id in use", "2026-06-01", "held", creditledger.ErrDuplicate},
			{"passed, never there", "2025-12-31", "", creditledger.ErrNotFound},
			{"never there", "2026-06-02", "", creditledger.ErrNotFound},
			{"never there, and an id in use", "2026-06-02", "held", creditledger.ErrNotFound},
			{"never there, by a microsecond", "2026-06-01T00:00:00.000001Z", "", creditledger.ErrNotFound},
			{"held, and an id in use", "2026-07-01", "spent", creditledger.ErrDuplicate},
		} {
			w.refused(byExpiry(c.expiry, c.id), "", c.want)
			if _, err := w.Preview(ctx, cus1, byExpiry(c.expiry, c.id), ""); !errors.Is(err, c.want) {
				t.Errorf("%s: %s, previewed: %v", when, c.rule, err)
			}
		}
	}
	check("at once")
	w.reopen()
	check("after a restart")
	if _, err := w.Preview(ctx, cus1, byExpiry("2026-07-01", ""), ""); err != nil {
		t.Errorf("one that holds something: %v", err)
	}
	if _, err := w.Preview(ctx, cus1, byExpiry("2026-08-01", ""), ""); err != nil {
		t.Errorf("a future one: %v", err)
	}
	// Expired, and nobody wrote it down yet.
	w.at("2026-02-01")
	w.refused(byExpiry("2026-02-01", ""), "", creditledger.ErrConstraint)
	w.refused(creditledger.Batch{byExpiry("2026-02-01", "")}, "", creditledger.ErrConstraint)
	if len(w.entries(creditledger.EntriesQuery{})) != 5 {
		t.Error("a refusal wrote something")
	}
	// Emptied by an operation that is not durable yet.
	w.given(grant("quick", "1", expires("2026-03-01"), priority(-1)))
	p, err := w.Submit(ctx, cus1, spend("1"), "")
	if err != nil {
		t.Fatal(err)
	}
	w.refused(byExpiry("2026-03-01", ""), "", creditledger.ErrConstraint)
	if _, err := p.Wait(ctx); err != nil {
		t.Fatal(err)
	}
	w.verified()
}

// TestFailingRandomness: a source that fails refuses the operation, wherever it fails,
// and leaves the account as it was.
func TestFailingRandomness(t *testing.T) {
	broken := errors.New("no randomness")
	for ids := range 9 {
		for name, op := range map[string]creditledger.Operation{
			"spend": spend("1"), "grant": creditledger.Increment{Amount: amount("1")},
			"batch": creditledger.Batch{creditledger.Increment{Amount: amount("1")}, spend("500"), creditledger.Increment{Amount: amount("1000")}},
		} {
			// Buffers of 640 bytes make 64 ids each. These ids use up one buffer but for a few.
			source := io.MultiReader(io.LimitReader(creditledger.Random(5), 640), iotest.ErrReader(broken))
			w := newWorld(t, func(o *creditledger.Options) { o.Random = source })
			w.given(creditledger.Fixture()...)
			for range 53 + ids {
				w.given(spend("0.5"))
			}
			w.at("2026-02-02")
			before := w.ledger()
			_, err := w.Do(ctx, cus1, op, "")
			if err != nil && !errors.Is(err, broken) {
				t.Errorf("%s: %v", name, err)
			}
			if after := w.ledger(); err != nil && after != before {
				t.Errorf("%s, refused with %d ids to go, wrote\n%s", name, 8-ids, after)
			}
			if _, err := w.Sweep(ctx); err != nil && !errors.Is(err, broken) {
				t.Errorf("sweep: %v", err)
			}
			w.Ledger, w.opts.Random = creditledger.New(w.store, &creditledger.Options{Clock: w.clock}), nil
			w.given(spend("1"))
			w.verified()
		}
	}
}

// TestPreviewOfKeyInFlight: a preview with the key of an operation that is being
// stored waits for it and gives its result.
func TestPreviewOfKeyInFlight(t *testing.T) {
	s := newFaulty()
	w := newWorldOver(t, s)
	g := s.shut()
	first := w.async(ctx, cus1, grant("A", "5"), "k")
	received(t, g.arrived)
	previewed := make(chan answer, 1)
	go func() {
		res, err := w.Preview(ctx, cus1, grant("A", "5"), "k")
		previewed <- answer{res, err}
	}()
	called, cancel := context.WithCancel(ctx)
	off := make(chan error, 2)
	go func() { off <- errOf(w.Preview(called, cus1, grant("A", "5"), "k")) }()
	go func() { off <- errOf(w.Do(called, cus1, grant("A", "5"), "k")) }()
	silent(t, previewed, "previewed before it was stored")
	cancel()
	for range 2 {
		if err := received(t, off); !errors.Is(err, context.Canceled) {
			t.Errorf("called off: %v", err)
		}
	}
	g.pass()
	received(t, first)
	if a := received(t, previewed); a.err != nil || !a.res.Replayed || story(a.res.Entries) != "increment A 5 0→5" {
		t.Errorf("%+v, %v", a.res, a.err)
	}
}

// TestReadOfFailedCommit: a read that saw what a failing commit brings looks again.
func TestReadOfFailedCommit(t *testing.T) {
	s := newFaulty()
	w := newWorldOver(t, s)
	w.given(grant("A", "5"))
	g := s.shut()
	first := w.async(ctx, cus1, grant("B", "7"), "")
	received(t, g.arrived)
	total := make(chan string, 1)
	go func() { total <- w.total() }()
	silent(t, total, "shown before it was stored")
	g.fail(errors.New("disk full"))
	received(t, first)
	if got := received(t, total); got != "5" {
		t.Errorf("shown %s", got)
	}
}

// TestDamagedHistory: what cannot be read is an error of every call that needs it,
// never a zero value.
func TestDamagedHistory(t *testing.T) {
	w := history(t)
	damage := map[string]func(*damaged){
		"a record that cannot be read": func(d *damaged) { d.journal[2].Bytes = d.journal[2].Bytes[:20] },
		"a record of another place":    func(d *damaged) { d.journal[2].Bytes = d.journal[3].Bytes },
		"a record missing":             func(d *damaged) { d.journal = slices.Delete(d.journal, 2, 3) },
	}
	for what, do := range damage {
		d := copyOf(t, w)
		do(d)
		l := creditledger.New(d, &creditledger.Options{Clock: w.clock})
		calls := map[string]error{"key of it": errOf(l.Do(ctx, cus1, extend("A", "10", "2026-12-01", "B"), "key2"))}
		if what != "a record missing" { // which only a look at the sequence shows
			calls["entries"] = errOf(l.Entries(ctx, cus1, creditledger.EntriesQuery{Limit: 1000}))
			calls["oldest entries"] = errOf(l.Entries(ctx, cus1, creditledger.EntriesQuery{Limit: 1000, Ascending: true}))
			calls["balance as of"] = errOf(l.Balance(ctx, cus1, creditledger.BalanceQuery{At: instant("2026-01-01")}))
			calls["generated key"] = errOf(l.Do(ctx, cus1, spend("1"), "auto-019b7b4c-1c00-7000-8000-000000000000-3"))
		}
		for name, err := range calls {
			if !errors.Is(err, creditledger.ErrCorrupt) || !strings.Contains(err.Error(), "3") {
				t.Errorf("%s, %s: %v", what, name, err)
			}
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
	d := copyOf(t, w)
	d.blocks = d.blocks[1:]
	d.fail = func(what string) error {
		if what == "blocks by number" {
			return &creditledger.NotFoundError{Kind: "block", ID: "1"}
		}
		return nil
	}
	l := creditledger.New(d, &creditledger.Options{Clock: w.clock})
	defer l.Close()
	for name, err := range map[string]error{
		"entries": errOf(l.Entries(ctx, cus1, creditledger.EntriesQuery{})), "replay": errOf(l.Do(ctx, cus1, someOperations()[0], "key0")),
	} {
		if !errors.Is(err, creditledger.ErrCorrupt) || errors.Is(err, creditledger.ErrNotFound) {
			t.Errorf("a block missing, %s: %v", name, err)
		}
	}
}

// TestDamagedCustomer: a customer record that cannot be read, or whose zone this
// machine does not know, refuses what needs it and nothing else.
func TestDamagedCustomer(t *testing.T) {
	w := newWorld(t)
	if err := w.store.Commit(ctx, []creditledger.Change{{Documents: []creditledger.DocumentPut{{DocumentID: creditledger.DocumentID{Kind: "customer", Key: "cus_1"}, Value: []byte("?")}}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Customer(ctx, "cus_1"); !errors.Is(err, creditledger.ErrCorrupt) {
		t.Errorf("read: %v", err)
	}
	w.refused(grant("A", "1", expires("2026-06-01")), "", creditledger.ErrCorrupt)
	strange := creditledger.Customer{ID: "cus_2", Timezone: "Mars/Olympus"}
	if err := w.ImportDocuments(ctx, []creditledger.DocumentPut{{
		DocumentID: creditledger.DocumentID{Kind: "customer", Key: "cus_2"}, Value: creditledger.EncodeCustomer(strange),
	}}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Do(ctx, cus2, grant("A", "1", expires("2026-06-01")), ""); err == nil || !strings.Contains(err.Error(), `time zone of customer "cus_2"`) {
		t.Errorf("a date in a zone that is not known: %v", err)
	}
	if _, err := w.Do(ctx, cus2, grant("A", "1"), ""); err != nil {
		t.Errorf("no date: %v", err)
	}
}

// TestVerifyManyAccounts: all accounts, though there are more than a page of them.
func TestVerifyManyAccounts(t *testing.T) {
	w := newWorld(t)
	const accounts = creditledger.MaxPage + 3
	pending := make([]*creditledger.Pending, accounts)
	for i := range pending {
		var err error
		if pending[i], err = w.Submit(ctx, creditledger.AccountID{Customer: fmt.Sprint(i)}, grant("A", "1"), ""); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range pending {
		if _, err := p.Wait(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if v, err := w.VerifyAll(ctx, nil); err != nil || v.Violation != nil || v.Accounts != accounts || v.Entries != accounts {
		t.Errorf("%+v, %v", v, err)
	}
}

// TestEntriesCalledOff: a list of entries that is called off half through is an error.
func TestEntriesCalledOff(t *testing.T) {
	s := newFaulty()
	w := newWorldOver(t, s)
	for range 100 {
		w.given(spend("1"))
	}
	called, cancel := context.WithCancel(ctx)
	pages := 0
	s.onRead(func(_ context.Context, what string, _ creditledger.AccountID) error {
		if what == "journal" {
			if pages++; pages == 2 {
				cancel()
			}
		}
		return nil
	})
	if _, err := w.Entries(called, cus1, creditledger.EntriesQuery{Limit: 1000}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	// A bound is looked for by reading single records; that may fail too.
	broken := errors.New("bad sector")
	reads := 0
	s.onRead(func(_ context.Context, what string, _ creditledger.AccountID) error {
		if what == "journal" {
			if reads++; reads == 3 {
				return broken
			}
		}
		return nil
	})
	for _, ascending := range []bool{true, false} {
		reads = 0
		q := creditledger.EntriesQuery{From: instant("2025-01-01"), Until: instant("2026-01-01"), Ascending: ascending}
		if _, err := w.Entries(ctx, cus1, q); !errors.Is(err, broken) {
			t.Errorf("ascending %t: %v", ascending, err)
		}
	}
}

// TestRebuildAdmits: a record that names a closed block is replayed once the block is
// at hand, and not before.
func TestRebuildAdmits(t *testing.T) {
	w := newWorld(t).given(grant("A", "5", expires("2026-06-01")), spend("5"))
	state, err := w.store.Load(ctx, cus1, nil)
	if err != nil || len(state.Blocks) != 0 {
		t.Fatalf("%+v, %v", state, err)
	}
	closed, err := w.Block(ctx, cus1, "A")
	if err != nil {
		t.Fatal(err)
	}
	w.given(amend("A", "2"))
	stored := w.journal()[2]
	rec, err := creditledger.DecodeRecord(stored.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	r, err := creditledger.NewRebuild(cus1, state)
	if err != nil {
		t.Fatal(err)
	}
	if got := r.Missing(rec); !slices.Equal(got, []string{"A"}) {
		t.Errorf("missing %v", got)
	}
	if err := r.Apply(rec, stored.Bytes); !errors.Is(err, creditledger.ErrCorrupt) {
		t.Errorf("without the block: %v", err)
	}
	r.Admit(closed)
	if got := r.Missing(rec); len(got) != 0 {
		t.Errorf("still missing %v", got)
	}
	if err := r.Apply(rec, stored.Bytes); err != nil {
		t.Fatal(err)
	}
	c := r.Change()
	if len(c.Blocks) != 1 || !c.Blocks[0].Open || c.Blocks[0].New || c.Blocks[0].Balance.String() != "2" {
		t.Errorf("the change puts %+v", c.Blocks)
	}
}

// TestImportOfUsedID: a record that made a block under an id that the ledger chose is
// refused where a block of that id is at hand.
func TestImportOfUsedID(t *testing.T) {
	d := copyOf(t, newWorld(t).given(grant("A", "5"), creditledger.Increment{Amount: amount("1")}))
	rec, err := creditledger.DecodeRecord(d.journal[1].Bytes)
	if err != nil {
		t.Fatal(err)
	}
	rec.Effects[0].NewBlockID = "A"
	d.journal[1].Bytes = creditledger.AppendRecord(nil, rec)
	d.reseal(t, 1)
	if err := newWorld(t).Import(ctx, cus1, d.journal); err == nil || !strings.Contains(err.Error(), "which there was already") {
		t.Errorf("%v", err)
	}
}

// TestReproducible: with the clock and the randomness given, two runs are the same to
// the last byte.
func TestReproducible(t *testing.T) {
	a, b := history(t).journal(), history(t).journal()
	if len(a) != len(b) {
		t.Fatalf("%d and %d records", len(a), len(b))
	}
	for i := range a {
		if string(a[i].Bytes) != string(b[i].Bytes) {
			t.Fatalf("record %d differs", i+1)
		}
	}
}

func TestNewDefaults(t *testing.T) {
	for _, opts := range []*creditledger.Options{nil, {}} {
		l := creditledger.New(memory.New(), opts)
		for _, op := range []creditledger.Operation{grant("A", "1"), spend("11"), grant("B", "15")} {
			if _, err := l.Do(ctx, cus1, op, ""); err != nil {
				t.Fatal(err)
			}
		}
		b, err := l.Block(ctx, cus1, "B")
		if err != nil || b.Balance.String() != "5" {
			t.Errorf("options %+v: the new block holds %s, %v", opts, b.Balance, err)
		}
		v, err := l.Verify(ctx, cus1, nil)
		if err != nil || v.Violation != nil {
			t.Errorf("options %+v: %v, %v", opts, v.Violation, err)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
}
