package invoice

import (
	"bytes"
	"strings"
	"sync"
	"testing"

	"creditledger"
)

// Settings are kept with the ledger: whoever opens a service later goes by them, and the
// count of invoices goes on under a new prefix.
func TestSettings(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		w.customer(nil)
		sell := func(key string) *Invoice {
			t.Helper()
			w.tick()
			s, err := Open(w.ctx, w.ledger, "")
			if err != nil {
				t.Fatal(err)
			}
			p := sale100()
			p.Increment.BlockID = key
			return w.must(s.Purchase(w.ctx, p, creditledger.Key(key)))
		}
		if inv := sell("plain"); inv.Number != "INV-000001" || inv.Tax != nil || inv.Lines[0].ItemID != "Credits" {
			t.Errorf("without settings: %+v", inv)
		}
		eight := amount("8")
		if _, err := ChangeSettings(w.ctx, w.ledger, "", func(s *Settings) {
			s.NumberPrefix, s.CreditsItem, s.TaxPercent, s.Locale = "ACME-", "Tokens", &eight, "de"
		}); err != nil {
			t.Fatal(err)
		}
		w.restart()
		inv := sell("taxed")
		if inv.Number != "ACME-000002" || inv.Tax.String() != "1.60 USD" || inv.Total.String() != "21.60 USD" || inv.Lines[0].ItemID != "Tokens" {
			t.Errorf("with settings: %+v", inv)
		}
		s, err := Open(w.ctx, w.ledger, "default")
		if err != nil {
			t.Fatal(err)
		}
		var text bytes.Buffer
		if err := s.WriteText(&text, inv); err != nil || !strings.Contains(text.String(), "21,60\u00a0$") {
			t.Errorf("in German: %v\n%s", err, text.String())
		}
		if other, err := SettingsOf(w.ctx, w.ledger, "other"); err != nil || other != (Settings{}) {
			t.Errorf("another seller: %+v, %v", other, err)
		}
		minus := amount("-1")
		for text, change := range map[string]func(*Settings){
			"tax_percent: -1 is negative":               func(s *Settings) { s.TaxPercent = &minus },
			`locale: "elvish!" is not`:                  func(s *Settings) { s.Locale = "elvish!" },
			"number_prefix: has control characters":     func(s *Settings) { s.NumberPrefix = "a\nb" },
			"number_prefix: has 41 bytes, more than 40": func(s *Settings) { s.NumberPrefix = strings.Repeat("x", 41) },
		} {
			w.refused(creditledger.ErrInvalid, text, func() error { _, err := ChangeSettings(w.ctx, w.ledger, "", change); return err })
		}
		if s, err := SettingsOf(w.ctx, w.ledger, ""); err != nil || s.NumberPrefix != "ACME-" || s.TaxPercent.String() != "8" {
			t.Errorf("after refusals: %+v, %v", s, err)
		}
	})
}

// Two who change different settings at once both have their way.
func TestSettingsAtOnce(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		var wait sync.WaitGroup
		for _, change := range []func(*Settings){
			func(s *Settings) { s.NumberPrefix = "A-" }, func(s *Settings) { s.CreditsItem = "Tokens" }, func(s *Settings) { s.Locale = "fr" },
		} {
			wait.Go(func() {
				if _, err := ChangeSettings(w.ctx, w.ledger, "", change); err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		if s, err := SettingsOf(w.ctx, w.ledger, ""); err != nil || s != (Settings{NumberPrefix: "A-", CreditsItem: "Tokens", Locale: "fr"}) {
			t.Errorf("%+v, %v", s, err)
		}
	})
}

// The days on a document are those of the customer.
func TestDaysOfDocument(t *testing.T) {
	w := newWorld(t, onMemory, nil)
	zone := "Asia/Tokyo"
	w.customer(func(u *creditledger.CustomerUpdate) { u.Timezone = &zone })
	p := sale100()
	p.Terms.NetTerms, p.Terms.CustomDueDate = nil, creditledger.On(creditledger.DateOf(2026, 3, 9)) // 2026-03-08T15:00:00Z
	inv := w.must(w.Purchase(w.ctx, p, "k"))
	later := "UTC"
	w.customer(func(u *creditledger.CustomerUpdate) { u.Timezone = &later })
	var text bytes.Buffer
	if err := w.WriteText(&text, inv); err != nil || !strings.Contains(text.String(), "Date       2026-01-15\n  Due        2026-03-09\n") {
		t.Errorf("%v\n%s", err, text.String())
	}
}
