package creditledger_test

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"creditledger"
	"creditledger/store/memory"
)

// set changes the ledger's settings.
func (w *world) set(change func(*creditledger.Settings)) creditledger.Settings {
	w.t.Helper()
	s, err := w.ChangeSettings(ctx, change)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// otherSettings are all others than the defaults.
func otherSettings(s *creditledger.Settings) {
	*s = creditledger.Settings{
		GracePeriod: time.Minute, Repay: creditledger.RepayNever, Overdraft: creditledger.OverdraftReject,
		Settlement: time.Hour, MaxHold: time.Minute,
	}
}

// TestSettings: the first operation that writes stores the options; from then on the
// ledger's own settings count, whatever the options say.
func TestSettings(t *testing.T) {
	w := newWorld(t, func(o *creditledger.Options) { o.Settings.MaxHold = time.Hour })
	want := creditledger.Settings{Repay: creditledger.RepayFirst, Overdraft: creditledger.OverdraftAllow, Settlement: 60 * 24 * time.Hour, MaxHold: time.Hour}
	is := func(when string) {
		t.Helper()
		if s, err := w.Settings(ctx); err != nil || s != want {
			t.Errorf("%s: %+v, %v", when, s, err)
		}
	}
	id := creditledger.DocumentID{Kind: "ledger_settings", Key: "ledger"}
	is("before anything is stored")
	w.refused(spend("0.5", policy(creditledger.OverdraftReject)), "", creditledger.ErrInsufficientCredits)
	if _, err := w.Preview(ctx, cus1, grant("A", "1"), ""); err != nil {
		t.Error(err)
	}
	if _, err := w.Document(ctx, id); !errors.Is(err, creditledger.ErrNotFound) {
		t.Errorf("a refusal, or a report, stored settings: %v", err)
	}
	w.given(grant("A", "10"))
	is("after the first operation")
	w.opts.Settings = creditledger.Settings{Overdraft: creditledger.OverdraftReject}
	w.reopen()
	is("with other options")
	w.given(grant("B", "10"))
	is("after another operation")
	want.Settlement, want.MaxHold = time.Hour, 24*time.Hour
	w.set(func(s *creditledger.Settings) {
		s.Settlement, s.MaxHold, s.Repay = time.Hour, 0, creditledger.RepayDefault
	})
	is("after a change, where zero is the default")
	if doc, err := w.Document(ctx, id); err != nil || doc.Version != 2 {
		t.Errorf("version %d, %v", doc.Version, err)
	}
	before := digestOf(t, w)
	for field, change := range map[string]func(*creditledger.Settings){
		"grace_period": func(s *creditledger.Settings) { s.GracePeriod = -1 },
		"settlement":   func(s *creditledger.Settings) { s.Settlement = creditledger.MaxWindow + time.Microsecond },
		"max_hold":     func(s *creditledger.Settings) { s.MaxHold = 1500 },
		"repay":        func(s *creditledger.Settings) { s.Repay = 3 },
		"overdraft":    func(s *creditledger.Settings) { s.Overdraft = 4 },
	} {
		_, err := w.ChangeSettings(ctx, change)
		if refused := new(creditledger.InvalidError); !errors.As(err, &refused) || refused.Field != field || digestOf(t, w) != before {
			t.Errorf("a wrong %s: %v", field, err)
		}
	}
	put := creditledger.DocumentPut{DocumentID: id, Expect: 2}
	if err := w.PutDocuments(ctx, []creditledger.DocumentPut{put}); !errors.Is(err, creditledger.ErrInvalid) {
		t.Errorf("put by an upper layer: %v", err)
	}
	if err := w.ImportDocuments(ctx, []creditledger.DocumentPut{put}); !errors.Is(err, creditledger.ErrInvalid) {
		t.Errorf("imported, and none: %v", err)
	}
	w.verified()
}

// TestSettingsChangeWithinAChange: the function that changes the settings may look at them and
// change them itself, and does not wait for its own end: what it changed counts, and it runs
// again. Where it never ends that way it is a conflict.
func TestSettingsChangeWithinAChange(t *testing.T) {
	done, stop := context.WithTimeout(ctx, time.Minute)
	defer stop()
	w := newWorld(t)
	runs := 0
	s, err := w.ChangeSettings(done, func(s *creditledger.Settings) {
		runs++
		if _, err := w.Settings(done); err != nil {
			t.Error(err)
		}
		if _, err := w.ChangeSettings(done, func(s *creditledger.Settings) { s.Overdraft = creditledger.OverdraftReject }); err != nil {
			t.Error(err)
		}
		s.GracePeriod = time.Hour
	})
	if err != nil || s.Overdraft != creditledger.OverdraftReject || s.GracePeriod != time.Hour || runs != 2 {
		t.Errorf("after %d runs %+v, %v", runs, s, err)
	}
	_, err = w.ChangeSettings(done, func(s *creditledger.Settings) {
		_, err := w.ChangeSettings(done, func(s *creditledger.Settings) { s.GracePeriod += time.Second })
		if err != nil {
			t.Error(err)
		}
		s.MaxHold = time.Hour
	})
	if !errors.Is(err, creditledger.ErrConflict) {
		t.Errorf("a change that always changes them: %v", err)
	}
}

// TestSettingsLoseNoChange: of changes at once none is lost.
func TestSettingsLoseNoChange(t *testing.T) {
	w := newWorld(t)
	const changes = 20
	var all sync.WaitGroup
	for range changes {
		all.Go(func() {
			if _, err := w.ChangeSettings(ctx, func(s *creditledger.Settings) { s.GracePeriod += time.Second }); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if s, err := w.Settings(ctx); err != nil || s.GracePeriod != changes*time.Second {
		t.Errorf("%+v, %v", s, err)
	}
}

// TestDefaultsThatCountFromNow: a default that counts from the instant of the operation is the
// same in a retry, whenever that comes, and an instant that is named is another operation.
func TestDefaultsThatCountFromNow(t *testing.T) {
	now, month := creditledger.Exactly(instant("2026-01-01").Time()), creditledger.Interval{Count: 1, Unit: creditledger.IntervalMonth}
	w := newWorld(t).given(grant("A", "10"))
	for field, c := range map[string]struct{ unsaid, said creditledger.Operation }{
		"effective_date": {grant("B", "1"), grant("B", "1", effective("2026-01-01"))},
		"until":          {creditledger.Hold{HoldID: "h", Amount: amount("1")}, creditledger.Hold{HoldID: "h", Amount: amount("1"), Until: instant("2026-01-01T00:15:00Z")}},
		"anchor":         {creditledger.Schedule{ScheduleID: "a", Amount: amount("1"), Every: month}, creditledger.Schedule{ScheduleID: "a", Amount: amount("1"), Every: month, Anchor: now}},
		"start":          {creditledger.Schedule{ScheduleID: "s", Amount: amount("1"), Every: month}, creditledger.Schedule{ScheduleID: "s", Amount: amount("1"), Every: month, Start: now}},
	} {
		key := creditledger.Key(field)
		w.must(c.unsaid, key)
		if res := w.must(c.unsaid, key); !res.Replayed {
			t.Errorf("%s, left out twice: done again", field)
		}
		var other *creditledger.IdempotencyMismatchError
		if err := w.refused(c.said, key, creditledger.ErrIdempotencyMismatch); !errors.As(err, &other) || other.Field != field {
			t.Errorf("%s, named: %v", field, err)
		}
	}
}

// TestSettingsAreGoneBy: an operation goes by the settings there are when it begins; what it
// took from them stands in its record.
func TestSettingsAreGoneBy(t *testing.T) {
	w := newWorld(t).given(grant("A", "10"))
	pastDebt, first := spend("15"), grant("B", "3")
	debt := w.must(pastDebt, "debt")
	w.set(func(s *creditledger.Settings) { s.Overdraft = creditledger.OverdraftStopAtZero })
	if res := w.must(spend("1"), ""); res.Overage != amount("1") {
		t.Errorf("stop at zero: %+v", res)
	}
	w.set(otherSettings)
	w.refused(spend("1"), "", creditledger.ErrInsufficientCredits)
	w.refused(creditledger.Batch{grant("C", "1"), spend("9")}, "", creditledger.ErrInsufficientCredits)
	w.must(spend("1", policy(creditledger.OverdraftAllow)), "")
	bounded := spend("1")
	bounded.OverdraftLimit = creditledger.OverdraftLimitOf(amount("7"))
	w.must(bounded, "bounded") // a limit says allow
	if res := w.must(first, "first"); story(res.Entries) != "increment B 3 -7→-4" || res.Entries[0].Status != creditledger.EntryPending {
		t.Errorf("repays nothing, pending: %s, %s", story(res.Entries), res.Entries[0].Status)
	}
	hold := creditledger.Hold{HoldID: "h", Amount: amount("1"), Overdraft: creditledger.OverdraftAllow}
	if res := w.must(hold, "hold"); res.Hold.Until != instant("2026-01-01T00:01:00Z") {
		t.Errorf("a hold lasts until %s", res.Hold.Until)
	}
	late := spend("1", policy(creditledger.OverdraftAllow))
	late.UsageAt = instant("2025-12-31T22:59:59Z")
	w.refused(late, "", creditledger.ErrConstraint)

	w.set(func(s *creditledger.Settings) { *s = creditledger.Settings{} })
	for _, c := range []struct {
		key creditledger.Key
		op  creditledger.Operation
	}{{"debt", pastDebt}, {"bounded", bounded}, {"first", first}, {"hold", hold}} {
		if res := w.must(c.op, c.key); !res.Replayed || c.key == "first" && res.Entries[0].Status != creditledger.EntryPending {
			t.Errorf("the retry of %s: %+v", c.key, res)
		}
	}
	var mismatch *creditledger.IdempotencyMismatchError
	if err := w.refused(spend("15", policy(creditledger.OverdraftReject)), "debt", creditledger.ErrIdempotencyMismatch); !errors.As(err, &mismatch) || mismatch.Field != "overdraft" {
		t.Errorf("one that says another policy than there was: %v", err)
	}
	if !reflect.DeepEqual(w.must(spend("15", policy(creditledger.OverdraftAllow)), "debt").Entries, debt.Entries) {
		t.Error("one that says the policy there was is no retry")
	}
	pending := w.entries(creditledger.EntriesQuery{Status: creditledger.EntryPending})
	if len(pending) != 3 || pending[0].Block.ID != "B" {
		t.Errorf("entries stay pending whatever the setting is by then: %s", story(pending))
	}
	w.verified()
}

// TestSettingsOfTwoLedgers: two ledgers on one store agree: the options of the second do not
// count, and what one changes the other reads again once it is old.
func TestSettingsOfTwoLedgers(t *testing.T) {
	store := memory.New()
	a := newWorldOver(t, store)
	b := newWorldOver(t, store, func(o *creditledger.Options) { o.Settings.Overdraft = creditledger.OverdraftReject })
	a.given(grant("A", "1"))
	b.given(spend("2")) // a said first that it may
	a.set(func(s *creditledger.Settings) { s.Overdraft = creditledger.OverdraftReject })
	a.refused(spend("1"), "", creditledger.ErrInsufficientCredits)
	b.given(spend("1")) // it has not looked again
	creditledger.AgeSettings(b.Ledger)
	b.refused(spend("1"), "", creditledger.ErrInsufficientCredits)

	// Both change at once: neither change is lost.
	n := 0
	b.set(func(s *creditledger.Settings) {
		if n++; n == 1 {
			a.set(func(s *creditledger.Settings) { s.MaxHold = time.Hour })
		}
		s.GracePeriod = time.Hour
	})
	if s, err := a.Settings(ctx); err != nil || n != 2 || s.MaxHold != time.Hour || s.GracePeriod != time.Hour {
		t.Errorf("after %d tries %+v, %v", n, s, err)
	}
}

// countingDocuments counts how often documents are read.
type countingDocuments struct {
	creditledger.Store
	reads int
}

func (c *countingDocuments) Document(ctx context.Context, id creditledger.DocumentID) (creditledger.Document, error) {
	if strings.Contains(id.Kind, "settings") {
		c.reads++
	}
	return c.Store.Document(ctx, id)
}

// TestSettingsCostNothing: the settings are read once, and again when they are old, however
// many operations there are.
func TestSettingsCostNothing(t *testing.T) {
	store := &countingDocuments{Store: memory.New()}
	w := newWorldOver(t, store).given(grant("A", "100"))
	began := store.reads
	for range 50 {
		w.given(spend("1"))
	}
	if store.reads != began {
		t.Errorf("read %d times for 50 operations", store.reads-began)
	}
	creditledger.AgeSettings(w.Ledger)
	w.given(spend("1"), spend("1"), spend("1"))
	if store.reads != began+2 { // and their head
		t.Errorf("read %d times when they are old", store.reads-began)
	}
}

// TestSettingsComeBehind: what was submitted before a change goes by the settings that there
// were, also while the first ones are still on their way to the store.
func TestSettingsComeBehind(t *testing.T) {
	w := newWorld(t)
	var pending []*creditledger.Pending
	for _, op := range []creditledger.Operation{grant("A", "10"), spend("15"), grant("B", "20")} {
		p, err := w.Submit(ctx, cus1, op, "")
		if err != nil {
			t.Fatal(err)
		}
		pending = append(pending, p)
	}
	w.set(otherSettings)
	for i, p := range pending {
		if res, err := p.Wait(ctx); err != nil || res.Entries[0].Status != creditledger.EntryCommitted {
			t.Errorf("operation %d: %+v, %v", i+1, res, err)
		}
	}
	w.refused(spend("100"), "", creditledger.ErrInsufficientCredits)
	w.verified()
}

// TestFirstSettingsOfTwo: of two ledgers that begin at once one is first, and the other goes
// by its settings.
func TestFirstSettingsOfTwo(t *testing.T) {
	store := memory.New()
	a := newWorldOver(t, store)
	b := newWorldOver(t, store, func(o *creditledger.Options) { o.Settings.Overdraft = creditledger.OverdraftReject })
	if _, err := b.Preview(ctx, cus2, grant("A", "1"), ""); err != nil { // it has looked, and found none
		t.Fatal(err)
	}
	a.given(grant("A", "1"))
	if _, err := b.Do(ctx, cus2, creditledger.Batch{grant("A", "1"), spend("2")}, ""); !errors.Is(err, creditledger.ErrInsufficientCredits) {
		t.Errorf("refused by its own options, before anything is written: %v", err)
	}
	if _, err := b.Do(ctx, cus2, grant("A", "1"), ""); err != nil { // which meets the settings that are there
		t.Fatal(err)
	}
	if _, err := b.Do(ctx, cus2, spend("2"), ""); err != nil {
		t.Errorf("by the settings of the first: %v", err)
	}
	if s, err := b.Settings(ctx); err != nil || s.Overdraft != creditledger.OverdraftAllow {
		t.Errorf("%+v, %v", s, err)
	}
}

// TestASweepBeginsSettings: a journal brings no settings along. The first sweep that writes
// stores those that the ledger was given, and whoever comes next goes by them.
func TestASweepBeginsSettings(t *testing.T) {
	from := newWorld(t)
	from.given(grant("A", "10", expires("2026-01-02")))
	w := newWorldOver(t, memory.New(), func(o *creditledger.Options) { o.Settings.MaxHold = time.Hour })
	if err := w.Import(ctx, cus1, from.journal()); err != nil {
		t.Fatal(err)
	}
	w.at("2026-01-03")
	if _, err := w.SweepAccount(ctx, cus1); err != nil {
		t.Fatal(err)
	}
	next := newWorldOver(t, w.store, func(o *creditledger.Options) { o.Settings.MaxHold = 2 * time.Hour })
	next.at("2026-01-03")
	next.given(grant("B", "1"))
	if got, err := next.Settings(ctx); err != nil || got.MaxHold != time.Hour {
		t.Errorf("the next goes by %v, %v", got, err)
	}
	w.verified()
}
