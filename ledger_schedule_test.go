package creditledger_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"creditledger"
	"creditledger/store"
	"creditledger/store/bolt"
	"creditledger/store/memory"
)

var (
	daily   = creditledger.Interval{Count: 1, Unit: creditledger.IntervalDay}
	monthly = creditledger.Interval{Count: 1, Unit: creditledger.IntervalMonth}
	carried = creditledger.Rollover{Percent: amount("100"), MaxTimes: 1}
)

func plan(id, of string, every creditledger.Interval) creditledger.Schedule {
	return creditledger.Schedule{ScheduleID: id, Amount: amount(of), Every: every}
}

// entriesOf lists an account's entries, without what names them.
func (w *world) entriesOf(on creditledger.AccountID) (lines []string) {
	w.t.Helper()
	page := must(w.Entries(ctx, on, creditledger.EntriesQuery{Limit: creditledger.MaxPage, Ascending: true}))
	return told(page.Entries)
}

func told(entries []creditledger.Entry) (lines []string) {
	for i := range entries {
		e := &entries[i]
		block := e.Block.ID
		if strings.Count(block, "-") == 4 { // made by the ledger
			block = fmt.Sprint("#", e.Block.Number)
		}
		lines = append(lines, fmt.Sprint(e.Seq, " ", e.CreatedAt, " ", e.Type, " ", e.Amount, " ", e.Starting, "→", e.Ending, " ", block, " ", e.Block.ExpiresAt, " ", e.Description, e.Metadata))
	}
	return lines
}

// randomOnSchedules draws operations on an account with schedules.
func randomOnSchedules(r *rand.Rand, at creditledger.Instant, n int) creditledger.Operation {
	id := []string{"a", "b", "c"}[r.IntN(3)]
	of := amount(fmt.Sprint(1 + r.IntN(40)))
	hold := fmt.Sprint("h", r.IntN(n+1))
	switch r.IntN(16) {
	case 0, 1, 2:
		op := plan(id, of.String(), creditledger.Interval{Count: 1 + r.IntN(3), Unit: creditledger.IntervalUnit(1 + r.IntN(3))})
		op.Timezone = []string{"", "America/New_York", "Pacific/Apia"}[r.IntN(3)]
		op.First = creditledger.FirstPeriod(r.IntN(3))
		op.Anchor = creditledger.Exactly(at.Time().Add(-time.Duration(r.IntN(50)) * time.Hour))
		op.Description, op.RequirePayment = []string{"", "of " + id}[r.IntN(2)], r.IntN(6) == 0
		if op.Count = r.IntN(3) * 4; r.IntN(3) > 0 {
			op.Rollover = creditledger.Rollover{Percent: amount(fmt.Sprint(25 * r.IntN(5))), MaxTimes: 1 + r.IntN(2), Max: amount(fmt.Sprint(20 * r.IntN(3)))}
		}
		return op
	case 3:
		op := creditledger.ChangeSchedule{ScheduleID: id, Amount: of, When: creditledger.ChangeWhen(r.IntN(2))}
		value := fmt.Sprint(r.IntN(3))
		op.Metadata = map[string]*string{"k": &value, "gone": nil}
		return op
	case 4:
		if r.IntN(3) > 0 {
			return creditledger.Release{HoldID: hold}
		}
		return creditledger.EndSchedule{ScheduleID: id, VoidBlocks: r.IntN(2) == 0}
	case 5, 6:
		return creditledger.Hold{HoldID: fmt.Sprint("h", n), Amount: of, Overdraft: creditledger.OverdraftStopAtZero, Until: at.Add(time.Duration(1+r.IntN(23)) * time.Hour)}
	case 7:
		return creditledger.Capture{HoldID: hold, Amount: of, KeepOpen: r.IntN(2) == 0}
	case 8:
		return creditledger.Decrement{Amount: of, UsageAt: at.Add(-time.Duration(r.IntN(60)) * time.Hour), Overdraft: creditledger.OverdraftStopAtZero}
	case 9:
		return grant(fmt.Sprint("own", n), of.String(), expires(at.Add(time.Duration(1+r.IntN(100))*time.Hour).String()))
	case 10:
		return creditledger.Void{BlockID: fmt.Sprint(id, "/", 1+r.IntN(4)), Amount: of}
	case 11:
		return creditledger.Activation{BlockID: fmt.Sprint(id, "/", 1+r.IntN(4))}
	case 12:
		return creditledger.Batch{spend(of.String()), creditledger.ChangeSchedule{ScheduleID: id, Amount: of}}
	}
	return spend(of.String())
}

// TestWhoeverWritesWhatIsDue: accounts that are swept all the time, never and now and then
// have the same entries; what a reader is told does not depend on what is written, now and
// for the past; and verification proves it all.
func TestWhoeverWritesWhatIsDue(t *testing.T) {
	for seed := range uint64(30) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			worlds := []*world{newWorld(t), newWorld(t, func(o *creditledger.Options) { o.ExpiriesPerCommit = 2 }), newWorld(t)}
			var past []creditledger.Instant
			now := instant("2026-01-01")
			for n := range 40 {
				now = now.Add(time.Duration(r.IntN(70)) * time.Hour)
				past = append(past, now)
				op := randomOnSchedules(r, now, n)
				ask := creditledger.BalanceQuery{At: past[r.IntN(len(past))]}
				kind := r.IntN(3)
				var first, firstRead string
				for i, w := range worlds {
					w.at(now.String())
					if i == 1 || i == 2 && kind == 0 {
						must(w.Sweep(ctx))
					}
					if i == 2 && kind == 1 {
						w.reopen()
					}
					blocks := must(w.Blocks(ctx, cus1, creditledger.BlocksQuery{}))
					read := fmt.Sprint(must(w.Balance(ctx, cus1, creditledger.BalanceQuery{})), must(w.Balance(ctx, cus1, ask)),
						must(w.Schedules(ctx, cus1)), len(blocks.Blocks))
					preview, perr := w.Preview(ctx, cus1, op, "")
					res, err := w.Do(ctx, cus1, op, "")
					did := fmt.Sprint(err)
					if err == nil {
						did = strings.Join(told(res.Entries), "\n")
					}
					if err == nil && (perr != nil || strings.Join(told(preview.Entries), "\n") != did) || err != nil && fmt.Sprint(perr) != did {
						t.Fatalf("step %d, %s: previewed %v %v, did %s", n, op.Name(), preview, perr, did)
					}
					if i == 0 {
						first, firstRead = did, read
					}
					if did != first || read != firstRead {
						t.Fatalf("step %d, world %d, %T\n%s\nnot\n%s\nread\n%s\nnot\n%s", n, i, op, did, first, read, firstRead)
					}
				}
			}
			var want []string
			for i, w := range worlds {
				must(w.Sweep(ctx))
				got := w.entriesOf(cus1)
				if i == 0 {
					want = got
				} else if !slices.Equal(got, want) {
					t.Errorf("world %d has\n%s\nnot\n%s", i, strings.Join(got, "\n"), strings.Join(want, "\n"))
				}
				if v := must(w.VerifyAll(ctx, nil)); v.Violation != nil {
					t.Errorf("world %d: %v", i, v.Violation)
				}
				imported := newWorld(t)
				if err := imported.Import(ctx, cus1, must(w.Journal(ctx, cus1, 1, creditledger.MaxPage))); err != nil || must(imported.VerifyAll(ctx, nil)).Violation != nil {
					t.Errorf("world %d cannot be imported: %v", i, err)
				}
			}
		})
	}
}

// TestRefusedBesideDueGrants: a refused operation leaves nothing behind, also of what was due
// before it; the next one writes it.
func TestRefusedBesideDueGrants(t *testing.T) {
	w := newWorld(t)
	op := plan("p", "10", daily)
	op.Rollover = carried
	w.given(op, spend("4"))
	before := must(w.Checkpoint(ctx, cus1))
	w.at("2026-01-05")
	for range 3 {
		if b := must(w.Balance(ctx, cus1, creditledger.BalanceQuery{})); b.Total != amount("20") {
			t.Errorf("the balance is %s", b.Total)
		}
		w.refused(spend("21", policy(creditledger.OverdraftReject)), "", creditledger.ErrInsufficientCredits)
		if after := must(w.Checkpoint(ctx, cus1)); after != before {
			t.Errorf("a refused operation wrote: %v, before %v", after, before)
		}
	}
	if res := w.must(spend("20"), ""); len(res.Entries) != 2 || res.Entries[1].Ending != amount("0") {
		t.Errorf("%+v", res.Entries)
	}
}

// TestSchedulesSurvive: schedules are there again after a restart, live and ended ones; what
// a key told it tells again; ids are never free again.
func TestSchedulesSurvive(t *testing.T) {
	path := filepath.Join(t.TempDir(), "credits.db")
	for name, open := range map[string]func() store.Store{
		"memory": func() func() store.Store { s := unclosed{memory.New()}; return func() store.Store { return s } }(),
		"file":   func() store.Store { return must(bolt.Open(path, nil)) },
	} {
		t.Run(name, func(t *testing.T) { schedulesSurvive(t, open) })
	}
}

func schedulesSurvive(t *testing.T, open func() store.Store) {
	now := instant("2026-01-01").Time()
	do := func(op creditledger.Operation, key creditledger.Key) (*creditledger.Result, error) {
		s := open()
		l := creditledger.New(s, &creditledger.Options{Clock: func() time.Time { return now }, Random: creditledger.Random(7)})
		defer func() {
			if v := must(l.VerifyAll(ctx, nil)); v.Violation != nil {
				t.Errorf("after %s: %v", op.Name(), v.Violation)
			}
			if err := errors.Join(l.Close(), s.Close()); err != nil {
				t.Error(err)
			}
		}()
		return l.Do(ctx, cus1, op, key)
	}
	op := plan("p", "10", monthly)
	op.Description, op.Metadata = "monthly", map[string]string{"k": "v"}
	first := must(do(op, "k"))
	must(do(plan("q", "5", daily), ""))
	must(do(creditledger.EndSchedule{ScheduleID: "q"}, ""))
	now = now.AddDate(0, 2, 0)
	if again := must(do(op, "k")); !again.Replayed || *again.Schedule != *first.Schedule || len(again.Entries) != 1 {
		t.Errorf("the key tells %+v, first %+v", again.Schedule, first.Schedule)
	}
	if other := plan("p", "11", monthly); true {
		var mismatch *creditledger.IdempotencyMismatchError
		if _, err := do(other, "k"); !errors.As(err, &mismatch) || mismatch.Field != "amount" {
			t.Errorf("%v", err)
		}
	}
	for _, op := range []creditledger.Operation{
		plan("q", "1", daily), grant("q/7", "1"), grant("p/7", "1"), creditledger.ExpirationChange{BlockID: "p/3", Target: creditledger.Never(), NewBlockID: "q/x"},
	} {
		if _, err := do(op, ""); !errors.Is(err, creditledger.ErrDuplicate) {
			t.Errorf("%s: %v", op.Name(), err)
		}
	}
	must(do(grant("own/1", "1"), ""))
	must(do(spend("1"), ""))
	if _, err := do(plan("own", "1", daily), ""); !errors.Is(err, creditledger.ErrDuplicate) {
		t.Errorf("a schedule takes ids that blocks have: %v", err)
	}
	change := creditledger.ChangeSchedule{ScheduleID: "p", Amount: amount("20"), When: creditledger.ChangeNow, Description: "up"}
	if res := must(do(change, "c")); len(res.Entries) != 1 || res.Entries[0].Metadata["k"] != "v" || res.Entries[0].Description != "up" {
		t.Errorf("%+v", res.Entries)
	}
	if again := must(do(change, "c")); !again.Replayed || again.Entries[0].Metadata["k"] != "v" {
		t.Errorf("%+v", again)
	}
}

// TestErasedSchedules: what an erasure took from a schedule does not come back with the next
// grant, and verification knows.
func TestErasedSchedules(t *testing.T) {
	w := newWorld(t)
	op := plan("p", "10", daily)
	op.Description, op.Metadata = "for Ann", map[string]string{"name": "Ann"}
	w.given(op)
	w.at("2026-01-03")
	must(w.Erase(ctx, cus1.Customer, creditledger.Erasure{}))
	w.at("2026-01-05")
	w.given(spend("1"))
	for _, line := range w.entriesOf(cus1) {
		if strings.Contains(line, "Ann") {
			t.Errorf("an entry says %s", line)
		}
	}
	w.reopen()
	if v := must(w.VerifyAll(ctx, nil)); v.Violation != nil {
		t.Error(v.Violation)
	}
}

// TestIdleDaysAreLinear: what a year of grants that nobody wrote costs grows with the days.
func TestIdleDaysAreLinear(t *testing.T) {
	allocs := func(days int) float64 {
		w := newWorld(t)
		op := plan("p", "10", daily)
		op.Rollover = carried
		w.given(op)
		w.at(instant("2026-01-01").Add(time.Duration(days) * 24 * time.Hour).String())
		n := testing.AllocsPerRun(1, func() { must(w.Balance(ctx, cus1, creditledger.BalanceQuery{})) })
		must(w.Sweep(ctx))
		if got := len(w.entriesOf(cus1)); got != 3*days {
			t.Errorf("%d entries of %d days", got, days)
		}
		return n
	}
	if short, long := allocs(80), allocs(320); long > 6*short {
		t.Errorf("%.0f allocations for 320 days, %.0f for 80", long, short)
	}
}

// TestPastOfTheLatestPeriod: a past balance is what a reader was told then, also of a grant
// that was passed over later.
func TestPastOfTheLatestPeriod(t *testing.T) {
	w := newWorld(t)
	op := plan("p", "100", monthly)
	op.CatchUp, op.Count = creditledger.CatchUpLatest, 4
	w.given(op, grant("own", "5"), spend("30"))
	told := map[string]string{}
	for _, at := range []string{"2026-01-20", "2026-02-01", "2026-02-20", "2026-03-31T23:59:59Z", "2026-04-01", "2026-04-20", "2026-05-01", "2026-06-10"} {
		told[at] = must(w.at(at).Balance(ctx, cus1, creditledger.BalanceQuery{})).Total.String()
	}
	if told["2026-01-20"] != "75" || told["2026-02-20"] != "105" || told["2026-06-10"] != "5" {
		t.Fatalf("told %v", told)
	}
	check := func(when string) {
		t.Helper()
		for at, want := range told {
			if got := must(w.Balance(ctx, cus1, creditledger.BalanceQuery{At: instant(at)})); got.Total.String() != want || got.AsOf != instant(at) {
				t.Errorf("%s, as of %s: %+v, told was %s", when, at, got, want)
			}
		}
	}
	check("before it is written")
	must(w.Sweep(ctx))
	check("afterwards")
	w.at("2026-06-11").given(spend("1"))
	check("after an operation")
}

// TestLatestFinishesWhatWasBegun: what falls due at one instant may take several commits. When
// the process dies between them, the period that they were to grant is granted by whoever goes
// on, however much later: what was carried into it was carried because of it.
func TestLatestFinishesWhatWasBegun(t *testing.T) {
	store := newFaulty()
	w := newWorldOver(t, store, func(o *creditledger.Options) { o.ExpiriesPerCommit = 3 })
	op := plan("p", "100", monthly)
	op.CatchUp, op.Rollover = creditledger.CatchUpLatest, creditledger.Rollover{Percent: amount("50"), MaxTimes: 1}
	w.given(op)
	for i := range 8 {
		w.given(grant(fmt.Sprint("own", i), "1", expires("2026-02-01")))
	}
	w.at("2026-02-10")
	left := 1 // commits before the process dies
	store.onCommit(func(_ context.Context, _ []creditledger.Change, next func() error) error {
		if left--; left < 0 {
			return errors.New("the process died")
		}
		return next()
	})
	if _, err := w.Do(ctx, cus1, spend("1"), ""); err == nil {
		t.Fatal("it did not die")
	}
	store.onCommit(nil)
	w.at("2026-03-10").reopen()
	if n := len(w.journal()); n != 10 {
		t.Fatalf("%d records: nothing died between two pieces", n)
	}
	told := must(w.Balance(ctx, cus1, creditledger.BalanceQuery{})).Total
	w.given(spend("1"))
	var blocks []string
	for block := range w.AllBlocks(ctx, cus1, creditledger.BlocksQuery{All: true}) {
		if strings.HasPrefix(block.ID, "p/") {
			blocks = append(blocks, block.ID+" "+block.Balance.String())
		}
	}
	if got := strings.Join(blocks, ", "); got != "p/1 0, p/1/r1 0, p/2 0, p/2/r1 49, p/3 100" || told.String() != "150" {
		t.Errorf("told %s, then %s", told, got)
	}
	w.verified()
	records := w.journalOf(cus1)
	for i := range records {
		forged, grants := creditledger.PassOver(records[i].Bytes)
		if !grants {
			continue
		}
		records[i].Bytes = forged
		if err := newWorld(t).Import(ctx, cus1, records[:i+1]); err == nil || !strings.Contains(err.Error(), "is to be granted") {
			t.Errorf("passed over in record %d: %v", i+1, err)
		}
		break
	}
}

// TestPastOfAnExpiryBeforeTheLatestPeriod: the same where something expired on the way, and
// nothing of it is written.
func TestPastOfAnExpiryBeforeTheLatestPeriod(t *testing.T) {
	w := newWorld(t)
	op := plan("p", "8", monthly)
	op.CatchUp = creditledger.CatchUpLatest
	w.given(grant("own", "10", expires("2026-01-20")), op)
	w.at("2026-04-15")
	for _, when := range []string{"before it is written", "afterwards"} {
		for at, want := range map[string]string{"2026-01-10": "18", "2026-01-25": "8", "2026-02-15": "8", "2026-04-15": "8"} {
			if got := must(w.Balance(ctx, cus1, creditledger.BalanceQuery{At: instant(at)})); got.Total.String() != want {
				t.Errorf("%s, as of %s: %s, want %s", when, at, got.Total, want)
			}
		}
		must(w.Sweep(ctx))
	}
	w.verified()
}
