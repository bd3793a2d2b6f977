package invoice

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"testing"

	"creditledger"
)

// unknown are what a preview does not know: numbers, and the ids that the ledger makes. The
// ledger is asked without the key.
var unknown = regexp.MustCompile(`"(number":"[^"]*|id":"[0-9a-f]{8}-[^"]*|idempotency_key":"[^"]*)",|,"(entry_id":"[^"]*|idempotency_key":"[^"]*)"`)

// A preview answers what the call will do, to the last figure, and leaves no trace: no
// commit, no record, no number.
func TestPreviews(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		w.customer(nil)
		w.grant(creditledger.Increment{Amount: amount("50"), BlockID: "old", ExpiresAt: creditledger.At(start.AddDate(0, 0, 20))})
		sold := sale100()
		bill := Usage{
			Account: credits, Currency: "USD", Rate: basis("0.20"), Lines: []LineInput{unit("80", "1")}, Terms: sold.Terms,
			Start: creditledger.At(start), End: creditledger.At(start.AddDate(0, 0, 10)),
		}
		var inv, paid *Invoice
		for _, c := range []struct {
			name string
			call func(*Service) (*Answer, error)
			keep **Invoice
		}{
			{"purchase", func(s *Service) (*Answer, error) { return s.Purchase(w.ctx, sold, "p") }, &inv},
			{"draft", func(s *Service) (*Answer, error) { return s.CreateDraft(w.ctx, draft(), "d") }, nil},
			{"close", func(s *Service) (*Answer, error) {
				w.now = start.AddDate(0, 0, 25)
				return s.ClosePeriod(w.ctx, bill, "c")
			}, nil},
			{"note", func(s *Service) (*Answer, error) {
				return s.IssueCreditNote(w.ctx, NoteInput{Invoice: inv.ID, Amount: money(t, "4.20", "USD")}, "n")
			}, nil},
			{"pay", func(s *Service) (*Answer, error) { return s.MarkPaid(w.ctx, inv.ID, "cash", "m") }, &paid},
			{"refund", func(s *Service) (*Answer, error) {
				return s.Refund(w.ctx, TakeBack{Invoice: inv.ID, Credits: amount("10")}, "r")
			}, nil},
			{"void", func(s *Service) (*Answer, error) { return s.Void(w.ctx, inv.ID, "wrong", "v") }, nil},
		} {
			before, commits := w.dump(), w.store.commits.Load()
			would, err := c.call(w.Preview())
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			if w.dump() != before || w.store.commits.Load() != commits {
				t.Errorf("%s: the preview left a trace", c.name)
			}
			done, err := c.call(w.Service)
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			if c.keep != nil {
				*c.keep = done.Invoice
			}
			if a, b := unnumbered(t, would), unnumbered(t, done); a != b {
				t.Errorf("%s: it would answer %s", c.name, difference(a, b))
			}
			again, err := c.call(w.Preview())
			if err != nil || !again.Replayed {
				t.Errorf("%s: the preview of a known key: %v, %v", c.name, again, err)
			}
		}
		w.prove()
	})
}

// difference is where two texts part.
func difference(a, b string) string {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return fmt.Sprintf("…%.60s, not …%.60s", a[n:], b[n:])
}

func unnumbered(t *testing.T, a *Answer) string {
	t.Helper()
	text, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	return unknown.ReplaceAllString(string(text), "")
}

// A preview needs no key, and is refused as the call would be.
func TestPreviewIsRefusedAlike(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		w.customer(nil)
		sold := sale100()
		if _, err := w.Preview().Purchase(w.ctx, sold, ""); err != nil {
			t.Fatal(err)
		}
		w.must(w.Purchase(w.ctx, sold, "p"))
		var twice *creditledger.DuplicateError
		if _, err := w.Preview().Purchase(w.ctx, sold, ""); !errors.As(err, &twice) {
			t.Errorf("a block that there is already: %v", err)
		}
		sold.Terms.NetTerms = Days(1)
		var other *creditledger.IdempotencyMismatchError
		if _, err := w.Preview().Purchase(w.ctx, sold, "p"); !errors.As(err, &other) {
			t.Errorf("a known key: %v", err)
		}
	})
}
