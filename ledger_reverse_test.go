package creditledger_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"creditledger"
	"creditledger/store/bolt"
)

// TestReversalsAreKept: what was taken back of a charge is known after a restart, in a
// copy of the journal and to the proof, whatever names the charge.
func TestReversalsAreKept(t *testing.T) {
	w := newWorld(t).given(grant("A", "30", expires("2026-02-01")), grant("B", "300"))
	w.must(spend("50"), "k1")
	made := w.must(spend("100"), "")
	w.must(creditledger.Reverse{Charge: "k1", Amount: amount("35")}, "r1")
	w.reopen()
	w.must(creditledger.Reverse{Charge: made.Key, Amount: amount("99")}, "")
	if again := w.must(creditledger.Reverse{Charge: "k1", Amount: amount("35")}, "r1"); !again.Replayed || again.Reversed.String() != "35" || len(again.Entries) != 2 || again.Entries[0].Reverses != 4 {
		t.Errorf("repeated: %+v", again)
	}
	w.at("2026-02-02")
	res := w.must(creditledger.Reverse{Entry: 3}, "")
	if res.Reversed.String() != "15" || res.Lapsed.String() != "15" {
		t.Errorf("the rest of an entry whose block expired: %+v", res)
	}
	var left *creditledger.ReversalError
	if err := w.refused(creditledger.Reverse{Charge: made.Key, Amount: amount("2")}, "", creditledger.ErrConstraint); !errors.As(err, &left) || left.Left.String() != "1" {
		t.Errorf("too much: %v", err)
	}
	if state := must(w.store.Load(ctx, cus1, nil)); state.Head.Rows != 3 {
		t.Errorf("%d rows of three entries that were taken back", state.Head.Rows)
	}
	w.refused(creditledger.Reverse{Charge: "k1"}, "", creditledger.ErrConstraint)
	w.refused(creditledger.Reverse{Charge: "auto-" + made.Key[5:40] + "0-2"}, "", creditledger.ErrNotFound)
	w.verified()
	records := w.journal()
	for at := range records {
		to := newWorld(t).at("2026-02-03")
		if err := errors.Join(to.Import(ctx, cus1, records[:at]), to.Import(ctx, cus1, records[at:])); err != nil {
			t.Fatalf("cut before record %d: %v", at+1, err)
		}
		to.verified()
		checkSameStored(t, to, w)
	}
}

// TestReversalNamesTheParent: what a grant repaid comes back as a block of the one that
// owed it.
func TestReversalNamesTheParent(t *testing.T) {
	w := newWorld(t).given(grant("A", "30"))
	w.must(spend("50"), "k")
	w.given(grant("C", "100"))
	res := w.must(creditledger.Reverse{Charge: "k"}, "")
	if len(res.Entries) != 2 || res.Entries[1].Type != creditledger.EntryIncrement {
		t.Fatalf("%+v", res.Entries)
	}
	if b := must(w.Block(ctx, cus1, res.Entries[1].Block.ID)); b.ParentID != "A" || b.Balance.String() != "20" {
		t.Errorf("the new block: %+v", b)
	}
	w.verified()
}

// TestReversalOfWhatIsInFlight: a charge that is on its way to the disk can be taken back.
func TestReversalOfWhatIsInFlight(t *testing.T) {
	w := newWorld(t).given(grant("B", "300"))
	var pending []*creditledger.Pending
	for i := range 20 {
		key := creditledger.Key(fmt.Sprint("k", i))
		for _, op := range []struct {
			op  creditledger.Operation
			key creditledger.Key
		}{{spend("10"), key}, {creditledger.Reverse{Charge: key, Amount: amount("4")}, key + "r"}, {creditledger.Reverse{Entry: uint64(3*i + 2)}, ""}} {
			p, err := w.Submit(ctx, cus1, op.op, op.key)
			if err != nil {
				t.Fatal(err)
			}
			pending = append(pending, p)
		}
	}
	for _, p := range pending {
		if _, err := p.Wait(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if got := w.total(); got != "300" {
		t.Errorf("in the end there are %s", got)
	}
	w.verified()
}

// TestReversalAfterACrash: a file whose tail is replayed knows what was taken back.
func TestReversalAfterACrash(t *testing.T) {
	path := filepath.Join(t.TempDir(), "credits.db")
	s, err := bolt.Open(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	w := newWorldOver(t, s)
	w.given(grant("A", "30", expires("2026-02-01")), grant("B", "300"))
	w.must(spend("50"), "k1")
	w.must(creditledger.Reverse{Charge: "k1", Amount: amount("35")}, "r1")
	w.must(creditledger.Batch{spend("7"), creditledger.Reverse{Entry: 7, Amount: amount("3")}}, "b")
	w.must(creditledger.Reverse{Charge: "b"}, "r2")
	data := w.ledger() + w.held()
	copied := filepath.Join(t.TempDir(), "copy.db")
	bytes, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(copied, bytes, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	again, err := bolt.Open(copied, nil)
	if err != nil {
		t.Fatal(err)
	}
	crashed := newWorldOver(t, again)
	if got := crashed.ledger() + crashed.held(); got != data {
		t.Errorf("after the crash\n%s\nbefore it\n%s", got, data)
	}
	if res := crashed.must(creditledger.Reverse{Charge: "k1"}, ""); res.Reversed.String() != "15" {
		t.Errorf("the rest of the charge: %s", res.Reversed)
	}
	crashed.verified()
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestReversalCost: a charge is found by few questions, however long the history is.
func TestReversalCost(t *testing.T) {
	s := newFaulty()
	w := newWorldOver(t, s)
	w.given(grant("B", "100000"))
	for range 500 {
		w.given(creditledger.Batch{spend("1"), spend("1"), spend("1")}, spend("1"))
	}
	asked := map[string]int{}
	s.onRead(func(_ context.Context, what string, _ creditledger.AccountID) error { asked[what]++; return nil })
	w.must(creditledger.Reverse{Entry: 777}, "")
	s.onRead(nil)
	if n := asked["journal"]; n > 12 {
		t.Errorf("the journal was asked %d times", n)
	}
	w.verified()
}

// TestDrawnTellsWhatIsLeft: what a charge drew, and what is left of it to take back, is
// read entry by entry, whoever took it back and whether or not that has landed.
func TestDrawnTellsWhatIsLeft(t *testing.T) {
	w := newWorld(t).given(grant("A", "30"), grant("B", "300"))
	w.must(spend("50"), "k")
	made := w.must(spend("7"), "")
	left := func(key creditledger.Key) (s string) {
		t.Helper()
		for _, d := range must(w.Drawn(ctx, cus1, creditledger.Reverse{Charge: key})) {
			s += fmt.Sprintf("%d %s %s/%s ", d.Entry, d.BlockID, d.Left, d.Amount)
		}
		return s
	}
	check := func(key creditledger.Key, want string) {
		t.Helper()
		if got := left(key); got != want {
			t.Errorf("%s: %q, not %q", key, got, want)
		}
	}
	check("k", "4 B 20/20 3 A 30/30 ")
	check(made.Key, "5 B 7/7 ")
	w.must(creditledger.Reverse{Charge: "k", Amount: amount("35")}, "")
	if _, err := w.Submit(ctx, cus1, creditledger.Reverse{Entry: 5}, ""); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		check("k", "4 B 0/20 3 A 15/30 ")
		check(made.Key, "5 B 0/7 ")
		w.reopen()
	}
	w.must(grant("C", "1"), "g")
	for _, key := range []creditledger.Key{"g", "nobody", ""} {
		want := creditledger.ErrNotFound
		if key == "" {
			want = creditledger.ErrInvalid
		}
		if _, err := w.Drawn(ctx, cus1, creditledger.Reverse{Charge: key}); !errors.Is(err, want) {
			t.Errorf("%q: %v", key, err)
		}
	}
}

// TestReversalOfMoreThanAnAmount: what no answer could say is not taken back in part under
// the name of all of it.
func TestReversalOfMoreThanAnAmount(t *testing.T) {
	w := newWorld(t).given(grant("A", "90000000000000000000"))
	w.must(creditledger.Batch{spend("90000000000000000000"), grant("B", "90000000000000000000"), spend("90000000000000000000")}, "k")
	w.refused(creditledger.Reverse{Charge: "k"}, "", creditledger.ErrConstraint)
	w.must(creditledger.Reverse{Charge: "k", Amount: amount("90000000000000000000")}, "")
	w.must(spend("90000000000000000000"), "")
	if res := w.must(creditledger.Reverse{Charge: "k"}, ""); res.Reversed.String() != "90000000000000000000" {
		t.Errorf("the rest: %s", res.Reversed)
	}
}
