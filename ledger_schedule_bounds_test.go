package creditledger_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"creditledger"
	"creditledger/store/memory"
)

// blockIDs are those of an account's blocks, in the order of their creation.
func (w *world) blockIDs(on creditledger.AccountID) (ids []string) {
	w.t.Helper()
	page := must(w.Blocks(ctx, on, creditledger.BlocksQuery{All: true}))
	for _, b := range page.Blocks {
		ids = append(ids, b.ID)
	}
	return ids
}

// TestWhichPeriodsAreGranted: at the edges of what is a period, and of what has ended.
func TestWhichPeriodsAreGranted(t *testing.T) {
	latest := plan("p", "10", daily)
	latest.CatchUp = creditledger.CatchUpLatest
	skipping := plan("p", "10", daily)
	skipping.Timezone, skipping.Expires = "Pacific/Apia", creditledger.ExpiresNever()
	for _, c := range []struct {
		rule     string
		from, to string
		op       creditledger.Schedule
		granted  string
	}{
		{"under latest a period that ends at this instant has ended", "2026-01-01T00:00:00Z", "2026-01-04T00:00:00Z", latest, "p/1 p/4"},
		{"a microsecond before it has not", "2026-01-01T00:00:00Z", "2026-01-03T23:59:59.999999Z", latest, "p/1 p/3"},
		// 30 December 2011 was none in Samoa: the day before it and the day after it begin 24 hours apart.
		{"a period without length is none, also where credits never expire", "2011-12-29T10:00:00Z", "2011-12-31T11:00:00Z", skipping, "p/1 p/3 p/4"},
	} {
		w := newWorld(t).at(c.from).given(c.op)
		w.at(c.to)
		if _, err := w.Sweep(ctx); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(w.blockIDs(cus1), " "); got != c.granted {
			t.Errorf("%s: granted %s, not %s", c.rule, got, c.granted)
		}
		w.verified()
	}
}

// TestASchedulesOwnBlocks: an id that begins like another one's makes no block a schedule's,
// and what a hold keeps of its blocks outlives its end.
func TestASchedulesOwnBlocks(t *testing.T) {
	short, long := plan("p", "10", monthly), plan("p2", "20", monthly)
	short.Rollover, short.Amount = carried, amount("10")
	w := newWorld(t).given(short, long)
	w.at("2026-02-01T00:00:00Z")
	if _, err := w.Sweep(ctx); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(w.blockIDs(cus1), " "); got != "p/1 p2/1 p/1/r1 p/2 p2/2" {
		t.Errorf("the blocks are %s", got)
	}
	w.given(creditledger.Hold{HoldID: "h", Amount: amount("4")})
	w.given(creditledger.EndSchedule{ScheduleID: "p", VoidBlocks: true})
	for id, want := range map[string]string{"p/1/r1": "4", "p/2": "0", "p2/2": "20"} {
		if b := must(w.Block(ctx, cus1, id)); b.Balance.String() != want {
			t.Errorf("after the end of p block %s holds %s, not %s", id, b.Balance, want)
		}
	}
	w.verified()
}

// widths counts the records of one account in each commit.
type widths struct {
	creditledger.Store
	list []int
}

func (s *widths) Commit(ctx context.Context, changes []creditledger.Change) error {
	for i := range changes {
		s.list = append(s.list, len(changes[i].Journal))
	}
	return s.Store.Commit(ctx, changes)
}

// TestWhatFallsDueGoesOutInPieces: a long list of periods is written in several commits, before
// the operation that finds them due.
func TestWhatFallsDueGoesOutInPieces(t *testing.T) {
	s := &widths{Store: memory.New()}
	w := newWorldOver(t, s, func(o *creditledger.Options) { o.ExpiriesPerCommit = 4 })
	w.given(plan("p", "10", daily))
	w.now = w.now.Add(20 * 24 * time.Hour)
	s.list = nil
	w.given(spend("3"))
	// Each period has one record of two entries: an expiry and a grant.
	if most := slices.Max(s.list); most > 4 || len(s.list) < 5 {
		t.Errorf("the commits have %d records", s.list)
	}
	w.verified()
}

// TestWhatIsCarried: of which blocks, up to which maximum, and on which terms.
func TestWhatIsCarried(t *testing.T) {
	five := creditledger.Rollover{Percent: amount("100"), Max: amount("5"), MaxTimes: 2}
	living := plan("p", "10", monthly)
	living.Rollover, living.Expires = five, creditledger.ExpiresAfter(creditledger.Interval{Count: 2, Unit: creditledger.IntervalMonth})
	topped := plan("p", "10", monthly)
	topped.Rollover = five
	held := plan("p", "10", daily)
	held.Rollover = creditledger.Rollover{Percent: amount("100"), MaxTimes: 9}
	for _, c := range []struct {
		rule   string
		op     creditledger.Schedule
		then   creditledger.Operation
		until  string
		blocks string
	}{
		{
			"a maximum is for all that is carried at an instant", topped,
			creditledger.ChangeSchedule{ScheduleID: "p", Amount: amount("30"), When: creditledger.ChangeNow}, "2026-02-01T00:00:00Z", "p/1=0 p/1+1=0 p/1/r1=5 p/2=30",
		},
		{"a maximum counts carried credits alone, not grants that live on", living, nil, "2026-03-01T00:00:00Z", "p/1=0 p/2=10 p/1/r1=5 p/3=10"},
		{
			"what a hold frees after its block's expiry is not carried", held,
			creditledger.Hold{HoldID: "h", Amount: amount("4"), Until: instant("2026-01-03T00:00:00Z")}, "2026-01-03T00:00:00Z", "p/1=0 p/1/r1=0 p/2=0 p/1/r2=6 p/2/r1=10 p/3=10",
		},
	} {
		w := newWorld(t, func(o *creditledger.Options) { o.Settings.MaxHold = 72 * time.Hour }).given(c.op)
		if c.then != nil {
			w.given(c.then)
		}
		w.at(c.until)
		if _, err := w.Sweep(ctx); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, b := range must(w.Blocks(ctx, cus1, creditledger.BlocksQuery{All: true})).Blocks {
			got = append(got, b.ID+"="+b.Balance.String())
		}
		slices.Sort(got)
		want := strings.Fields(c.blocks)
		if slices.Sort(want); !slices.Equal(got, want) {
			t.Errorf("%s: %s, not %s", c.rule, got, want)
		}
		w.verified()
	}
}

// TestCarriedCreditsWerePaidForWhenTheirBlockWas: late usage of before the payment draws nothing
// of what was carried from a block that waited for it.
func TestCarriedCreditsWerePaidForWhenTheirBlockWas(t *testing.T) {
	op := plan("p", "10", monthly)
	op.Rollover, op.RequirePayment = carried, true
	w := newWorld(t).given(op)
	w.at("2026-01-20T00:00:00Z").given(creditledger.Activation{BlockID: "p/1"})
	w.at("2026-02-02T00:00:00Z")
	late := creditledger.Decrement{Amount: amount("3"), Overdraft: creditledger.OverdraftStopAtZero}
	for usage, overage := range map[string]string{"2026-01-19T23:59:59Z": "3", "2026-01-20T00:00:00Z": "0"} {
		late.UsageAt = instant(usage)
		if res := must(w.Preview(ctx, cus1, late, "")); res.Overage.String() != overage {
			t.Errorf("usage at %s leaves %s uncovered, not %s", usage, res.Overage, overage)
		}
	}
}
