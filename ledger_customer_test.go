package creditledger_test

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"

	"creditledger"
)

func text(s string) *string { return &s }

func TestPutCustomer(t *testing.T) {
	w := newWorld(t)
	full := creditledger.CustomerUpdate{
		ID: "cus_1", ExternalID: text("ext_1"), Name: text("Ann"), Email: text("ann@example.org"), Timezone: text("Asia/Tokyo"),
		Currency: text("EUR"), Metadata: map[string]*string{"k": text("v"), "gone": nil},
	}
	want := creditledger.Customer{
		ID: "cus_1", ExternalID: "ext_1", Name: "Ann", Email: "ann@example.org", Timezone: "Asia/Tokyo", Currency: "EUR",
		Metadata: map[string]string{"k": "v"}, CreatedAt: instant("2026-01-01"),
	}
	check := func(what string, got creditledger.Customer, err error) {
		t.Helper()
		same := maps.Equal(got.Metadata, want.Metadata)
		got.Metadata = want.Metadata
		if err != nil || !same || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: %+v, %v, want %+v", what, got, err, want)
		}
	}
	got, err := w.PutCustomer(ctx, full)
	check("created", got, err)
	got, err = w.Customer(ctx, "cus_1")
	check("read", got, err)

	w.at("2026-02-01")
	got, err = w.PutCustomer(ctx, creditledger.CustomerUpdate{ID: "cus_1"})
	check("updated by nothing", got, err)
	want.Name, want.Email = "", "b@example.org"
	got, err = w.PutCustomer(ctx, creditledger.CustomerUpdate{ID: "cus_1", Name: text(""), Email: text("b@example.org"), ExternalID: text("ext_1")})
	check("some fields updated", got, err)
	want.Metadata = map[string]string{"a": "", "l": "w"}
	got, err = w.PutCustomer(ctx, creditledger.CustomerUpdate{ID: "cus_1", Metadata: map[string]*string{"k": nil, "l": text("w"), "a": text("")}})
	check("metadata merged", got, err)
	want.Metadata = map[string]string{"m": "x"}
	got, err = w.PutCustomer(ctx, creditledger.CustomerUpdate{ID: "cus_1", ClearMetadata: true, Metadata: map[string]*string{"m": text("x")}})
	check("metadata cleared, then merged", got, err)
	want.Metadata = nil
	got, err = w.PutCustomer(ctx, creditledger.CustomerUpdate{ID: "cus_1", ClearMetadata: true})
	check("metadata cleared", got, err)
	w.reopen()
	got, err = w.Customer(ctx, "cus_1")
	check("after a restart", got, err)

	if got, err := w.PutCustomer(ctx, creditledger.CustomerUpdate{ID: "bare"}); err != nil || got.Timezone != "UTC" || got.Currency != "" {
		t.Errorf("nothing but an id: %+v, %v", got, err)
	}
	if _, err := w.Customer(ctx, "unknown"); !errors.Is(err, creditledger.ErrNotFound) {
		t.Errorf("unknown: %v", err)
	}
	if _, err := w.Customer(ctx, ""); !errors.Is(err, creditledger.ErrInvalid) {
		t.Errorf("no id: %v", err)
	}
}

func TestPutCustomerRefused(t *testing.T) {
	w := newWorld(t)
	if _, err := w.PutCustomer(ctx, creditledger.CustomerUpdate{ID: "cus_1", ExternalID: text("ext_1"), Metadata: map[string]*string{"k": text("v")}}); err != nil {
		t.Fatal(err)
	}
	many := map[string]*string{}
	for i := range creditledger.MaxMetadataPairs {
		many[fmt.Sprint(i)] = text("v")
	}
	long := strings.Repeat("a", 256)
	for _, c := range []struct {
		rule string
		u    creditledger.CustomerUpdate
		want error
	}{
		{"no id", creditledger.CustomerUpdate{}, creditledger.ErrInvalid},
		{"an id that is none", creditledger.CustomerUpdate{ID: "a\n"}, creditledger.ErrInvalid},
		{"an empty external id", creditledger.CustomerUpdate{ID: "c", ExternalID: text("")}, creditledger.ErrInvalid},
		{"an external id too long", creditledger.CustomerUpdate{ID: "c", ExternalID: &long}, creditledger.ErrInvalid},
		{"an external id with a control character", creditledger.CustomerUpdate{ID: "c", ExternalID: text("a\x00")}, creditledger.ErrInvalid},
		{"another external id than the one set", creditledger.CustomerUpdate{ID: "cus_1", ExternalID: text("ext_2")}, creditledger.ErrConstraint},
		{"another customer's external id", creditledger.CustomerUpdate{ID: "c", ExternalID: text("ext_1")}, creditledger.ErrDuplicate},
		{"a name too long", creditledger.CustomerUpdate{ID: "c", Name: &long}, creditledger.ErrInvalid},
		{"a name that is not UTF-8", creditledger.CustomerUpdate{ID: "c", Name: text("\xff")}, creditledger.ErrInvalid},
		{"an email with a line break", creditledger.CustomerUpdate{ID: "c", Email: text("a\nb")}, creditledger.ErrInvalid},
		{"an empty currency", creditledger.CustomerUpdate{ID: "c", Currency: text("")}, creditledger.ErrInvalid},
		{"a currency that is none", creditledger.CustomerUpdate{ID: "c", Currency: text("a\x00")}, creditledger.ErrInvalid},
		{"a metal, which no invoice can be written in", creditledger.CustomerUpdate{ID: "c", Currency: text("XAU")}, creditledger.ErrInvalid},
		{"a code for tests", creditledger.CustomerUpdate{ID: "c", Currency: text("XTS")}, creditledger.ErrInvalid},
		{"a withdrawn currency", creditledger.CustomerUpdate{ID: "c", Currency: text("HRK")}, creditledger.ErrInvalid},
		{"a bell in an address", creditledger.CustomerUpdate{ID: "c", BillingAddress: text("a\ab")}, creditledger.ErrInvalid},
		{"a currency in lower case", creditledger.CustomerUpdate{ID: "c", Currency: text("usd")}, creditledger.ErrInvalid},
		{"a pricing unit to be invoiced in", creditledger.CustomerUpdate{ID: "c", Currency: text("credits")}, creditledger.ErrInvalid},
		{"three letters that are no currency", creditledger.CustomerUpdate{ID: "c", Currency: text("ABC")}, creditledger.ErrInvalid},
		{"a pair too many", creditledger.CustomerUpdate{ID: "cus_1", Metadata: many}, creditledger.ErrInvalid},
		{"an empty key", creditledger.CustomerUpdate{ID: "c", Metadata: map[string]*string{"": text("v")}}, creditledger.ErrInvalid},
		{"a value too long", creditledger.CustomerUpdate{ID: "c", Metadata: map[string]*string{"k": text(strings.Repeat("v", 501))}}, creditledger.ErrInvalid},
	} {
		if _, err := w.PutCustomer(ctx, c.u); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", c.rule, err)
		}
		if _, err := w.Customer(ctx, "c"); !errors.Is(err, creditledger.ErrNotFound) {
			t.Errorf("%s: a refused customer is there, %v", c.rule, err)
		}
	}
	if c, err := w.Customer(ctx, "cus_1"); err != nil || c.ExternalID != "ext_1" || len(c.Metadata) != 1 {
		t.Errorf("refused updates left %+v, %v", c, err)
	}
	// Full metadata stays so when as much is removed as is added.
	if _, err := w.PutCustomer(ctx, creditledger.CustomerUpdate{ID: "cus_1", ClearMetadata: true, Metadata: many}); err != nil {
		t.Errorf("as many pairs as there may be: %v", err)
	}
	if _, err := w.PutCustomer(ctx, creditledger.CustomerUpdate{ID: "cus_1", Metadata: map[string]*string{"0": nil, "new": text("v")}}); err != nil {
		t.Errorf("one pair for another: %v", err)
	}
}

// TestTimeZones: IANA names, nothing else that a machine might take for one.
func TestTimeZones(t *testing.T) {
	w := newWorld(t)
	for _, zone := range []string{"UTC", "America/Los_Angeles", "Asia/Kathmandu", "America/Argentina/Ushuaia", "Etc/GMT+12", "EST5EDT"} {
		if c, err := w.PutCustomer(ctx, creditledger.CustomerUpdate{ID: "c", Timezone: &zone}); err != nil || c.Timezone != zone {
			t.Errorf("%s: %v", zone, err)
		}
	}
	for _, zone := range []string{
		"", "Local", "local", "localtime", "posixrules", "posix/UTC", "right/UTC", "right/America/New_York", "../UTC", "America/../UTC", "/usr/share/zoneinfo/UTC",
		"America", "America/", "America\\New_York", "Mars/Olympus", "+01:00", "UTC+1", "PST8", "zone.tab", "tzdata.zi", "america/new_york ", " UTC", "UTC\x00", "\xff", strings.Repeat("a", 300),
	} {
		_, err := w.PutCustomer(ctx, creditledger.CustomerUpdate{ID: "c", Timezone: &zone})
		var invalid *creditledger.InvalidError
		if !errors.As(err, &invalid) || invalid.Field != "timezone" {
			t.Errorf("%q: %v", zone, err)
		}
	}
}

// TestLocalDays: a date of an operation is a local day of the customer.
func TestLocalDays(t *testing.T) {
	w := newWorld(t)
	for zone, want := range map[string]string{
		"America/Los_Angeles": "2026-12-28T08:00:00Z", "Asia/Kathmandu": "2026-12-27T18:15:00Z", "UTC": "2026-12-28T00:00:00Z",
	} {
		on := creditledger.AccountID{Customer: zone}
		if _, err := w.PutCustomer(ctx, creditledger.CustomerUpdate{ID: zone, Timezone: &zone}); err != nil {
			t.Fatal(err)
		}
		res, err := w.Do(ctx, on, grant("A", "1", expires("2026-12-28")), "")
		if err != nil || res.Entries[0].Block.ExpiresAt != instant(want) {
			t.Errorf("in %s: %v, %v, want %s", zone, res, err, want)
		}
		// The source of an extension is named by the local day too.
		op := extend("", "", "2027-12-28", "N")
		op.ExpiresAt = creditledger.On(creditledger.DateOf(2026, 12, 28))
		if _, err := w.Do(ctx, on, creditledger.Batch{op}, ""); err != nil {
			t.Errorf("in %s, by its expiry: %v", zone, err)
		}
		if b, err := w.Block(ctx, on, "N"); err != nil || b.ExpiresAt.Time().Sub(instant(want).Time()).Hours() != 365*24 {
			t.Errorf("in %s the target is %s, %v", zone, b.ExpiresAt, err)
		}
	}
	if res := w.must(grant("A", "1", effective("2026-12-28")), ""); w.total() != "0" || res.At != instant("2026-01-01") {
		t.Errorf("without a customer: %+v", res)
	}
	if b, err := w.Block(ctx, cus1, "A"); err != nil || b.EffectiveAt != instant("2026-12-28T00:00:00Z") {
		t.Errorf("without a customer a date is %s, %v", b.EffectiveAt, err)
	}
}

// TestOldInvoicingCurrency: what an earlier release took for an invoicing currency stays
// readable, in the way of nothing but money, and can be set right.
func TestOldInvoicingCurrency(t *testing.T) {
	w := newWorld(t)
	old := creditledger.Customer{ID: "c", Timezone: "UTC", Currency: "usd"}
	if err := w.ImportDocuments(ctx, []creditledger.DocumentPut{{
		DocumentID: creditledger.DocumentID{Kind: "customer", Key: "c"}, Value: creditledger.EncodeCustomer(old),
	}}); err != nil {
		t.Fatal(err)
	}
	dollars := creditledger.AccountID{Customer: "c", Currency: "USD"}
	if _, err := w.Do(ctx, dollars, grant("A", "1"), ""); !errors.Is(err, creditledger.ErrConstraint) {
		t.Error(err)
	}
	if c, err := w.PutCustomer(ctx, creditledger.CustomerUpdate{ID: "c", Name: text("Ann")}); err != nil || c.Currency != "usd" {
		t.Errorf("%+v, %v", c, err)
	}
	if c, err := w.PutCustomer(ctx, creditledger.CustomerUpdate{ID: "c", Currency: text("USD")}); err != nil || c.Currency != "USD" {
		t.Errorf("%+v, %v", c, err)
	}
	if _, err := w.Do(ctx, dollars, grant("A", "1"), ""); err != nil {
		t.Error(err)
	}
	w.verified()
}

// TestInvoicingCurrency: an operation in a real currency that is not the customer's is
// refused, looked at with the rest of the refusals by state.
func TestInvoicingCurrency(t *testing.T) {
	w := newWorld(t)
	on := func(currency string) creditledger.AccountID {
		return creditledger.AccountID{Customer: "c", Currency: currency}
	}
	if _, err := w.Do(ctx, on("USD"), grant("A", "5"), "before"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.PutCustomer(ctx, creditledger.CustomerUpdate{ID: "c", Currency: text("EUR")}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		rule, currency string
		op             creditledger.Operation
		key            creditledger.Key
		want           error
	}{
		{"its own", "EUR", grant("A", "1"), "", nil},
		{"a pricing unit", "credits", grant("A", "1"), "", nil},
		{"a pricing unit that looks like a currency", "usd", grant("A", "1"), "", nil},
		{"another", "USD", grant("B", "1"), "", creditledger.ErrConstraint},
		{"another, in a batch", "USD", creditledger.Batch{grant("B", "1")}, "", creditledger.ErrConstraint},
		{"another, of an account never used", "JPY", grant("B", "1"), "", creditledger.ErrConstraint},
		{"what is wrong in itself comes first", "USD", grant("B", "0"), "", creditledger.ErrInvalid},
		{"an expiry already past comes first", "USD", grant("B", "1", expires("2025-01-01")), "", creditledger.ErrInvalid},
		{"a key comes first", "USD", grant("B", "1"), "before", creditledger.ErrIdempotencyMismatch},
		{"not found comes first", "USD", voidOf("X", "1"), "", creditledger.ErrNotFound},
		{"an id in use comes first", "USD", grant("A", "1"), "", creditledger.ErrDuplicate},
		{"a refusal by state does not", "USD", voidOf("A", "6"), "", creditledger.ErrConstraint},
		{"in a batch, it refuses the first operation", "USD", creditledger.Batch{grant("B", "1"), voidOf("X", "1")}, "", creditledger.ErrConstraint},
		{"in a batch, what the first names and is not there comes first", "USD", creditledger.Batch{voidOf("X", "1"), grant("B", "1")}, "", creditledger.ErrNotFound},
		{"in a batch, a later one that is wrong in itself comes first", "USD", creditledger.Batch{grant("B", "1"), grant("C", "1", expires("2025-01-01"))}, "", creditledger.ErrInvalid},
		{"nor a lack of credits", "USD", spend("6", policy(creditledger.OverdraftReject)), "", creditledger.ErrConstraint},
	} {
		_, err := w.Do(ctx, on(c.currency), c.op, c.key)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v", c.rule, err)
		}
		if _, perr := w.Preview(ctx, on(c.currency), c.op, c.key); (perr == nil) != (err == nil) && !errors.Is(perr, creditledger.ErrDuplicate) {
			t.Errorf("%s, previewed: %v", c.rule, perr)
		}
	}
	if _, err := w.Do(ctx, on("USD"), spend("6", policy(creditledger.OverdraftReject)), ""); !strings.Contains(err.Error(), "invoiced in EUR") {
		t.Errorf("the reason: %v", err)
	}
	if b, err := w.Balance(ctx, on("USD"), creditledger.BalanceQuery{}); err != nil || b.Total.String() != "5" {
		t.Errorf("a read: %+v, %v", b, err)
	}
	w.verified()
}

// TestExternalIDRace: of many customers who want one external id, one gets it.
func TestExternalIDRace(t *testing.T) {
	w := newWorld(t)
	const customers = 16
	var wg sync.WaitGroup
	errs := make([]error, customers)
	for i := range customers {
		wg.Add(1)
		go func() {
			defer wg.Done()
			_, errs[i] = w.PutCustomer(ctx, creditledger.CustomerUpdate{ID: fmt.Sprint("c", i), ExternalID: text("wanted")})
		}()
	}
	wg.Wait()
	got := 0
	for i, err := range errs {
		_, there := w.Customer(ctx, fmt.Sprint("c", i))
		switch {
		case err == nil && there == nil:
			got++
		case !errors.Is(err, creditledger.ErrDuplicate) || !errors.Is(there, creditledger.ErrNotFound):
			t.Errorf("customer %d: %v, and then %v", i, err, there)
		}
	}
	if got != 1 {
		t.Errorf("%d customers have the id", got)
	}
}

// TestCustomerRace: updates of one customer at once are all kept.
func TestCustomerRace(t *testing.T) {
	w := newWorld(t)
	var wg sync.WaitGroup
	const updates = 8
	for i := range updates {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if _, err := w.PutCustomer(ctx, creditledger.CustomerUpdate{ID: "c", Metadata: map[string]*string{fmt.Sprint(i): text("v")}}); err != nil {
				t.Error(err)
			}
		}()
	}
	wg.Wait()
	if c, err := w.Customer(ctx, "c"); err != nil || len(c.Metadata) != updates {
		t.Errorf("%d of %d updates are kept, %v", len(c.Metadata), updates, err)
	}
}
