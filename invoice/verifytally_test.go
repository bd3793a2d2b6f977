package invoice

import (
	"context"
	"slices"
	"strings"
	"testing"

	"creditledger"
	"creditledger/store"
	"creditledger/store/memory"
)

// rewound is a store of which records are gone, or are as they were before. It remembers
// every state of a record that was put over.
type rewound struct {
	store.Store
	before  map[creditledger.DocumentID][]creditledger.Document
	instead map[creditledger.DocumentID]*creditledger.Document // nil: gone
}

func (s *rewound) Commit(ctx context.Context, changes []creditledger.Change) error {
	for _, c := range changes {
		for _, p := range c.Documents {
			if was, err := s.Store.Document(ctx, p.DocumentID); err == nil {
				s.before[p.DocumentID] = append(s.before[p.DocumentID], was)
			}
		}
	}
	return s.Store.Commit(ctx, changes)
}

func (s *rewound) Document(ctx context.Context, id creditledger.DocumentID) (creditledger.Document, error) {
	switch r, ok := s.instead[id]; {
	case !ok:
		return s.Store.Document(ctx, id)
	case r == nil:
		return creditledger.Document{}, &creditledger.NotFoundError{Kind: id.Kind, ID: id.Key}
	default:
		return *r, nil
	}
}

func (s *rewound) Documents(ctx context.Context, kind, prefix, after string, limit int) ([]creditledger.Document, error) {
	all, err := s.Store.Documents(ctx, kind, prefix, after, limit+len(s.instead))
	all = slices.DeleteFunc(all, func(r creditledger.Document) bool {
		now, ok := s.instead[r.DocumentID]
		return ok && now == nil
	})
	for i := range all {
		if now, ok := s.instead[all[i].DocumentID]; ok {
			all[i] = *now
		}
	}
	return all[:min(limit, len(all))], err
}

// unmissed are the records that may be gone, or be as they were before, and nothing shows
// it, by their kind, and why.
var unmissed = map[string]string{
	kindSettings + " gone":  "one record of a seller, in which nothing else is told",
	kindSettings + " older": "one record of a seller, in which nothing else is told",
	kindTally + " gone":     "recovery leaves it out: it proves what is there, and is no part of it",
}

// TestVerifyMissesWhatIsGone: each record of every kind that is gone, or is as it was before,
// is missed, and the finding names the customer, seller, invoice or change; what is not, and
// why, stands in unmissed.
func TestVerifyMissesWhatIsGone(t *testing.T) {
	s := &rewound{Store: memory.New(), before: map[creditledger.DocumentID][]creditledger.Document{}}
	w := newWorld(t, backend{"rewound", 1, func(testing.TB) *place { return &place{store: s} }}, nil)
	first := w.change(w.Propose(w.ctx, proposal(), "propose"))
	w.change(w.CancelChange(w.ctx, first.ID, "cancel"))
	w.change(w.Propose(w.ctx, proposal(), "propose again"))
	bought, _ := w.business()
	for i := range 2 {
		if _, err := ChangeSettings(w.ctx, w.ledger, "", func(s *Settings) { s.NumberPrefix = strings.Repeat("R", i+1) }); err != nil {
			t.Fatal(err)
		}
	}
	w.must(w.StartPayment(w.ctx, bought.ID, Attempt{Provider: "p", ChargeType: Checkout}, "pay"))
	if _, err := w.CreateDraft(w.ctx, DraftInput{Customer: "zoe", Currency: "USD", Lines: []LineInput{{ItemID: "i", Quantity: amount("1"), UnitPrice: basis("1")}}, Terms: Terms{AutoCollection: No(), NetTerms: Days(1)}}, "d"); err != nil {
		t.Fatal(err)
	}
	w.prove()
	tried, missed := map[string]int{}, map[string]int{}
	try := func(what string, id creditledger.DocumentID, now *creditledger.Document) {
		t.Helper()
		s.instead = map[creditledger.DocumentID]*creditledger.Document{id: now}
		v, err := w.Verify(w.ctx, nil)
		tried[what]++
		switch {
		case err != nil:
			t.Errorf("%s: %q: %v", what, id.Key, err)
		case v.Violation == nil && unmissed[what] == "":
			t.Errorf("%s: %q: nothing is missed", what, id.Key)
		case v.Violation != nil && !slices.ContainsFunc([]string{"cus", "zoe", "seller default", "invoice INV-", "change chg_"}, func(name string) bool {
			return strings.Contains(v.Violation.Error(), name)
		}):
			t.Errorf("%s: %q: it says only %v", what, id.Key, v.Violation)
		case v.Violation != nil:
			missed[what]++
		}
	}
	for _, kind := range []string{kindInvoice, kindNumber, kindIndex, kindKey, kindBalance, kindMovement, kindChange, kindChangeNow, kindPeriod, kindSettings, kindTally} {
		for _, rec := range w.records(kind) {
			try(kind+" gone", rec.DocumentID, nil)
			for i := range s.before[rec.DocumentID] {
				try(kind+" older", rec.DocumentID, &s.before[rec.DocumentID][i])
			}
			s.instead = nil
		}
		if tried[kind+" gone"] == 0 {
			t.Errorf("there is no %s", kind)
		}
	}
	for what := range unmissed {
		if tried[what] == 0 || missed[what] > 0 {
			t.Errorf("%s: is missed, or was not tried", what)
		}
	}
	t.Logf("%v", tried)
}

// TestTallyBeginsAnew: what was put before records were counted, or before recovery left the
// count out, is no finding; what is put from then on is counted.
func TestTallyBeginsAnew(t *testing.T) {
	s := &rewound{Store: memory.New(), before: map[creditledger.DocumentID][]creditledger.Document{}}
	w := newWorld(t, backend{"rewound", 1, func(testing.TB) *place { return &place{store: s} }}, nil)
	bought, _ := w.business()
	id := creditledger.DocumentID{Kind: kindTally, Key: "cus"}
	s.instead = map[creditledger.DocumentID]*creditledger.Document{id: nil} // as recovery leaves it
	copied := memory.New()
	for _, kind := range []string{kindInvoice, kindNumber, kindIndex, kindKey, kindBalance, kindMovement} {
		for _, rec := range w.records(kind) {
			put := creditledger.DocumentPut{DocumentID: rec.DocumentID, Value: rec.Value}
			if err := copied.Commit(w.ctx, []creditledger.Change{{Documents: []creditledger.DocumentPut{put}}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	l := creditledger.New(copied, &creditledger.Options{Clock: w.clock})
	defer l.Close()
	again := New(l, nil)
	w.reach(start.AddDate(0, 0, 3))
	if _, err := again.StartPayment(w.ctx, bought.ID, Attempt{Provider: "p", ChargeType: Checkout}, "pay"); err != nil {
		t.Fatal(err)
	}
	x := &examiner{ctx: w.ctx, s: again}
	seen := &examined{}
	var err error
	if seen.tally, err = x.tally("cus"); err != nil || seen.tally.Puts != 2 {
		t.Fatalf("%+v, %v: the invoice and the key", seen.tally, err)
	}
	for _, kind := range []string{kindInvoice, kindIndex, kindBalance, kindMovement} {
		if err := x.each(kind, "", seen.put); err != nil {
			t.Fatal(err)
		}
	}
	if err := x.tallied("cus", seen); err != nil {
		t.Error(err)
	}
	seen.puts -= 2
	if err := x.tallied("cus", seen); err == nil || !strings.Contains(err.Error(), "records of customer cus: they were put 2 times, and say that it was 1 times") {
		t.Errorf("%v", err)
	}
}
