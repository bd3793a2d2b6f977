package fuzz

import (
	"errors"
	"fmt"
	"math/big"
	"strings"

	cl "creditledger"
	"creditledger/fuzz/model"
)

// The functions here put what the library answered and what the model predicted into
// the same words, so that a difference can be read.

func entryText(e *cl.Entry) string {
	var b strings.Builder
	fmt.Fprintf(&b, "#%d %s %s %s %s→%s %s ", e.Seq, e.CreatedAt, e.Type, e.Amount, e.Starting, e.Ending, e.Status)
	fmt.Fprintf(&b, "block %s/%d until %s cost %q filters %q ", e.Block.ID, e.Block.Number, e.Block.ExpiresAt, e.Block.CostBasis, e.Block.Filters)
	fmt.Fprintf(&b, "key %q note %q %q invoices %q charge %q %q %q ", e.IdempotencyKey, e.Description, e.Metadata, e.CreatedInvoices, e.ItemID, e.PriceID, e.InvoiceID)
	fmt.Fprintf(&b, "new %s %q void %s %q hold %q ", e.NewBlockExpiry, e.NewBlockID, e.VoidAmount, e.VoidReason, e.HoldID)
	fmt.Fprintf(&b, "usage %s reverses %d granted at %q", e.UsageAt, e.Reverses, e.GrantedCostBasis)
	return b.String()
}

func wantedEntry(e *model.Entry, status cl.EntryStatus) string {
	description, metadata := model.Note(e.Op)
	newID := ""
	if e.New != nil {
		newID = e.New.ID
	}
	voided := "0"
	if e.Void != nil {
		voided = model.Text(e.Void)
	}
	k := e.Block
	var b strings.Builder
	fmt.Fprintf(&b, "#%d %s %s %s %s→%s %s ", e.Seq, e.At, e.Type, model.Text(e.Amount), model.Text(e.Starting), model.Text(e.Ending), status)
	fmt.Fprintf(&b, "block %s/%d until %s cost %q filters %q ", k.ID, k.Number, k.ExpiresAt, k.Cost, k.Filters)
	fmt.Fprintf(&b, "key %q note %q %q invoices %q charge %q %q %q ", e.Key, description, metadata, e.Invoices, e.Item, e.Price, e.Invoice)
	fmt.Fprintf(&b, "new %s %q void %s %q hold %q ", e.NewExpiry, newID, voided, e.Reason, e.Hold)
	fmt.Fprintf(&b, "usage %s reverses %d granted at %q", e.UsageAt, e.Reverses, e.GrantedCost)
	return b.String()
}

func blockText(b *cl.Block) string {
	initial, room := b.Initial.String(), b.Capacity.String()
	if b.Overdraft {
		initial, room = "none", "none"
	}
	return fmt.Sprintf("%s/%d made %s from %s until %s active %s (%s) initial %s balance %s room %s cost %q priority %d source %s filters %q invoice %q parent %q %q held %s lapsed %s",
		b.ID, b.Number, b.CreatedAt, b.EffectiveAt, b.ExpiresAt, b.ActivatedAt, b.Status, initial, b.Balance, room, b.CostBasis, b.Priority, b.Source, b.Filters, b.InvoiceID, b.ParentID, b.Metadata, b.Held, b.Lapsed)
}

func wantedBlock(b *model.Block, held *big.Rat) string {
	status := cl.BlockActive
	if b.ActivatedAt == 0 {
		status = cl.BlockPendingPayment
	}
	return fmt.Sprintf("%s/%d made %s from %s until %s active %s (%s) initial %s balance %s room %s cost %q priority %d source %s filters %q invoice %q parent %q %q held %s lapsed %s",
		b.ID, b.Number, b.CreatedAt, b.EffectiveAt, b.ExpiresAt, b.ActivatedAt, status, model.Text(b.Initial), model.Text(b.Balance), model.Text(b.Room()), b.Cost, b.Priority, b.Source, b.Filters, b.InvoiceID, b.ParentID, b.Metadata, model.Text(held), model.Text(b.Lapsed))
}

func resultText(r *cl.Result, batch bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "at %s replayed %v\n", r.At, r.Replayed)
	for i := range r.Entries {
		b.WriteString("  " + entryText(&r.Entries[i]) + "\n")
	}
	if !batch {
		fmt.Fprintf(&b, "  overage %s consumed %s made %q late %v reversed %s lapsed %s lost %s%s%s\n", r.Overage, r.Consumed, r.NewBlockID, r.Late, r.Reversed, r.Lapsed, r.Lost, holdText(r.Hold), scheduleText(r.Schedule))
	}
	for i := range r.Results {
		b.WriteString(resultText(&r.Results[i], false))
	}
	return b.String()
}

func wantedResult(s *model.State, r *model.Result, replayed, batch bool, grace bool) string {
	status := cl.EntryCommitted
	if grace {
		status = cl.EntryPending
	}
	var b strings.Builder
	fmt.Fprintf(&b, "at %s replayed %v\n", r.At, replayed)
	for _, e := range r.Entries {
		b.WriteString("  " + wantedEntry(e, status) + "\n")
	}
	if !batch {
		made := ""
		if r.Made != nil {
			made = r.Made.ID
		}
		fmt.Fprintf(&b, "  overage %s consumed %s made %q late %v reversed %s lapsed %s lost %s%s%s\n", orZero(r.Overage), orZero(r.Consumed), made, r.Late,
			orZero(r.Reversed), orZero(r.Lapsed), orZero(r.Lost), wantedHold(s, r.Hold), wantedPlan(r.Plan))
	}
	for _, p := range r.Parts {
		b.WriteString(wantedResult(s, p, false, false, grace))
	}
	return b.String()
}

func orZero(r *big.Rat) string {
	if r == nil {
		return "0"
	}
	return model.Text(r)
}

// refusal describes an error in the model's words; "" for none.
func refusal(err error) string {
	var (
		invalid      *cl.InvalidError
		mismatch     *cl.IdempotencyMismatchError
		missing      *cl.NotFoundError
		duplicate    *cl.DuplicateError
		insufficient *cl.InsufficientCreditsError
		held         *cl.HeldError
		closed       *cl.HoldStateError
		gone         *cl.ReversalError
	)
	switch {
	case err == nil:
		return ""
	case errors.As(err, &invalid):
		return strings.TrimSpace(model.Invalid + " " + invalid.Field)
	case errors.As(err, &mismatch):
		return model.Mismatch + " " + mismatch.Field
	case errors.As(err, &missing):
		return model.NotFound + " " + missing.ID
	case errors.As(err, &duplicate):
		return model.Duplicate + " " + duplicate.ID
	case errors.As(err, &insufficient):
		return fmt.Sprintf("%s %s of %s", model.Insufficient, insufficient.Requested, insufficient.Available)
	case errors.As(err, &held):
		return model.Constraint + " " + strings.Join(held.Holds, ", ")
	case errors.As(err, &closed):
		return model.Constraint + " " + closed.State.String()
	case errors.As(err, &gone):
		return model.Constraint + " left " + gone.Left.String()
	case errors.Is(err, cl.ErrConstraint):
		return model.Constraint
	}
	return "unexpected error: " + err.Error()
}

// difference shows the lines in which two texts differ.
func difference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	var b strings.Builder
	for i := range max(len(g), len(w)) {
		x, y := "", ""
		if i < len(g) {
			x = g[i]
		}
		if i < len(w) {
			y = w[i]
		}
		if x != y {
			fmt.Fprintf(&b, "\n got %s\nwant %s", x, y)
		}
	}
	return b.String()
}

// shown is an operation that is put into words only when they are printed.
type shown struct{ op cl.Operation }

func (s shown) String() string { return opText(s.op) }

// opText is the text of an operation in a failure.
func opText(op cl.Operation) string {
	if batch, ok := op.(cl.Batch); ok {
		var parts []string
		for _, o := range batch {
			parts = append(parts, opText(o))
		}
		return "batch[" + strings.Join(parts, "; ") + "]"
	}
	if c, is := op.(cl.ChangeSchedule); is {
		return changeText(c)
	}
	return fmt.Sprintf("%T%+v", op, op)
}
