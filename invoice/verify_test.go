package invoice

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"creditledger"
)

// business fills a world with a bit of everything that Verify looks at.
func (w *world) business() (bought, period *Invoice) {
	w.t.Helper()
	w.customer(nil)
	if _, err := w.AdjustBalance(w.ctx, BalanceChange{Customer: "cus", Type: BalanceIncrement, Amount: money(w.t, "5", "USD")}, "m1"); err != nil {
		w.t.Fatal(err)
	}
	w.grant(creditledger.Increment{Amount: amount("10"), BlockID: "gift"})
	bought = w.must(w.Purchase(w.ctx, sale100(), "p1"))
	w.reach(start.AddDate(0, 0, 2))
	period = w.must(w.ClosePeriod(w.ctx, Usage{
		Account: credits, Start: creditledger.At(start), End: creditledger.At(start.AddDate(0, 0, 1)), Rate: basis("0.20"), Currency: "USD",
		Terms: Terms{AutoCollection: Yes(), NetTerms: Days(30)},
		Lines: []LineInput{{ItemID: "api", Quantity: amount("4"), UnitPrice: basis("1")}, {ItemID: "disk", Quantity: amount("16"), UnitPrice: basis("1")}},
	}, "c1"))
	w.prove()
	return bought, period
}

// TestVerifyFinds alters what is stored in one place after the other: each is found and
// named, and nothing is found when it is as it was.
func TestVerifyFinds(t *testing.T) {
	w := newWorld(t, onMemory, nil)
	bought, period := w.business()
	if got := period.Credits.String(); got != "4.00 USD" || len(period.Period.Draws) != 3 {
		t.Fatalf("credits of %s in %d draws", got, len(period.Period.Draws))
	}
	first := period.Period.Draws[0]
	drafted := w.must(w.CreateDraft(w.ctx, draft(), "d1"))
	wrapped := func(v any) []byte {
		data, err := encode(v)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	swap := func(from, to string) func(string) string {
		return func(text string) string { return strings.Replace(text, from, to, 1) }
	}
	balance, log := balanceKey("cus", "USD"), func(n uint64) string { return movementKey("cus", "USD", n) }
	for _, c := range []struct {
		name, kind, key string
		alter           func(text string) string
		says            string
	}{
		{"a line", kindInvoice, period.ID, swap(`"subtotal":"4.00 USD"`, `"subtotal":"4.01 USD"`), period.name()},
		{"the amount due", kindInvoice, bought.ID, swap(`"amount_due":"15.00 USD"`, `"amount_due":"14.00 USD"`), "amount due"},
		{"the customer", kindInvoice, bought.ID, swap(`"customer_id":"cus"`, `"customer_id":"cut"`), "listed as another one"},
		{"the balance applied", kindInvoice, bought.ID, func(text string) string {
			return swap(`"amount_due":"15.00 USD"`, `"amount_due":"16.00 USD"`)(swap(`"balance_applied":"5.00 USD"`, `"balance_applied":"4.00 USD"`)(text))
		}, "4.00 USD of the customer balance is applied, and the balance says 5.00 USD"},
		{"the block bought", kindInvoice, bought.ID, swap(`"block_id":"bought"`, `"block_id":"other"`), "block other"},
		{"the block of a draw", kindInvoice, period.ID, swap(`"block_id":"gift"`, `"block_id":"bought"`), "entry " + first.EntryID},
		{"the entry of a draw", kindInvoice, period.ID, swap(first.EntryID, "gone"), "entry gone"},
		{"an entry twice", kindInvoice, period.ID, swap(period.Period.Draws[1].EntryID, first.EntryID), "drawn twice"},
		{"the amount of a draw", kindInvoice, period.ID, swap(fmt.Sprintf(`"block_id":"gift","amount":"%s"`, first.Amount), `"block_id":"gift","amount":"3"`), "line 0 drew"},
		{"the line of a draw", kindInvoice, period.ID, swap(`"line":0`, `"line":7`), "line 7"},
		{"what a draw is worth", kindInvoice, period.ID, swap(`"conversion_rate":"0.20"`, `"conversion_rate":"0.10"`), `the subtotal is 0.80 USD, not 0.40 USD`},
		{"its own id", kindInvoice, bought.ID, swap(`"id":"`+bought.ID, `"id":"x`+bought.ID), "invoice"},
		{"a field that does not exist", kindInvoice, bought.ID, swap(`"id":`, `"new":1,"id":`), "new"},
		{"an invoice that is not listed", kindInvoice, "copy", func(string) string {
			inv := *bought
			inv.ID, inv.Number = "copy", ""
			return string(wrapped(&inv))
		}, "does not stand among those of customer cus"},
		{"an invoice under another id", kindInvoice, "copy", func(string) string { return string(wrapped(bought)) }, "it says that it is"},
		{"a listed one that is not there", kindIndex, "cus" + separator + strings.Repeat("0", 20) + separator + "gone", func(string) string { return string(wrapped(struct{}{})) }, "gone is listed and is not there"},
		{"a list that is no list", kindIndex, "cus" + separator, func(string) string { return string(wrapped(struct{}{})) }, "is listed and is not there"},
		{"what a draft's line is made from", kindInvoice, drafted.ID, swap(`"quantity":"3","unit_price":"0.333","sub`, `"quantity":"4","unit_price":"0.333","sub`), "draft invoice " + drafted.ID},
		{"what a draft's lines are made from", kindInvoice, drafted.ID, swap(`"drafted":{"lines":[{"id":"1","item_id":"calls","quantity":"3"`, `"drafted":{"lines":[{"id":"1","item_id":"calls","quantity":"4"`), "line 1 is not what it is made from"},
		{"a draft that is said to be deleted", kindInvoice, drafted.ID, swap(`"status":"draft"`, `"status":"deleted"`), "amount due"},
		{"the numbers", kindNumber, "default", swap(`"last":2`, `"last":3`), "3 were given, and 2 invoices have one"},
		{"fewer numbers", kindNumber, "default", swap(`"last":2`, `"last":1`), "1 were given, and 2 invoices have one"},
		{"numbers without a counter", kindInvoice, bought.ID, swap(`"seller":"default"`, `"seller":"another"`), "seller another"},
		{"where a transaction begins", kindMovement, log(2), swap(`"starting_balance":"5.00 USD"`, `"starting_balance":"6.00 USD"`), "begins at 6.00 USD"},
		{"where it ends", kindMovement, log(2), swap(`"ending_balance":"0`, `"ending_balance":"1`), "do not make"},
		{"its direction", kindMovement, log(2), swap(`"type":"decrement"`, `"type":"increment"`), "do not make"},
		{"a direction that does not exist", kindMovement, log(1), swap(`"type":"increment"`, `"type":"sideways"`), "do not make"},
		{"its currency", kindMovement, log(1), swap(`"amount":"5.00 USD"`, `"amount":"5.00 EUR"`), "do not make"},
		{"its number", kindMovement, log(2), swap(`"number":2`, `"number":3`), "transaction 2 of the customer balance of cus in USD: it is missing"},
		{"its invoice", kindMovement, log(2), swap(bought.ID, period.ID), "of the customer balance is applied"},
		{"an invoice of nobody", kindMovement, log(2), swap(bought.ID, "none"), "of the customer balance is applied"},
		{"a transaction that is left out", kindMovement, log(4), func(string) string { return string(wrapped(Movement{Number: 4})) }, "transaction 3"},
		{"a transaction of no balance", kindMovement, movementKey("cus", "EUR", 1), func(string) string {
			return string(wrapped(Movement{Number: 1, Type: BalanceIncrement, Amount: money(t, "1", "EUR"), Starting: money(t, "0", "EUR"), Ending: money(t, "1", "EUR")}))
		}, "customer balance of cus in EUR: it is missing"},
		{"money for an invoice of another customer", kindMovement, movementKey("eve", "EUR", 1), func(string) string {
			return string(wrapped(Movement{Number: 1, Type: BalanceDecrement, Amount: money(t, "1", "EUR"), Starting: money(t, "0", "EUR"), Ending: money(t, "-1", "EUR"), Action: AppliedToInvoice, Invoice: bought.ID}))
		}, "eve"},
		{"the balance", kindBalance, balance, swap(`"amount":"0`, `"amount":"1`), "customer balance of cus in USD"},
		{"how many there were", kindBalance, balance, swap(`"last":2`, `"last":3`), "after 3 transactions"},
		{"a balance out of nothing", kindBalance, balanceKey("zoe", "USD"), func(string) string {
			return string(wrapped(CustomerBalance{Amount: money(t, "9", "USD"), Last: 1}))
		}, "customer balance of zoe in USD"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, onMemory, nil)
			w.business()
			w.must(w.CreateDraft(w.ctx, draft(), "d1"))
			id := creditledger.DocumentID{Kind: c.kind, Key: c.key}
			rec, err := w.ledger.Document(w.ctx, id)
			if err != nil && !isNotFound(err) {
				t.Fatal(err)
			}
			text := c.alter(string(rec.Value))
			if text == string(rec.Value) {
				t.Fatalf("nothing is altered in %s", text)
			}
			if !json.Valid([]byte(text)) {
				t.Fatalf("that is no JSON: %s", text)
			}
			if err := w.ledger.PutDocuments(w.ctx, []creditledger.DocumentPut{{DocumentID: id, Expect: rec.Version, Prev: rec.Seal(), Value: []byte(text)}}); err != nil {
				t.Fatal(err)
			}
			v, err := w.Verify(w.ctx, nil)
			if err != nil || v.Violation == nil || !strings.Contains(v.Violation.Error(), c.says) {
				t.Errorf("%+v %v, and not a violation with %q", v, err, c.says)
			}
		})
	}
}

// TestVerifyWhileOthersWrite: what is written between two of its reads is no violation.
func TestVerifyWhileOthersWrite(t *testing.T) {
	w := newWorld(t, onMemory, nil)
	w.business()
	done := make(chan error, 1)
	go func() {
		var err error
		for i := range 200 {
			w.reach(start.AddDate(0, 0, 2).Add(time.Duration(i+1) * time.Second))
			p := sale100()
			p.Increment.BlockID = ""
			key := creditledger.Key(fmt.Sprint("p", i+2))
			if _, err = w.Purchase(w.ctx, p, key); err == nil && i%3 == 0 {
				_, err = w.AdjustBalance(w.ctx, BalanceChange{Customer: "cus", Type: BalanceIncrement, Amount: money(w.t, "7", "USD")}, "m"+key)
			}
			if err != nil {
				break
			}
		}
		done <- err
	}()
	last := uint64(0)
	for running := true; running; {
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			running = false
		default:
		}
		v, err := w.Verify(w.ctx, func(n uint64) { last = n })
		if err != nil || v.Violation != nil || v.Invoices != last || v.Invoices < 2 {
			t.Fatalf("%+v %v", v, err)
		}
	}
	if last != 202 {
		t.Errorf("%d invoices", last)
	}
	w.prove()
}
