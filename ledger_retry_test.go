package creditledger_test

import (
	"errors"
	"strings"
	"testing"

	"creditledger"
)

// TestARetryIsOneWhateverTheSettingsSay: an operation that leaves its repayment to the
// ledger is the same operation after the setting has changed; one that says it is not.
func TestARetryIsOneWhateverTheSettingsSay(t *testing.T) {
	w := newWorld(t)
	batch := creditledger.Batch{grant("B", "1"), spend("1"), grant("C", "1")}
	first, firstOfAll := w.must(grant("A", "5"), "grant"), w.must(batch, "batch")
	w.must(creditledger.Grant("D", "5", creditledger.NoRepay), "never")
	w.set(func(s *creditledger.Settings) { s.Repay = creditledger.RepayNever })
	for key, c := range map[creditledger.Key]struct {
		op   creditledger.Operation
		want *creditledger.Result
	}{"grant": {grant("A", "5"), first}, "batch": {batch, firstOfAll}} {
		if res := w.must(c.op, key); !res.Replayed || res.At != c.want.At || len(res.Entries) != len(c.want.Entries) {
			t.Errorf("%s: %+v", key, res)
		}
	}
	said := grant("A", "5")
	said.Repay = creditledger.RepayNever
	var mismatch *creditledger.IdempotencyMismatchError
	if err := w.refused(said, "grant", creditledger.ErrIdempotencyMismatch); !errors.As(err, &mismatch) || mismatch.Field != "repay" {
		t.Errorf("a grant that says another repayment: %v", err)
	}
	said.Repay = creditledger.RepayFirst // which it was
	if res := w.must(said, "grant"); !res.Replayed {
		t.Errorf("a grant that says the repayment there was: %+v", res)
	}
	w.set(func(s *creditledger.Settings) { s.Repay = creditledger.RepayFirst })
	said = grant("D", "5")
	said.Repay = creditledger.RepayFirst
	w.refused(said, "never", creditledger.ErrIdempotencyMismatch)
}

// TestOnlyDatesNeedATimeZone: a customer whose zone this machine does not know keeps
// working, and retries with dates are answered; only a new date is refused.
func TestOnlyDatesNeedATimeZone(t *testing.T) {
	usd := creditledger.AccountID{Customer: "cus_1", Currency: "USD"}
	w := newWorld(t)
	zone, currency := "America/New_York", "USD"
	if _, err := w.PutCustomer(ctx, creditledger.CustomerUpdate{ID: "cus_1", Timezone: &zone, Currency: &currency}); err != nil {
		t.Fatal(err)
	}
	dated := grant("A", "5")
	dated.ExpiresAt = creditledger.On(creditledger.DateOf(2041, 1, 1))
	if _, err := w.Do(ctx, usd, dated, "dated"); err != nil {
		t.Fatal(err)
	}
	c, err := w.Customer(ctx, "cus_1")
	if err != nil {
		t.Fatal(err)
	}
	c.Timezone = "Atlantis/Capital"
	was, err := w.Document(ctx, creditledger.DocumentID{Kind: "customer", Key: "cus_1"})
	if err != nil {
		t.Fatal(err)
	}
	put := creditledger.DocumentPut{DocumentID: was.DocumentID, Expect: 1, Prev: was.Seal(), Value: creditledger.EncodeCustomer(c)}
	err = w.store.Commit(ctx, []creditledger.Change{{Documents: []creditledger.DocumentPut{put}}})
	if err != nil {
		t.Fatal(err)
	}
	w.reopen()
	if _, err := w.Do(ctx, usd, grant("B", "5"), ""); err != nil {
		t.Errorf("without a date: %v", err)
	}
	if _, err := w.Preview(ctx, usd, spend("1"), ""); err != nil {
		t.Errorf("a preview without a date: %v", err)
	}
	if res, err := w.Do(ctx, usd, dated, "dated"); err != nil || !res.Replayed {
		t.Errorf("a retry with a date: %+v, %v", res, err)
	}
	for name, key := range map[string]creditledger.Key{"without a key": "", "under a new key": "new"} {
		dated.BlockID = ""
		if _, err := w.Do(ctx, usd, dated, key); err == nil || !strings.Contains(err.Error(), "time zone of customer") {
			t.Errorf("a date %s: %v", name, err)
		}
	}
	if _, err := w.Preview(ctx, usd, creditledger.Batch{dated}, ""); err == nil || !strings.Contains(err.Error(), "time zone of customer") {
		t.Errorf("a preview with a date: %v", err)
	}
}
