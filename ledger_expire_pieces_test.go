package creditledger_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"creditledger"
	"creditledger/store/memory"
)

// TestPiecesBesideOthers: operations before and behind expiries in pieces, submitted while
// commits take their time, and another process that writes the same expiries. Each commit
// brings its operations and nothing of those behind it.
func TestPiecesBesideOthers(t *testing.T) {
	s := newFaulty()
	w := newWorldOver(t, s, inPieces(2)).given(expiring()...)
	other := newWorldOver(t, s.Store, inPieces(3))
	w.at("2026-01-15")
	g := s.shut()
	submit := func(op creditledger.Operation) *creditledger.Pending {
		p, err := w.Submit(ctx, cus1, op, "")
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	pending := []*creditledger.Pending{submit(spend("1"))}
	<-g.arrived // in the air; what follows is queued behind it
	pending = append(pending, submit(spend("1", item("api"))))
	w.at("2026-03-01")
	pending = append(pending, submit(creditledger.Batch{amend("empty", "1"), spend("0.25")}), submit(spend("2")))
	other.at("2026-03-01")
	pieces := piecesOf(t, s, 2)
	g.pass()
	for _, p := range pending {
		if _, err := p.Wait(ctx); err != nil {
			t.Error(err)
		}
	}
	if len(pieces()) < 3 {
		t.Errorf("written as %v", pieces())
	}
	w.verified()

	// Another process is faster, after each commit but the first.
	w = newWorldOver(t, s, inPieces(2))
	for i := range 9 {
		if _, err := w.Do(ctx, cus2, grant(fmt.Sprint(i), "1", expires("2026-02-01")), ""); err != nil {
			t.Fatal(err)
		}
	}
	commits := 0
	s.onCommit(func(_ context.Context, changes []creditledger.Change, next func() error) error {
		if commits++; commits == 2 {
			if _, err := other.Do(ctx, cus2, spend("1"), ""); err != nil {
				t.Error(err)
			}
		}
		return next()
	})
	w.at("2026-03-01")
	if _, err := w.Do(ctx, cus2, spend("1"), ""); err != nil {
		t.Error(err)
	}
	page, err := w.Entries(ctx, cus2, creditledger.EntriesQuery{Limit: 20})
	if err != nil || len(page.Entries) != 20 {
		t.Errorf("%d entries, %v", len(page.Entries), err)
	}
	w.verified()
}

// TestCommitOfManyBringsAPiece: the expiries of many accounts in one commit, and those
// before several operations of one account, are no more than a piece.
func TestCommitOfManyBringsAPiece(t *testing.T) {
	s := newFaulty()
	w := newWorldOver(t, s, inPieces(7))
	const accounts, each = 9, 4
	for i := range accounts {
		for b := range each {
			if _, err := w.Do(ctx, creditledger.AccountID{Customer: fmt.Sprint(i)}, grant(fmt.Sprint(b), "1", expires("2026-02-01")), ""); err != nil {
				t.Fatal(err)
			}
		}
	}
	piecesOf(t, s, 7)
	w.at("2026-02-01").swept(creditledger.SweepResult{Accounts: accounts, Entries: accounts * each})
	w.verified()

	s = newFaulty()
	w = newWorldOver(t, s, inPieces(2)).given(grant("keep", "9"))
	for day := 1; day <= 9; day++ {
		w.given(grant(fmt.Sprint(day), "1", only("api"), expires(fmt.Sprintf("2026-02-0%d", day))))
	}
	g := s.shut()
	var pending []*creditledger.Pending
	for day := 1; day <= 9; day++ {
		p, err := w.at(fmt.Sprintf("2026-02-0%d", day)).Submit(ctx, cus1, spend("1"), "")
		if err != nil {
			t.Fatal(err)
		}
		if pending = append(pending, p); day == 1 {
			<-g.arrived // the others are queued behind it
		}
	}
	pieces := piecesOf(t, s, 2)
	g.pass()
	for _, p := range pending {
		if _, err := p.Wait(ctx); err != nil {
			t.Error(err)
		}
	}
	if got := pieces(); !slices.Equal(got, []int{2, 2, 2, 2}) {
		t.Errorf("written as %v", got)
	}
	w.verified()
}

// TestRecordsOfAnySizeReplay: how many expiries a record holds is no rule. A journal is
// imported by ledgers with pieces of another size, whole and record by record.
func TestRecordsOfAnySizeReplay(t *testing.T) {
	for _, n := range []int{1, 3, 100} {
		w := newWorld(t, inPieces(n)).given(expiring()...)
		w.at("2026-03-01").given(spend("1"))
		for _, size := range []int{1, 100} {
			to := newWorld(t, inPieces(2))
			to.at("2026-03-01")
			for part := range slices.Chunk(w.journal(), size) {
				if err := to.Import(ctx, cus1, part); err != nil {
					t.Fatal(err)
				}
				to.verified()
				to.reopen()
			}
			checkSameStored(t, to, w)
		}
	}
}

// TestPiecesProperty: random operations on one account, days apart, give the same entries
// whether what expires is written in small pieces or at once, and what is stored is whole
// after every commit.
func TestPiecesProperty(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		s := newFaulty()
		n := rapid.IntRange(1, 3).Draw(r, "piece")
		clock := creditledger.InstantAt("2026-01-01").Time()
		opts := creditledger.Options{Clock: func() time.Time { return clock }, Random: creditledger.Random(1), ExpiriesPerCommit: n}
		small := creditledger.New(s, &opts)
		piecesOf(t, s, n)
		opts.Random, opts.ExpiriesPerCommit = creditledger.Random(1), 1000
		large := creditledger.New(memory.New(), &opts)
		for range rapid.IntRange(1, 8).Draw(r, "steps") {
			if rapid.IntRange(0, 3).Draw(r, "wait") == 0 {
				clock = clock.Add(24 * time.Hour)
			}
			if rapid.IntRange(0, 5).Draw(r, "sweep") == 0 {
				a, errA := small.Sweep(ctx)
				b, errB := large.Sweep(ctx)
				if a != b || errA != nil || errB != nil {
					r.Fatalf("swept %+v, %v and %+v, %v", a, errA, b, errB)
				}
			}
			op := creditledger.DrawOperation(r, 6)
			_, errA := small.Do(ctx, cus1, op, "")
			_, errB := large.Do(ctx, cus1, op, "")
			if fmt.Sprint(errA) != fmt.Sprint(errB) {
				r.Fatalf("%v and %v", errA, errB)
			}
		}
		read := func(l *creditledger.Ledger) string {
			page, err := l.Entries(ctx, cus1, creditledger.EntriesQuery{Ascending: true, Limit: 1000})
			if err != nil {
				r.Fatal(err)
			}
			for i := range page.Entries { // ids that were made depend on the records before
				page.Entries[i].Block.ID = fmt.Sprint(page.Entries[i].Block.Number)
			}
			return story(page.Entries)
		}
		if a, b := read(small), read(large); a != b {
			r.Errorf("in pieces of %d\n%s\nat once\n%s", n, a, b)
		}
	})
}
