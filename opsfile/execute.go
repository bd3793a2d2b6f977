package opsfile

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"creditledger"
	"creditledger/invoice"
)

// Execute carries a request out and returns once it is done and durable. The clock
// is the ledger's manual one; nil when it has another, and then clock requests are
// refused.
func Execute(ctx context.Context, ledger *creditledger.Ledger, clock *Clock, r Request) Answer {
	answer := Answer{Op: r.Op}
	if op, ok := r.Args.(creditledger.Operation); ok {
		answer.Result, answer.Err = do(ctx, ledger, r.Account, op, r.Key)
		return answer
	}
	if op, ok := r.Args.(money); ok {
		var s *invoice.Service
		if s, answer.Err = invoice.Open(ctx, ledger, ""); answer.Err == nil {
			if answer.Locale = s.Locale(); r.Preview {
				s = s.Preview()
			}
			answer.Result, answer.Err = op.run(ctx, s, r.Key)
		}
		return answer
	}
	answer.Result, answer.Err = query(ctx, ledger, clock, r)
	return answer
}

// query carries out a request that writes no operation.
func query(ctx context.Context, l *creditledger.Ledger, clock *Clock, r Request) (any, error) {
	switch args := r.Args.(type) {
	case Seller:
		return args.run(ctx, l)
	case Act:
		return result(invoice.New(l, nil).DoAll(ctx, args.Operations, r.Key))
	case creditledger.Transfer:
		return result(l.Transfer(ctx, args, r.Key))
	case Preview:
		result, err := l.Preview(ctx, r.Account, args.Operation, r.Key)
		return result, inOperation(err)
	case creditledger.BalanceQuery:
		return l.Balance(ctx, r.Account, args)
	case creditledger.BlocksQuery:
		return AllBlocks(ctx, l, r.Account, args)
	case Block:
		b, err := l.Block(ctx, r.Account, args.ID)
		if err != nil {
			return nil, err
		}
		return []creditledger.Block{b}, nil
	case creditledger.EntriesQuery:
		return l.Entries(ctx, r.Account, args)
	case Holds:
		return holdsOf(ctx, l, r.Account, args)
	case Schedules:
		return l.Schedules(ctx, r.Account)
	case Explain:
		return l.Explain(ctx, r.Account, args.Amount, args.Charge)
	case SetClock:
		if clock == nil {
			return nil, invalid("op", "clock is for a manual clock, and this is the real one")
		}
		return nil, clock.Set(args.Now)
	case creditledger.CustomerUpdate:
		return l.PutCustomer(ctx, args)
	case Customers:
		return args.run(ctx, l)
	case BlockAccounts:
		return args.run(ctx, l)
	case Erase:
		return args.run(ctx, l)
	case Settings:
		return args.run(ctx, l)
	case Sweep:
		return args.run(ctx, l, r.Account)
	case Verify:
		if r.Account == (creditledger.AccountID{}) {
			return l.VerifyAll(ctx, nil)
		}
		return l.Verify(ctx, r.Account, nil)
	}
	return nil, invalid("op", "%T is not a request", r.Args)
}

// do carries a writing operation out. A reversal goes through package invoice, because
// what it loses may be owed on an invoice.
func do(ctx context.Context, l *creditledger.Ledger, on creditledger.AccountID, op creditledger.Operation, key creditledger.Key) (any, error) {
	if invoice.Reverses(op) {
		return invoice.New(l, nil).Do(ctx, on, op, key)
	}
	return l.Do(ctx, on, op, key)
}

// result returns an answer, or nil if there is an error.
func result(r *creditledger.Result, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return r, nil
}

// Swept is what a sweep wrote.
type Swept struct {
	creditledger.SweepResult
	PurchasesEnded int `json:"purchases_ended,omitempty"` // unpaid; their invoices are void
}

func (s Sweep) run(ctx context.Context, l *creditledger.Ledger, on creditledger.AccountID) (res Swept, err error) {
	switch {
	case on != (creditledger.AccountID{}):
		res.SweepResult, err = l.SweepAccount(ctx, on)
		return res, err
	case s.Customer != "":
		res.SweepResult, err = l.SweepCustomer(ctx, s.Customer)
	default:
		res.SweepResult, err = l.Sweep(ctx)
	}
	if err == nil {
		res.PurchasesEnded, err = invoice.New(l, nil).Sweep(ctx, s.Customer)
	}
	return res, err
}

// holdsOf lists the open holds, or one in any state.
func holdsOf(ctx context.Context, l *creditledger.Ledger, on creditledger.AccountID, q Holds) ([]creditledger.HoldInfo, error) {
	if q.ID == "" {
		return l.Holds(ctx, on)
	}
	h, err := l.Hold(ctx, on, q.ID)
	if err != nil {
		return nil, err
	}
	return []creditledger.HoldInfo{h}, nil
}

// maxListed bounds the memory of the blocks of one answer, in bytes.
const maxListed = 192 << 20

// AllBlocks returns every block that a query gives, whatever its pages, in drawdown
// order. It refuses more than fit in some 200 MB with a creditledger.ConstraintError.
func AllBlocks(ctx context.Context, l *creditledger.Ledger, on creditledger.AccountID, q creditledger.BlocksQuery) ([]creditledger.Block, error) {
	q.Limit = creditledger.MaxPage
	blocks := []creditledger.Block{}
	for weight := 0; ; {
		page, err := l.Blocks(ctx, on, q)
		if err != nil {
			return nil, err
		}
		if weight += blocksWeight(page.Blocks); weight > maxListed {
			return nil, &creditledger.ConstraintError{Reason: fmt.Sprintf("the account has more than %d blocks, too many for one answer", len(blocks))}
		}
		blocks = append(blocks, page.Blocks...)
		if page.Next == "" {
			slices.SortFunc(blocks, func(a, b creditledger.Block) int {
				return creditledger.DrawdownOrder(&a, &b)
			})
			return blocks, nil
		}
		q.Cursor = page.Next
	}
}

// inOperation changes the field in an error to the name that the line has for it, inside
// the key operation.
func inOperation(err error) error {
	var wrong *creditledger.InvalidError
	if !errors.As(err, &wrong) {
		return err
	}
	return invalid("operation."+wrong.Field, "%s", wrong.Reason)
}
