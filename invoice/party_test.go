package invoice

import (
	"strings"
	"testing"

	"creditledger"
)

// Who sells and who buys stands on an invoice as it was at the issue, on the page too,
// whatever is recorded later.
func TestPartiesAreFrozen(t *testing.T) {
	w := newWorld(t, onMemory, &Options{TaxPercent: percent("8"), Name: "Acme <GmbH>", Address: "Weg 1\n10115 Berlin", TaxID: "DE1"})
	text := func(s string) *string { return &s }
	w.customer(func(u *creditledger.CustomerUpdate) {
		u.Name, u.Email, u.BillingAddress, u.TaxID = text("Ada"), text("ada@example.com"), text("12 Street\nLondon"), text("GB2")
	})
	inv := w.must(w.CreateDraft(w.ctx, draft(), "d"))
	if inv.SellerDetails != nil || inv.CustomerDetails != nil {
		t.Errorf("a draft knows %+v and %+v", inv.SellerDetails, inv.CustomerDetails)
	}
	w.must(w.Issue(w.ctx, inv.ID, "i"))
	w.customer(func(u *creditledger.CustomerUpdate) {
		u.Name, u.BillingAddress, u.TaxID = text("Eve"), text(""), text("")
	})
	w.options.Name = "Other"
	inv, err := w.Invoice(w.ctx, inv.ID)
	if err != nil || *inv.SellerDetails != (Party{"Acme <GmbH>", "", "Weg 1\n10115 Berlin", "DE1"}) || *inv.CustomerDetails != (Party{"Ada", "ada@example.com", "12 Street\nLondon", "GB2"}) {
		t.Errorf("%+v %+v %v", inv.SellerDetails, inv.CustomerDetails, err)
	}
	plain, page := rendered(w, inv)
	for _, want := range []string{"Ada owes Acme <GmbH> $10.80, due by 2026-01-29.", "From       Acme <GmbH>", "10115 Berlin", "Tax id DE1", "To         Ada", "ada@example.com"} {
		if !strings.Contains(plain, want) {
			t.Errorf("%q is not in\n%s", want, plain)
		}
	}
	if strings.Contains(page, "<GmbH>") || !strings.Contains(page, "<span>Weg 1</span><span>10115 Berlin</span><span>Tax id DE1</span>") {
		t.Errorf("the page: %s", page)
	}
	w.prove()
}
