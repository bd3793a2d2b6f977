package invoice

import (
	"testing"

	"creditledger"
)

// What was sold to a customer comes to its end once the customer is deleted: money comes and
// goes, and corrections are made; credits on its account stay as they are.
func TestDeletedCustomersSettle(t *testing.T) {
	on(t, func(t *testing.T, w *world) {
		w.customer(nil)
		w.grant(creditledger.Increment{Amount: amount("10"), BlockID: "gift"})
		sold := w.must(w.Purchase(w.ctx, sale100(), "p1"))
		other := sale100()
		other.Increment.BlockID = "second"
		unpaid := w.must(w.Purchase(w.ctx, other, "p2"))
		w.now = start.AddDate(0, 0, 12)
		bill := w.must(w.ClosePeriod(w.ctx, Usage{
			Account: credits, Currency: "USD", Rate: basis("0.20"), Lines: []LineInput{unit("230", "1")}, Terms: sale100().Terms,
			Start: creditledger.At(start), End: creditledger.At(start.AddDate(0, 0, 10)),
		}, "c"))
		drafted := w.must(w.CreateDraft(w.ctx, draft(), "d"))
		later := proposal()
		later.ExpiresAt = creditledger.At(start.AddDate(1, 0, 0))
		ch := w.change(w.Propose(w.ctx, later, "g"))
		total := w.total(credits)
		if _, err := w.ledger.DeleteCustomer(w.ctx, "cus"); err != nil {
			t.Fatal(err)
		}
		w.must(w.StartPayment(w.ctx, sold.ID, Attempt{Provider: "p", ProviderID: "ch", ChargeType: Checkout}, "s"))
		w.must(w.PaymentSucceeded(w.ctx, sold.ID, "ch", "ok"))
		inv := w.must(w.Refund(w.ctx, TakeBack{Invoice: sold.ID, Credits: amount("10")}, "r"))
		w.must(w.ChargeBack(w.ctx, Chargeback{Invoice: sold.ID, Amount: money(t, "5", "USD")}, "cb"))
		w.must(w.IssueCreditNote(w.ctx, NoteInput{Invoice: unpaid.ID, Amount: money(t, "3", "USD")}, "n"))
		w.must(w.Void(w.ctx, unpaid.ID, "", "v1"))
		w.must(w.Void(w.ctx, bill.ID, "", "v2"))
		w.must(w.DeleteDraft(w.ctx, drafted.ID, "x"))
		w.change(w.CancelChange(w.ctx, ch.ID, "k"))
		if _, err := w.AdjustBalance(w.ctx, BalanceChange{Customer: "cus", Type: BalanceDecrement, Amount: money(t, "1", "USD")}, "b"); err != nil {
			t.Error(err)
		}
		if got := w.total(credits); got != total {
			t.Errorf("credits: %s, not %s", got, total)
		}
		if inv.CreditNotes[0].TakenBack.String() != "10" {
			t.Errorf("refunded: %+v", inv.CreditNotes)
		}
		w.prove()
		if found, err := w.Verify(w.ctx, nil); err != nil || found.Violation != nil {
			t.Errorf("%+v, %v", found, err)
		}
	})
}
