package creditledger_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"creditledger"
	"creditledger/store/memory"
)

// journal returns all records of cus_1.
func (w *world) journal() []creditledger.JournalRecord {
	w.t.Helper()
	var all []creditledger.JournalRecord
	for {
		page, err := w.Journal(ctx, cus1, uint64(len(all))+1, 7)
		if err != nil {
			w.t.Fatal(err)
		}
		all = append(all, page...)
		if len(page) < 7 {
			return all
		}
	}
}

// TestImport moves a ledger to another store, in one piece and record by record: what
// is stored there is the same to the last byte.
func TestImport(t *testing.T) {
	w := history(t)
	records := w.journal()
	if len(records) < 18 {
		t.Fatalf("only %d records", len(records))
	}
	for _, size := range []int{1, 3, len(records)} {
		to := newWorld(t)
		to.at("2026-03-01")
		for part := range slices.Chunk(records, size) {
			if err := to.Import(ctx, cus1, part); err != nil {
				t.Fatal(err)
			}
		}
		if a, b := to.ledger(), w.at("2026-03-01").ledger(); a != b {
			t.Errorf("by %d: imported\n%s\nfrom\n%s", size, a, b)
		}
		checkSameStored(t, to, w)
		// Keys come along, and the ledger goes on from there.
		if res := to.must(someOperations()[0], "key0"); !res.Replayed {
			t.Error("a key was lost")
		}
		to.given(spend("1"))
		to.verified()
	}
	if err := newWorld(t).Import(ctx, cus1, nil); err != nil {
		t.Errorf("nothing: %v", err)
	}
}

func checkSameStored(t testing.TB, a, b *world) {
	t.Helper()
	da, db := copyOf(t, a), copyOf(t, b)
	if string(creditledger.AppendHead(nil, &da.head)) != string(creditledger.AppendHead(nil, &db.head)) || len(da.blocks) != len(db.blocks) || len(da.open) != len(db.open) || fmt.Sprint(da.keys) != fmt.Sprint(db.keys) {
		t.Fatalf("heads %+v and %+v, %d and %d blocks, %d and %d open", da.head, db.head, len(da.blocks), len(db.blocks), len(da.open), len(db.open))
	}
	for i := range da.blocks {
		if string(creditledger.AppendBlock(nil, &da.blocks[i])) != string(creditledger.AppendBlock(nil, &db.blocks[i])) {
			t.Errorf("blocks %+v and %+v", da.blocks[i], db.blocks[i])
		}
	}
}

// TestImportRefused: a record that does not fit refuses all of them, names itself, and
// leaves the account as if nothing had been tried.
func TestImportRefused(t *testing.T) {
	records := history(t).journal()
	change := func(i int, change func(*creditledger.OpRecord)) []creditledger.JournalRecord {
		d := copyOf(t, history(t))
		rec, err := creditledger.DecodeRecord(d.journal[i].Bytes)
		if err != nil {
			t.Fatal(err)
		}
		change(rec)
		d.journal[i].Bytes = creditledger.AppendRecord(nil, rec)
		d.reseal(t, i)
		return d.journal
	}
	flipped := slices.Clone(records)
	flipped[5].Bytes = slices.Clone(flipped[5].Bytes)
	flipped[5].Bytes[len(flipped[5].Bytes)-1] ^= 0x40
	for _, c := range []struct {
		rule    string
		records []creditledger.JournalRecord
		record  string
	}{
		{"not from the beginning", records[1:], "record 2"},
		{"one missing", append(slices.Clone(records[:3]), records[4:]...), "record 5"},
		{"one twice", append(slices.Clone(records[:3]), records[2:]...), "record 3"},
		{"damaged", flipped, "record 6"},
		{"an amount forged, and sealed", change(6, func(r *creditledger.OpRecord) { r.Effects[0].Lines[0].Amount = amount("0.5") }), "record 7"},
		{"an operation that is wrong in itself", change(1, func(r *creditledger.OpRecord) { r.Op = spend("-40", item("api")) }), "record 2"},
		{"an id that is none", change(4, func(r *creditledger.OpRecord) { r.Effects[0].NewBlockID = "a\n" }), "record 5"},
		{"the last one's key is another's", change(len(records)-1, func(r *creditledger.OpRecord) { r.Key = "key0" }), fmt.Sprintf("record %d", len(records))},
	} {
		t.Run(c.rule, func(t *testing.T) {
			to, fresh := newWorld(t), newWorld(t)
			for _, w := range []*world{to, fresh} {
				w.at("2026-06-01")
			}
			err := to.Import(ctx, cus1, c.records)
			if err == nil || !strings.Contains(err.Error(), c.record) {
				t.Fatalf("%v, want one that names %s", err, c.record)
			}
			for _, w := range []*world{to, fresh} {
				w.at("2026-01-01").given(grant("A", "5", expires("2026-01-05")), spend("1"))
			}
			if a, b := to.ledger(), fresh.ledger(); a != b {
				t.Errorf("afterwards\n%s\nwant\n%s", a, b)
			}
			to.verified()
		})
	}
	w := newWorld(t).given(grant("A", "1"))
	if err := w.Import(ctx, cus1, records); err == nil {
		t.Error("into an account that has a history of its own: accepted")
	}
	if err := w.Import(ctx, cus2, records); !errors.Is(err, creditledger.ErrCorrupt) {
		t.Errorf("into another account: %v", err)
	}
	for _, limit := range []int{0, -1, creditledger.MaxPage + 1} {
		if _, err := w.Journal(ctx, cus1, 1, limit); !errors.Is(err, creditledger.ErrInvalid) {
			t.Errorf("limit %d: %v", limit, err)
		}
	}
}

// TestImportRefusedMidway: what a refused import replayed up to the record that does
// not fit is forgotten, also what expired and became effective on the way.
func TestImportRefusedMidway(t *testing.T) {
	source := newWorld(t)
	start := []creditledger.Operation{
		grant("E", "5", expires("2026-02-01")), grant("F", "7", effective("2026-02-10"), priority(9)), grant("U", "3", unpaid, expires("2026-02-05")), grant("C", "10"),
	}
	source.given(start...)
	source.at("2026-01-20").given(grant("X", "1", expires("2026-02-02")))
	source.at("2026-03-01").given(spend("30"))
	source.at("2026-04-01").given(spend("1"))
	records := source.journal()
	bad := slices.Clone(records)
	bad[len(bad)-1].Bytes = slices.Clone(bad[len(bad)-1].Bytes)
	bad[len(bad)-1].Bytes[len(bad[len(bad)-1].Bytes)-3] ^= 1
	for _, had := range []int{4, 5} { // records already there
		for _, day := range []string{"2026-01-25", "2026-02-03", "2026-02-20", "2026-05-01"} {
			to, fresh := newWorld(t), newWorld(t)
			for _, w := range []*world{to, fresh} {
				if err := w.Import(ctx, cus1, records[:had]); err != nil {
					t.Fatal(err)
				}
			}
			to.at(day)
			if err := to.Import(ctx, cus1, bad[had:]); err == nil {
				t.Fatal("accepted")
			}
			fresh.reopen()
			for _, w := range []*world{to, fresh} {
				w.at(day).given(spend("12"), grant("N", "2"))
			}
			if a, b := to.ledger(), fresh.ledger(); a != b {
				t.Errorf("with %d records, on %s, afterwards\n%s\nwant\n%s", had, day, a, b)
			}
			to.verified()
		}
	}
}

// TestImportProperty: any history can be moved, and rebuilt from any point.
func TestImportProperty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t)
		blocks := 0
		for i := range rapid.IntRange(1, 20).Draw(rt, "steps") {
			w.at(fmt.Sprintf("2026-01-%02d", 1+i/4))
			key := creditledger.Key(rapid.SampledFrom([]string{"", fmt.Sprint(i)}).Draw(rt, "key"))
			if res, err := w.Do(ctx, cus1, creditledger.DrawOperation(rt, blocks), key); err == nil && res.NewBlockID != "" {
				blocks++
			}
		}
		records := w.journal()
		if len(records) == 0 {
			return
		}
		at := rapid.IntRange(0, len(records)).Draw(rt, "split")
		to := newWorld(t)
		if err := errors.Join(to.Import(ctx, cus1, records[:at]), to.Import(ctx, cus1, records[at:])); err != nil {
			rt.Fatal(err)
		}
		checkSameStored(t, to, w)
		checkRebuild(rt, w, records, at)
	})
}

// checkRebuild takes the state after some records, replays the others on it, and
// holds the change that comes of it to what the ledger stored.
func checkRebuild(t rapid.TB, w *world, records []creditledger.JournalRecord, at int) {
	before := newWorldOver(w.t, memory.New())
	if err := before.Import(ctx, cus1, records[:at]); err != nil {
		t.Fatal(err)
	}
	state, err := before.store.Load(ctx, cus1, nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := creditledger.NewRebuild(cus1, state)
	if err != nil {
		t.Fatal(err)
	}
	for _, stored := range records[at:] {
		rec, err := creditledger.DecodeRecord(stored.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range r.Missing(rec) {
			if b, err := before.store.Block(ctx, cus1, id); err == nil {
				r.Admit(b)
			}
		}
		if err := r.Apply(rec, stored.Bytes); err != nil {
			t.Fatal(err)
		}
	}
	if at == len(records) {
		return
	}
	c := r.Change()
	if c.Version != uint64(at) || c.Head.Version != uint64(len(records)) || len(c.Journal) != len(records)-at {
		t.Fatalf("a change from %d to %d with %d records", c.Version, c.Head.Version, len(c.Journal))
	}
	if err := before.store.Commit(ctx, []creditledger.Change{c}); err != nil {
		t.Fatal(err)
	}
	before.reopen()
	before.verified()
	checkSameStored(before.t, before, w)
}

func TestRebuildRefused(t *testing.T) {
	records := history(t).journal()
	r, err := creditledger.NewRebuild(cus1, &creditledger.State{})
	if err != nil {
		t.Fatal(err)
	}
	rec, err := creditledger.DecodeRecord(records[1].Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Apply(rec, records[1].Bytes); !errors.Is(err, creditledger.ErrCorrupt) || !strings.Contains(err.Error(), "record 2 of cus_1/credits") {
		t.Errorf("a record out of place: %v", err)
	}
	bad := &creditledger.State{Head: creditledger.Head{Total: amount("1")}}
	if _, err := creditledger.NewRebuild(cus1, bad); !errors.Is(err, creditledger.ErrCorrupt) {
		t.Errorf("a damaged state: %v", err)
	}
}

// TestImportFails: an import that cannot be stored is an error, and one that another
// writer crossed is tried again.
func TestImportFails(t *testing.T) {
	records := history(t).journal()
	s := newFaulty()
	w := newWorldOver(t, s)
	broken := errors.New("disk full")
	s.onCommit(func(context.Context, []creditledger.Change, func() error) error { return broken })
	if err := w.Import(ctx, cus1, records); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
	failures := 2
	s.onCommit(func(_ context.Context, changes []creditledger.Change, next func() error) error {
		if failures--; failures >= 0 {
			return &creditledger.ConflictError{Accounts: []creditledger.AccountID{changes[0].Account}}
		}
		return next()
	})
	if err := w.Import(ctx, cus1, records); err != nil {
		t.Errorf("after conflicts: %v", err)
	}
	w.verified()
	s.onCommit(func(_ context.Context, changes []creditledger.Change, _ func() error) error {
		return &creditledger.ConflictError{Accounts: []creditledger.AccountID{changes[0].Account}}
	})
	w.at("2026-05-01")
	source := history(t)
	source.at("2026-05-01").given(spend("1"))
	if err := w.Import(ctx, cus1, source.journal()[len(records):]); !errors.Is(err, creditledger.ErrConflict) {
		t.Errorf("always in conflict: %v", err)
	}
	for _, what := range []string{"load", "key", "block"} {
		s := newFaulty()
		w := newWorldOver(t, s)
		s.onRead(func(_ context.Context, asked string, _ creditledger.AccountID) error {
			if asked == what {
				return broken
			}
			return nil
		})
		if err := w.Import(ctx, cus1, records); !errors.Is(err, broken) {
			t.Errorf("no %s: %v", what, err)
		}
	}
	called, cancel := context.WithCancel(ctx)
	gated := newFaulty()
	w = newWorldOver(t, gated)
	g := gated.shut()
	done := make(chan error, 1)
	go func() { done <- w.Import(called, cus1, records) }()
	received(t, g.arrived)
	cancel()
	if err := received(t, done); !errors.Is(err, creditledger.ErrOutcomeUnknown) || !errors.Is(err, context.Canceled) {
		t.Errorf("called off: %v", err)
	}
	gated.onCommit(nil)
	g.pass()
	if err := w.Import(ctx, cus1, records); err == nil {
		t.Error("imported twice")
	}
	w.verified()
}
