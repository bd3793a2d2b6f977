package creditledger

import (
	"context"
	"errors"
	"fmt"
)

// Erasure says what Erase is to erase of a customer. The zero value is all that was said
// in all of the customer's accounts.
type Erasure struct {
	Currency string // of one account; empty: of all, or with Entry of the account in DefaultCurrency
	Entry    uint64 // the sequence number of an entry: only what its operation said; 0: everything
	Customer bool   // the name, the e-mail address and the metadata of the customer's record, too
}

// Erased says what Erase did.
type Erased struct {
	Accounts   int    `json:"accounts"`   // in which something was erased
	Operations uint64 `json:"operations"` // that said something
	Blocks     uint64 `json:"blocks"`     // that had metadata
	Customer   bool   `json:"customer"`   // the customer's record was written over
	// Kept is how many operations, recorded in a format older than 3, still say something:
	// it is under their seals. A copy of the ledger has them in format 3, where they can be
	// erased.
	Kept uint64 `json:"kept,omitempty"`
}

// Erase forgets what was said of a customer: descriptions and metadata of operations,
// metadata of blocks, and, where asked, of the customer's record. Ids, amounts, instants
// and keys stay, and so do seals: Verify proves as much as before. Entries read with
// Erased set from then on; a repeated key is answered without the texts, and those of the
// repetition are not compared. Each account's journal notes when, and of how many
// operations. The same erasure again finds nothing to do.
//
// What is large is erased in several commits; if one fails, what came before it stays
// done. Errors: InvalidError; NotFoundError for an entry or a customer's record that is
// not there; ConstraintError for the entry of an operation that was recorded in an older
// format; those of the store; when ctx ends while a commit is under way, an
// OutcomeUnknownError. Erasing again is safe.
// Rule: docs/semantics.md, "Erasure".
func (l *Ledger) Erase(ctx context.Context, customer string, what Erasure) (Erased, error) {
	var done Erased
	err := l.enter()
	if err != nil {
		return done, err
	}
	defer l.leave()
	if err := l.erase(ctx, customer, what, &done); err != nil {
		return done, fmt.Errorf("erase of customer %s: %w", quote(customer), err)
	}
	return done, nil
}

func (l *Ledger) erase(ctx context.Context, customer string, what Erasure, done *Erased) error {
	on := AccountID{Customer: customer, Currency: what.Currency}
	_, err := l.now() // without an instant nothing can be noted
	if err = firstError(ctx.Err(), checkAccount(on.normal()), err); err != nil {
		return err
	}
	if what.Currency != "" || what.Entry != 0 {
		if err := l.eraseIn(ctx, on.normal(), what.Entry, done); err != nil {
			return err
		}
	} else if err := l.eachAccountOf(ctx, customer, func(id AccountID) error { return l.eraseIn(ctx, id, 0, done) }); err != nil {
		return err
	}
	if what.Customer {
		return l.eraseCustomer(ctx, customer, done)
	}
	return nil
}

// eachAccountOf calls f for all of a customer's accounts.
func (l *Ledger) eachAccountOf(ctx context.Context, customer string, f func(AccountID) error) error {
	if err := l.awaitBegun(ctx); err != nil {
		return err
	}
	for after := (AccountID{Customer: customer}); ; {
		page, err := l.store.Accounts(ctx, after, MaxPage)
		if err != nil {
			return err
		}
		for _, id := range page {
			if id.Customer != customer {
				return nil
			}
			if id.Compare(after) <= 0 {
				return standsStill("accounts")
			}
			if err := f(id); err != nil {
				return err
			}
			after = id
		}
		if len(page) < MaxPage {
			return nil
		}
	}
}

// eraseCustomer writes over what a customer's record says of a person.
func (l *Ledger) eraseCustomer(ctx context.Context, id string, done *Erased) error {
	if _, _, err := l.customer(ctx, id); err != nil {
		return err
	}
	none := ""
	u := CustomerUpdate{ID: id, Name: &none, Email: &none, BillingAddress: &none, TaxID: &none, ClearMetadata: true}
	for attempt := 1; ; attempt++ {
		_, err := l.putCustomer(ctx, &u)
		if err == nil {
			done.Customer = true
			return nil
		}
		if !errors.Is(err, ErrConflict) || attempt == maxCustomerRetries {
			return err
		}
	}
}

// eraseIn erases in one account: all that was said up to now, or by the operation of one
// entry.
func (l *Ledger) eraseIn(ctx context.Context, id AccountID, entry uint64, done *Erased) error {
	e := eraser{ledger: l, id: id, next: 1}
	if err := e.begin(ctx, entry); err != nil {
		return err
	}
	before := done.Operations + done.Blocks
	err := l.inPieces(ctx, id, func() (more bool, err error) {
		n, op, err := e.piece(ctx)
		if err == nil {
			done.Operations += op.Operations
			done.Blocks += uint64(len(op.Blocks))
		}
		return n > 0, err
	})
	if err != nil {
		return err
	}
	if done.Operations+done.Blocks > before {
		done.Accounts++
	}
	done.Kept += e.kept
	return nil
}

// inPieces calls piece as long as it says that there is more, and again when it came too
// late.
func (l *Ledger) inPieces(ctx context.Context, id AccountID, piece func() (more bool, err error)) error {
	behind := 0
	for more, attempt := true, 1; more; {
		next, err := piece()
		again, ok := errors.AsType[*redecideError](err)
		if ok {
			err = l.awaitAfresh(ctx, id, again, &behind)
		}
		switch {
		case err == nil && ok:
			continue
		case errors.Is(err, ErrConflict) && attempt < maxAttempts:
			attempt++
			continue
		case err != nil:
			return err
		}
		more, attempt, behind = next, 1, 0
	}
	return nil
}
