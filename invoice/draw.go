package invoice

import (
	"context"
	"slices"

	"creditledger"
)

// The ledger draws from every block that is eligible now; a period may be paid only
// by what was granted before it ended. So the drawing is planned: who pays what is
// worked out from the blocks as they are, the batch asks for exactly that, and before
// it is written its entries are held to the plan. Where later credits stand in front
// of earlier ones, the same batch draws through them and gives them back at once.

// drawPlan is what closing a period asks of the ledger.
type drawPlan struct {
	batch []creditledger.Operation
	steps []drawStep // one for each operation of the batch
	line  [][]creditledger.Amount
}

// drawStep is one operation of the batch: the entries it has to write.
type drawStep struct {
	line  int
	takes []take // of a decrement; nil for what gives back
}

type take struct {
	block  string
	amount creditledger.Amount
	late   bool // given back later in the batch
}

// holding is a block while the plan is made.
type holding struct {
	creditledger.Block
	late bool
}

// drawn is what line i gets paid by credits.
func (p *drawPlan) drawn(i int) (creditledger.Amount, error) {
	var sum creditledger.Amount
	var err error
	for _, a := range p.line[i] {
		if err == nil {
			sum, err = sum.Add(a)
		}
	}
	return sum, err
}

// planDraws works out who pays for the lines in arrears.
func (t *tx) planDraws(on creditledger.AccountID, end creditledger.Instant, lines []priced, invoice string) (*drawPlan, error) {
	p := &drawPlan{line: make([][]creditledger.Amount, len(lines))}
	blocks, err := t.holdings(on, end)
	if err != nil {
		return nil, err
	}
	for i := range lines {
		l := &lines[i]
		if l.in.InAdvance {
			continue
		}
		want, err := cut(l.amount)
		if err != nil {
			return nil, err
		}
		if want.Sign() <= 0 {
			continue
		}
		d := creditledger.Decrement{
			ItemID: l.in.ItemID, PriceID: l.in.PriceID, InvoiceID: invoice, Overdraft: creditledger.StopAtZero, Description: l.in.Description,
		}
		if err := p.draw(blocks, i, want, on.Currency, d); err != nil {
			return nil, err
		}
	}
	if len(p.batch) > creditledger.MaxBatch {
		return nil, constraint("the period needs %d operations on the ledger, more than %d: close it in parts", len(p.batch), creditledger.MaxBatch)
	}
	return p, nil
}

// holdings are the eligible blocks that hold something or owe it, in drawdown order.
func (t *tx) holdings(on creditledger.AccountID, end creditledger.Instant) ([]*holding, error) {
	now, err := t.at(accountOf(on))
	if err != nil {
		return nil, err
	}
	var res []*holding
	q := creditledger.BlocksQuery{Limit: creditledger.MaxPage}
	for {
		page, err := t.s.ledger.Blocks(t.ctx, on, q)
		if err != nil {
			return nil, err
		}
		for _, b := range page.Blocks {
			if !b.Eligible(now) {
				continue
			}
			granted, err := t.granted(t.ctx, on, b)
			if err != nil {
				return nil, err
			}
			res = append(res, &holding{Block: b, late: granted >= end})
		}
		if page.Next == "" {
			return res, nil
		}
		q.Cursor = page.Next
	}
}

// granted is when the credits of a block were granted: when it, or the block an
// expiration change took them from, was made; or when it became effective, if later.
func (t *tx) granted(ctx context.Context, on creditledger.AccountID, b creditledger.Block) (creditledger.Instant, error) {
	for b.ParentID != "" {
		parent, err := t.s.ledger.Block(ctx, on, b.ParentID)
		if err != nil {
			return 0, err
		}
		b = parent
	}
	return max(b.CreatedAt, b.EffectiveAt), nil
}

// draw plans one line: what it takes of the blocks, and what the batch has to ask for.
func (p *drawPlan) draw(blocks []*holding, line int, want creditledger.Amount, currency string, d creditledger.Decrement) error {
	charge := creditledger.Charge{ItemID: d.ItemID, PriceID: d.PriceID, Currency: currency}
	left, err := available(blocks, charge)
	if err != nil {
		return err
	}
	if want.Cmp(left) < 0 {
		left = want
	}
	var takes []take
	var asked creditledger.Amount
	count := 0 // of takes up to the last that pays
	for _, h := range blocks {
		if left.Sign() == 0 {
			break
		}
		if h.Balance.Sign() <= 0 || !h.Matches(charge) {
			continue
		}
		amount := h.Balance
		if !h.late {
			if left.Cmp(amount) < 0 {
				amount = left
			}
			if left, err = left.Sub(amount); err != nil {
				return err
			}
			count = len(takes) + 1
		}
		takes = append(takes, take{block: h.ID, amount: amount, late: h.late})
	}
	takes = takes[:count]
	if len(takes) == 0 {
		return nil
	}
	for _, k := range takes {
		if asked, err = asked.Add(k.amount); err != nil {
			return err
		}
	}
	d.Amount = asked
	if slices.ContainsFunc(takes, func(k take) bool { return k.late }) {
		// The debt that lowers what is available to a charge would stop the drawing
		// through; all that is asked for is there, so no overdraft arises.
		d.Overdraft = creditledger.Allow
	}
	p.batch = append(p.batch, d)
	p.steps = append(p.steps, drawStep{line: line, takes: takes})
	return p.pay(blocks, line, takes, d.Description)
}

// pay notes what was taken, and gives back what later credits lent.
func (p *drawPlan) pay(blocks []*holding, line int, takes []take, description string) error {
	for _, k := range slices.Backward(takes) {
		if k.late {
			p.batch = append(p.batch, creditledger.Amendment{BlockID: k.block, Amount: k.amount, Description: description})
			p.steps = append(p.steps, drawStep{line: line})
			continue
		}
		p.line[line] = append(p.line[line], k.amount)
		i := slices.IndexFunc(blocks, func(h *holding) bool { return h.ID == k.block })
		rest, err := blocks[i].Balance.Sub(k.amount)
		if err != nil {
			return err
		}
		blocks[i].Balance = rest
	}
	return nil
}

// available is what a charge may spend of the earlier credits: no more than the
// account's total, a debt elsewhere counts.
func available(blocks []*holding, charge creditledger.Charge) (creditledger.Amount, error) {
	var positive, total creditledger.Amount
	var err error
	for _, h := range blocks {
		if total, err = total.Add(h.Balance); err != nil {
			return total, err
		}
		if !h.late && h.Balance.Sign() > 0 && h.Matches(charge) {
			if positive, err = positive.Add(h.Balance); err != nil {
				return positive, err
			}
		}
	}
	if total.Cmp(positive) < 0 {
		positive = total
	}
	if positive.Sign() < 0 {
		return creditledger.Amount{}, nil
	}
	return positive, nil
}

// check holds what the ledger did to the plan, and lists it.
func (p *drawPlan) check(parts []creditledger.Result) ([]Draw, error) {
	var draws []Draw
	for i, step := range p.steps {
		if step.takes == nil {
			continue
		}
		if len(parts[i].Entries) != len(step.takes) {
			return nil, errAgain
		}
		for j, k := range step.takes {
			e := &parts[i].Entries[j]
			if e.Block.ID != k.block || e.Amount.Cmp(k.amount) != 0 {
				return nil, errAgain
			}
			if !k.late {
				draws = append(draws, Draw{Line: step.line, BlockID: k.block, Amount: k.amount, EntryID: e.ID})
			}
		}
	}
	return draws, nil
}
