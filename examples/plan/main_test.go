package main

import (
	"errors"
	"testing"
	"time"

	"creditledger"
	"creditledger/store/memory"
)

// shop is a service with a clock that the test sets.
type shop struct {
	*Plans
	t   *testing.T
	now time.Time
}

var ann = creditledger.AccountID{Customer: "ann"}

func newShop(t *testing.T) *shop {
	s := &shop{t: t}
	s.on("2030-01-31")
	l := creditledger.New(memory.New(), &creditledger.Options{Clock: func() time.Time { return s.now }})
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	s.Plans = &Plans{Ledger: l}
	return s
}

// on sets the clock to a day's noon.
func (s *shop) on(day string) {
	s.t.Helper()
	at, err := time.Parse(time.DateOnly, day)
	if err != nil {
		s.t.Fatal(err)
	}
	s.now = at.Add(12 * time.Hour)
}

func (s *shop) spend(n int64) {
	s.t.Helper()
	if _, err := s.Ledger.Do(s.t.Context(), ann, creditledger.Decrement{Amount: creditledger.AmountOf(n)}, ""); err != nil {
		s.t.Fatal(err)
	}
}

// shows compares what a customer can spend, and the day of the next credits.
func (s *shop) shows(left, next string) {
	s.t.Helper()
	has, due, err := s.Show(s.t.Context(), ann)
	day := ""
	if !due.IsZero() {
		day = due.Time().Format(time.DateOnly)
	}
	if err != nil || has.String() != left || day != next {
		s.t.Errorf("%s: %s credits, next %q, %v; want %s, %q", s.now.Format(time.DateOnly), has, day, err, left, next)
	}
}

func TestPlanGrantsEachMonth(t *testing.T) {
	s := newShop(t)
	for range 2 { // the second is a retry
		if err := s.Subscribe(t.Context(), ann, "starter", "order"); err != nil {
			t.Fatal(err)
		}
	}
	s.shows("100", "2030-02-28")
	s.spend(30)
	s.on("2030-02-28") // the rest of January is gone
	s.shows("100", "2030-03-31")
	s.on("2030-07-01") // nobody came for months
	s.shows("100", "2030-07-31")
}

func TestPlanCarriesAPart(t *testing.T) {
	s := newShop(t)
	if err := s.Subscribe(t.Context(), ann, "pro", "order"); err != nil {
		t.Fatal(err)
	}
	s.spend(600)
	s.on("2030-02-28")
	s.shows("1200", "2030-03-31")
	s.on("2030-03-31") // 1,000 of February halved; what was carried is gone
	s.shows("1500", "2030-04-30")
}

func TestPlanChangesAndEnds(t *testing.T) {
	s := newShop(t)
	if err := s.Subscribe(t.Context(), ann, "starter", "order"); err != nil {
		t.Fatal(err)
	}
	s.on("2030-02-14") // half of the 28 days are left
	for range 2 {
		if more, err := s.Change(t.Context(), ann, "pro", "upgrade"); err != nil || more.String() != "450" {
			t.Errorf("upgrade: %s more, %v", more, err)
		}
	}
	s.shows("550", "2030-02-28")
	if more, err := s.Change(t.Context(), ann, "starter", "downgrade"); err != nil || !more.IsZero() {
		t.Errorf("downgrade: %s more, %v", more, err)
	}
	s.shows("550", "2030-02-28")
	s.on("2030-02-28")
	s.shows("100", "2030-03-31")
	if err := s.Cancel(t.Context(), ann, "cancel"); err != nil {
		t.Fatal(err)
	}
	s.shows("100", "")
	s.on("2030-03-31")
	s.shows("0", "")
	if err := s.Cancel(t.Context(), ann, "again"); !errors.Is(err, creditledger.ErrConstraint) {
		t.Errorf("cancelled twice: %v", err)
	}
	if err := s.Subscribe(t.Context(), ann, "gold", ""); err == nil {
		t.Error("a plan that there is none of")
	}
}
