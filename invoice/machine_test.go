package invoice

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"creditledger"
	"creditledger/store/memory"
)

// Anything may be asked at any time: it is done or refused, and afterwards every
// invoice adds up and agrees with the ledger.
func TestMachine(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWorld(t, memory.New(), &Options{Tax: FlatTax(amount("19"))})
		w.customer(nil)
		any := func() *Invoice {
			page, err := w.Invoices(w.ctx, ListQuery{Customer: "cus", Limit: 1000})
			if err != nil || len(page.Invoices) == 0 {
				return &Invoice{ID: "none", Currency: "USD"}
			}
			return page.Invoices[rapid.IntRange(0, len(page.Invoices)-1).Draw(rt, "invoice")]
		}
		payment := func(inv *Invoice) string {
			if len(inv.Payments) == 0 {
				return "none"
			}
			return inv.Payments[rapid.IntRange(0, len(inv.Payments)-1).Draw(rt, "payment")].ID
		}
		n := 0
		do := func(call func(key creditledger.Key) error) {
			n++
			w.now = w.now.Add(time.Duration(rapid.IntRange(1, 100).Draw(rt, "hours")) * time.Hour)
			err := call(creditledger.Key(fmt.Sprint("key ", n)))
			if err != nil && !errors.Is(err, creditledger.ErrConstraint) && !errors.Is(err, creditledger.ErrNotFound) && !errors.Is(err, creditledger.ErrInsufficientCredits) {
				rt.Fatalf("step %d: %v", n, err)
			}
		}
		cents := func() Money {
			m, err := MinorMoney(rapid.Int64Range(1, 900).Draw(rt, "cents"), "USD")
			if err != nil {
				rt.Fatal(err)
			}
			return m
		}
		rt.Repeat(map[string]func(*rapid.T){
			"purchase": func(rt *rapid.T) {
				p := sale100()
				p.Increment.BlockID = fmt.Sprint("b", n)
				p.RequirePayment = rapid.Bool().Draw(rt, "require")
				p.MarkAsPaid = rapid.Bool().Draw(rt, "paid")
				p.Increment.Priority = int32(rapid.IntRange(0, 2).Draw(rt, "priority"))
				if rapid.Bool().Draw(rt, "expires") {
					p.Increment.ExpiresAt = creditledger.At(w.now.AddDate(0, 1, 0))
				}
				do(func(k creditledger.Key) error { _, err := w.Purchase(w.ctx, p, k); return err })
			},
			"spend": func(rt *rapid.T) {
				do(func(k creditledger.Key) error {
					op := creditledger.Decrement{Amount: creditledger.AmountOf(rapid.Int64Range(1, 60).Draw(rt, "amount")), Overdraft: creditledger.Overdraft(rapid.IntRange(0, 2).Draw(rt, "overdraft"))}
					_, err := w.ledger.Do(w.ctx, credits, op, k)
					return err
				})
			},
			"close": func(rt *rapid.T) {
				u := january()
				u.End = creditledger.At(w.now.Add(-time.Duration(rapid.IntRange(0, 200).Draw(rt, "ago")) * time.Hour))
				u.Start = creditledger.At(start.AddDate(-1, 0, 0))
				do(func(k creditledger.Key) error { _, err := w.ClosePeriod(w.ctx, u, k); return err })
			},
			"start": func(*rapid.T) {
				do(func(k creditledger.Key) error {
					_, err := w.StartPayment(w.ctx, any().ID, Attempt{Provider: "p", ChargeType: Checkout}, k)
					return err
				})
			},
			"succeed": func(*rapid.T) {
				do(func(k creditledger.Key) error {
					inv := any()
					_, err := w.PaymentSucceeded(w.ctx, inv.ID, payment(inv), k)
					return err
				})
			},
			"fail": func(*rapid.T) {
				do(func(k creditledger.Key) error {
					inv := any()
					_, err := w.PaymentFailed(w.ctx, inv.ID, payment(inv), FailedReason{Code: "x"}, k)
					return err
				})
			},
			"void": func(*rapid.T) {
				do(func(k creditledger.Key) error { _, err := w.Void(w.ctx, any().ID, "", k); return err })
			},
			"note": func(*rapid.T) {
				do(func(k creditledger.Key) error {
					_, err := w.IssueCreditNote(w.ctx, NoteInput{Invoice: any().ID, Amount: cents()}, k)
					return err
				})
			},
			"unnote": func(*rapid.T) {
				do(func(k creditledger.Key) error {
					inv := any()
					if len(inv.CreditNotes) == 0 {
						return nil
					}
					_, err := w.VoidCreditNote(w.ctx, NoteRef{inv.ID, inv.CreditNotes[0].ID}, k)
					return err
				})
			},
			"refund": func(rt *rapid.T) {
				do(func(k creditledger.Key) error {
					b := TakeBack{Invoice: any().ID, Credits: creditledger.AmountOf(rapid.Int64Range(1, 60).Draw(rt, "credits")), PaidBack: rapid.Bool().Draw(rt, "back")}
					_, err := w.Refund(w.ctx, b, k)
					return err
				})
			},
			"balance": func(rt *rapid.T) {
				do(func(k creditledger.Key) error {
					_, err := w.AdjustBalance(w.ctx, BalanceChange{Customer: "cus", Type: rapid.SampledFrom([]MovementType{BalanceIncrement, BalanceDecrement}).Draw(rt, "type"), Amount: cents()}, k)
					return err
				})
			},
			"": func(*rapid.T) { w.prove() },
		})
	})
}
