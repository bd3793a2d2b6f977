package creditledger_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"creditledger"
)

// history is a world with a record of every kind.
func history(t testing.TB) *world {
	w := newWorld(t)
	for i, op := range someOperations() {
		w.at(fmt.Sprintf("2026-01-%02d", i+1))
		key := creditledger.Key("")
		if i%2 == 0 {
			key = creditledger.Key(fmt.Sprint("key", i))
		}
		w.must(op, key)
	}
	w.given(grant("E", "5", expires("2026-02-01"), creditledger.NoRepay), grant("W", "5", effective("2026-03-01")))
	w.at("2026-02-02").given(spend("1"))
	return w
}

func TestVerify(t *testing.T) {
	w := history(t)
	got, err := w.Verify(ctx, cus1, nil)
	entries := w.entries(creditledger.EntriesQuery{})
	if err != nil || got.Violation != nil || got.Accounts != 1 || got.Entries != uint64(len(entries)) || got.Records < 18 || got.Blocks < 8 {
		t.Errorf("%+v, %v, %d entries", got, err, len(entries))
	}
	if got, err := w.Verify(ctx, cus2, nil); err != nil || got.Violation != nil || got.Entries != 0 || got.Records != 0 {
		t.Errorf("an account never used: %+v, %v", got, err)
	}
	if _, err := w.Do(ctx, cus2, grant("A", "1"), ""); err != nil {
		t.Fatal(err)
	}
	if all, err := w.VerifyAll(ctx, nil); err != nil || all.Violation != nil || all.Accounts != 2 || all.Entries != got.Entries+1 || all.Records != got.Records+1 || all.Blocks != got.Blocks+1 {
		t.Errorf("all: %+v, %v", all, err)
	}
	if got, err := newWorld(t).VerifyAll(ctx, nil); err != nil || got.Violation != nil || got.Accounts != 0 {
		t.Errorf("an empty store: %+v, %v", got, err)
	}
}

// TestVerifyFlips damages every byte of every record, one at a time: the violation
// names the very record.
func TestVerifyFlips(t *testing.T) {
	d := copyOf(t, history(t))
	random := rand.New(rand.NewPCG(1, 2))
	for i := range d.journal {
		good := d.journal[i].Bytes
		for at := range good {
			bad := slices.Clone(good)
			bad[at] ^= 1 << random.IntN(8)
			d.journal[i].Bytes = bad
			checkViolation(t, d, fmt.Sprintf("byte %d of record %d from %#x to %#x", at, i+1, good[at], bad[at]), uint64(i+1), "")
		}
		d.journal[i].Bytes = good
	}
	if got, err := d.verify(nil); err != nil || got.Violation != nil {
		t.Fatalf("put back: %+v, %v", got.Violation, err)
	}
}

// checkViolation expects one that names a record (0: none) and a block ("": none).
func checkViolation(t *testing.T, d *damaged, what string, record uint64, block string) {
	t.Helper()
	got, err := d.verify(nil)
	switch v := got.Violation; {
	case err != nil || got.Violation == nil || v == nil:
		t.Errorf("%s: %+v, %v", what, got, err)
	case v.Record != record || v.Block != block || v.Account != d.id || v.Rule == "" || v.Detail == "":
		t.Errorf("%s: %s; want record %d, block %q", what, v, record, block)
	}
}

// TestVerifyJournal removes, adds, swaps and repeats records.
func TestVerifyJournal(t *testing.T) {
	w := history(t)
	last := len(copyOf(t, w).journal) - 1
	for i := range last + 1 {
		n := uint64(i + 1)
		d := copyOf(t, w)
		d.journal = slices.Delete(d.journal, i, i+1)
		checkViolation(t, d, fmt.Sprintf("record %d removed", n), n, "")

		d = copyOf(t, w)
		d.journal = slices.Insert(d.journal, i, d.journal[i])
		want := n + 1
		if i == last { // one more than the head counts is never read
			want = 0
		}
		if want != 0 {
			checkViolation(t, d, fmt.Sprintf("record %d repeated", n), want, "")
		}

		if i == last {
			continue
		}
		d = copyOf(t, w)
		d.journal[i].Bytes, d.journal[i+1].Bytes = d.journal[i+1].Bytes, d.journal[i].Bytes
		checkViolation(t, d, fmt.Sprintf("records %d and %d swapped", n, n+1), n, "")

		d = copyOf(t, w)
		d.journal[i].Bytes = d.journal[i+1].Bytes
		checkViolation(t, d, fmt.Sprintf("record %d in the place of %d", n+1, n), n, "")

		d = copyOf(t, w)
		d.journal = d.journal[:i]
		checkViolation(t, d, fmt.Sprintf("cut before record %d", n), n, "")

		d = copyOf(t, w)
		d.journal[i].Bytes = d.journal[i].Bytes[:len(d.journal[i].Bytes)-1]
		checkViolation(t, d, fmt.Sprintf("record %d cut", n), n, "")

		d = copyOf(t, w)
		d.journal[i].Bytes = nil
		checkViolation(t, d, fmt.Sprintf("record %d emptied", n), n, "")
	}
}

// verifyForgedCases are the cases of TestVerifyForged.
var verifyForgedCases = []struct {
	rule   string
	record uint64
	forge  func(*creditledger.OpRecord)
}{
	{"another amount asked", 2, func(r *creditledger.OpRecord) { r.Op = spend("11") }},
	{"another amount written", 2, func(r *creditledger.OpRecord) { r.Effects[0].Lines[0].Amount = amount("11") }},
	{"another starting balance", 3, func(r *creditledger.OpRecord) {
		r.Effects[0].Lines[0].Starting, r.Effects[0].Lines[0].Ending = amount("95"), amount("75")
	}},
	{"another block", 2, func(r *creditledger.OpRecord) { r.Effects[0].Lines[0].Block = 2 }},
	{"another type", 2, func(r *creditledger.OpRecord) { r.Effects[0].Lines[0].Type = creditledger.EntryVoid }},
	{"not counted", 2, func(r *creditledger.OpRecord) { r.Effects[0].Lines[0].Ending = amount("100") }},
	{"an entry less", 4, func(r *creditledger.OpRecord) { r.Effects[0].Lines = r.Effects[0].Lines[:1] }},
	{"an entry more", 3, func(r *creditledger.OpRecord) {
		r.Effects[0].Lines = append(r.Effects[0].Lines, r.Effects[0].Lines[0])
	}},
	{"another instant of an entry", 2, func(r *creditledger.OpRecord) { r.Effects[0].Lines[0].At++ }},
	{"an instant before the last", 3, func(r *creditledger.OpRecord) {
		r.At = instant("2026-01-02")
		r.Effects[0].Lines[0].At = r.At
	}},
	{"an instant after an expiry that nobody wrote", 3, func(r *creditledger.OpRecord) {
		r.At = instant("2026-07-01")
		r.Effects[0].Lines[0].At = r.At
	}},
	{"another first entry", 3, func(r *creditledger.OpRecord) { r.FirstEntry++ }},
	{"a block that was not made", 2, func(r *creditledger.OpRecord) { r.Effects[0].NewBlockID = "X" }},
	{"a block made under another id", 1, func(r *creditledger.OpRecord) { r.Effects[0].NewBlockID = "X" }},
	{"a block not made", 1, func(r *creditledger.OpRecord) { r.Effects[0].NewBlockID = "" }},
	{"a void of another amount", 4, func(r *creditledger.OpRecord) { r.Effects[0].Lines[1].VoidAmount = amount("29") }},
	{"an operation that would be refused", 4, func(r *creditledger.OpRecord) { r.Op = voidOf("A", "500") }},
	{"an operation that is wrong in itself", 4, func(r *creditledger.OpRecord) { r.Op = voidOf("A", "-30") }},
	{"another kind of operation", 3, func(r *creditledger.OpRecord) { r.Op = amend("A", "20") }},
	{"a key that is stored for no record", 3, func(r *creditledger.OpRecord) { r.Key = "k" }},
	{"another account", 3, func(r *creditledger.OpRecord) { r.Account = cus2 }},
}

// TestVerifyForged: whoever rewrites a record and all seals after it is found where the
// rules say otherwise; a change that keeps to the rules is found by a checkpoint only.
func TestVerifyForged(t *testing.T) {
	w := newWorld(t)
	w.at("2026-01-02").given(grant("A", "100", expires("2026-06-01")))
	w.at("2026-01-03").given(spend("10"))
	w.at("2026-01-04").given(spend("20"))
	w.at("2026-01-05").given(voidOf("A", "30"))
	point, err := w.Checkpoint(ctx, cus1)
	if err != nil || point.Version != 4 || point.Account != cus1 {
		t.Fatalf("%+v, %v", point, err)
	}
	for _, c := range verifyForgedCases {
		d := copyOf(t, w)
		rec, err := creditledger.DecodeRecord(d.journal[c.record-1].Bytes)
		if err != nil {
			t.Fatal(err)
		}
		c.forge(rec)
		d.journal[c.record-1].Bytes = creditledger.AppendRecord(nil, rec)
		d.reseal(t, int(c.record-1))
		checkViolation(t, d, c.rule, c.record, "")
	}

	d := copyOf(t, w)
	rec, _ := creditledger.DecodeRecord(d.journal[1].Bytes)
	op := spend("10")
	op.Description = "what nobody wrote"
	rec.Op = op
	d.journal[1].Bytes = creditledger.AppendRecord(nil, rec)
	d.reseal(t, 1)
	if got, err := d.verify(nil); err != nil || got.Violation != nil {
		t.Errorf("without a checkpoint a rewritten history is found, which it cannot be: %v, %v", got.Violation, err)
	}
	got, err := d.verify(&creditledger.VerifyOptions{Since: []creditledger.Checkpoint{point}})
	if err != nil || got.Violation == nil || got.Violation.Rule != "checkpoint" || got.Violation.Record != 4 {
		t.Errorf("with one: %+v, %v", got, err)
	}
	d = copyOf(t, w)
	d.journal = d.journal[:3]
	d.reseal(t, 3)
	if got, err := d.verify(&creditledger.VerifyOptions{Since: []creditledger.Checkpoint{point}}); err != nil || got.Violation == nil || got.Violation.Rule != "checkpoint" {
		t.Errorf("cut before a checkpoint: %+v, %v", got, err)
	}
	w.given(spend("1"))
	if got, err := w.Verify(ctx, cus1, &creditledger.VerifyOptions{Since: []creditledger.Checkpoint{point}}); err != nil || got.Violation != nil {
		t.Errorf("grown from a checkpoint: %+v, %v", got.Violation, err)
	}
}

// TestVerifyNamesTime: what is wrong with a record before the one before is its time, and
// not what comes of it.
func TestVerifyNamesTime(t *testing.T) {
	w := newWorld(t)
	w.at("2026-01-02").given(grant("A", "100"))
	w.at("2026-01-03").given(spend("10"))
	d := copyOf(t, w)
	rec, err := creditledger.DecodeRecord(d.journal[1].Bytes)
	if err != nil {
		t.Fatal(err)
	}
	rec.At = instant("2026-01-01")
	rec.Effects[0].Lines[0].At = rec.At
	d.journal[1].Bytes = creditledger.AppendRecord(nil, rec)
	d.reseal(t, 1)
	if got, err := d.verify(nil); err != nil || got.Violation == nil || got.Violation.Rule != "time" || got.Violation.Record != 2 {
		t.Errorf("%+v, %v", got.Violation, err)
	}
}

// TestVerifyTrouble: trouble with reading is an error, not a verdict.
func TestVerifyTrouble(t *testing.T) {
	w := history(t)
	broken := errors.New("disk on fire")
	for _, what := range []string{"snapshot", "load", "journal", "keys", "blocks", "block ids", "check"} {
		d := copyOf(t, w)
		d.fail = func(asked string) error {
			if asked == what {
				return broken
			}
			return nil
		}
		if got, err := d.verify(nil); !errors.Is(err, broken) || got.Violation != nil {
			t.Errorf("%s: %+v, %v", what, got.Violation, err)
		}
		// What a store itself reports as damaged is a verdict.
		d.fail = func(asked string) error {
			if asked == what {
				return &creditledger.CorruptError{Where: "page 7", Reason: "torn"}
			}
			return nil
		}
		if got, err := d.verify(nil); err != nil || got.Violation == nil || !strings.Contains(got.Violation.Detail, "torn") {
			t.Errorf("%s damaged: %+v, %v", what, got.Violation, err)
		}
	}
	d := copyOf(t, w)
	l := creditledger.New(d, nil)
	defer l.Close()
	d.fail = func(what string) error {
		if what == "accounts" {
			return broken
		}
		return nil
	}
	if _, err := l.VerifyAll(ctx, nil); !errors.Is(err, broken) {
		t.Errorf("accounts: %v", err)
	}
}

// TestVerifyAllIndexes: what a store finds of no account is a verdict on the whole of it.
func TestVerifyAllIndexes(t *testing.T) {
	broken := errors.New("disk on fire")
	d := copyOf(t, history(t))
	l := creditledger.New(d, nil)
	defer l.Close()
	for _, c := range []struct {
		found error
		says  string // empty: trouble with reading
	}{
		{broken, ""},
		{&creditledger.CorruptError{Where: "page 7", Reason: "torn"}, "the store: readable: corrupt: page 7: torn"},
		{&creditledger.Violation{Rule: "index", Detail: "torn"}, "the store: index: torn"},
		{&creditledger.Violation{Account: cus2, Rule: "index", Detail: "torn"}, "cus_2/credits: index: torn"},
	} {
		d.fail = func(what string) error {
			if what == "check strays" {
				return c.found
			}
			return nil
		}
		got, err := l.VerifyAll(ctx, nil)
		switch {
		case c.says == "" && (!errors.Is(err, broken) || got.Violation != nil):
			t.Errorf("%v: %v, %v", c.found, got.Violation, err)
		case c.says != "" && (err != nil || got.Violation == nil || got.Violation.String() != c.says):
			t.Errorf("%v: %v, %v; want %s", c.found, got.Violation, err, c.says)
		}
	}
}

// TestVerifyAllStops at the first violation, and says so.
func TestVerifyAllStops(t *testing.T) {
	d := copyOf(t, history(t))
	d.journal[3].Bytes[40] ^= 1
	l := creditledger.New(d, nil)
	defer l.Close()
	got, err := l.VerifyAll(ctx, nil)
	if err != nil || got.Violation == nil || got.Violation.Record != 4 || got.Accounts != 1 {
		t.Errorf("%+v, %v", got, err)
	}
	gone := creditledger.Checkpoint{Account: cus2, Version: 1}
	if got, err := history(t).VerifyAll(ctx, &creditledger.VerifyOptions{Since: []creditledger.Checkpoint{gone}}); err != nil || got.Violation == nil || got.Violation.Account != cus2 {
		t.Errorf("an account that is gone: %+v, %v", got, err)
	}
}

// TestVerifyBesideWriters: an account that moves while it is verified is no violation.
func TestVerifyBesideWriters(t *testing.T) {
	w := newWorld(t).given(grant("A", "1000"))
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for range 900 {
			if _, err := w.Do(ctx, cus1, creditledger.Batch{spend("1"), grant("", "0.5", only("x"))}, ""); err != nil {
				t.Error(err)
			}
			select {
			case <-stop:
				return
			default:
			}
		}
	}()
	defer func() { close(stop); <-done }()
	for range 50 {
		if got, err := w.Verify(ctx, cus1, nil); err != nil || got.Violation != nil {
			t.Fatalf("%v, %v", got.Violation, err)
		}
	}
}

func TestVerifyProgress(t *testing.T) {
	w := newWorld(t)
	const records = 2100
	for range records / 100 {
		var last *creditledger.Pending
		for range 100 {
			var err error
			if last, err = w.Submit(ctx, cus1, spend("1"), ""); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := last.Wait(ctx); err != nil {
			t.Fatal(err)
		}
	}
	var told []uint64
	got, err := w.Verify(ctx, cus1, &creditledger.VerifyOptions{Progress: func(n uint64) { told = append(told, n) }})
	if err != nil || got.Violation != nil || got.Records != records || len(told) < 2 || !slices.IsSorted(told) || told[len(told)-1] > records {
		t.Errorf("%+v, %v, progress %v", got, err, told)
	}
}

func TestViolationText(t *testing.T) {
	v := creditledger.Violation{Account: cus1, Record: 3, Entry: 7, Block: "b\n", Rule: "seal", Detail: "broken"}
	if got := v.String(); got != `cus_1/credits, record 3, entry 7, block "b\n": seal: broken` || v.Error() != got {
		t.Errorf("got %s", got)
	}
	if got := (&creditledger.Violation{Account: cus1, Rule: "head", Detail: "broken"}).String(); got != "cus_1/credits: head: broken" {
		t.Errorf("got %s", got)
	}
}
