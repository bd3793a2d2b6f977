// Package fakeclock shows how to test a program against a ledger whose clock is set by
// hand: trials that run out, without waiting for them.
package fakeclock

import (
	"context"
	"errors"
	"time"

	"creditledger"
)

// Trials gives trial credits to new customers.
type Trials struct {
	Ledger *creditledger.Ledger
	Clock  func() time.Time // the ledger's own
	Days   int              // how long a trial lasts
}

// Start grants the trial of a customer, once: a customer who has had one already, with
// whatever end, is left alone.
func (t *Trials) Start(ctx context.Context, customer string) error {
	ends := t.Clock().AddDate(0, 0, t.Days)
	_, err := t.Ledger.Do(ctx, creditledger.AccountID{Customer: customer}, creditledger.Increment{
		Amount:    creditledger.AmountOf(1000),
		ExpiresAt: creditledger.At(ends),
	}, "trial")
	if errors.Is(err, creditledger.ErrIdempotencyMismatch) {
		return nil // the key is used: with the end that was given then
	}
	return err
}
