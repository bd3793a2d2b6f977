package invoice

import (
	"slices"

	"github.com/cockroachdb/apd/v3"

	"creditledger"
)

// A bill is complete only when it is known what credits pay, and it is written in the
// commit that draws them. So the ledger is asked twice. First it says what it would draw,
// and the bill is made from that. Then it draws, and before anything is written, what it
// drew is compared with the bill.

// maxDraws is how many draws a void can take back in one operation, each by two entries.
const maxDraws = creditledger.MaxEntries / 2

// drawing is what closing a period draws from the ledger.
type drawing struct {
	batch []creditledger.Operation
	steps []drawStep // one for each operation of the batch
}

// drawStep is what one line draws.
type drawStep struct {
	line    int
	entries []creditledger.Entry // as previewed
}

// fillAndDraw completes an invoice with what credits pay of its lines.
func (t *tx) fillAndDraw(inv *Invoice, lines []priced) (*drawing, error) {
	if inv.CreditsPay != CreditsPayTotal {
		d, err := t.draw(inv, lines)
		if err != nil {
			return nil, err
		}
		return d, t.fill(inv, lines)
	}
	if err := t.fill(inv, lines); err != nil {
		return nil, err
	}
	inv.oweTotals(lines)
	d, err := t.drawUnits(inv, lines)
	if err != nil {
		return nil, err
	}
	for i := range lines {
		inv.Lines[i].Drawn = lines[i].drawn
	}
	return d, inOrder(inv.payTotal, inv.addUp)
}

// drawUnits draws for totals, which credits pay in whole minor units. Where credits are short
// of what a line costs, it takes no more of them than pay for whole ones. Then what the lines
// before it leave may be more, and nothing else is short: one more look is enough.
func (t *tx) drawUnits(inv *Invoice, lines []priced) (*drawing, error) {
	for {
		for i := range lines {
			lines[i].drawn = creditledger.Amount{}
		}
		d, err := t.draw(inv, lines)
		if err != nil {
			return nil, err
		}
		short := false
		for i := range lines {
			l := &lines[i]
			if l.in.InAdvance || l.owed.Cmp(decimalOf(l.drawn)) <= 0 {
				continue
			}
			worth, err := inv.minor(decimalOf(l.drawn))
			if err != nil {
				return nil, err
			}
			paid, err := minorMoney(floor(worth), inv.Currency)
			if err != nil {
				return nil, err
			}
			l.owed, short = inv.creditsFor(paid), true
		}
		if !short {
			return d, nil
		}
	}
}

// oweTotals lets credits pay the totals of the lines, tax included.
func (inv *Invoice) oweTotals(lines []priced) {
	for i := range lines {
		lines[i].owed = inv.creditsFor(inv.Lines[i].Total)
	}
}

// creditsFor are the credits that pay an amount: as many as an Amount can tell.
func (inv *Invoice) creditsFor(m Money) *apd.Decimal {
	rate := scaled(decimalOf(inv.rate()), 0)
	if rate.Sign() == 0 {
		return new(apd.Decimal)
	}
	credits := scaled(&m.amount, maxPlaces)
	return apd.NewWithBigInt(new(apd.BigInt).SetMathBigInt(floor(credits.Quo(credits, rate))), -maxPlaces)
}

// draw asks the ledger who would pay for the lines in arrears, line by line, and notes
// it on them: the credits that were there in the last microsecond of the period.
func (t *tx) draw(inv *Invoice, lines []priced) (*drawing, error) {
	on := inv.Period.Account.id()
	var batch creditledger.Batch
	var asking []int // the lines of the batch
	for i := range lines {
		l := &lines[i]
		want, err := cut(l.owed)
		if err != nil {
			return nil, err
		}
		if l.in.InAdvance || want.Sign() <= 0 {
			continue
		}
		asking = append(asking, i)
		batch = append(batch, creditledger.Decrement{
			Amount: want, ItemID: l.in.ItemID, PriceID: l.in.PriceID, InvoiceID: inv.ID, Overdraft: creditledger.OverdraftStopAtZero,
			UsageAt: t.usedBy(inv, l), Description: l.in.Description,
		})
	}
	d, draws := &drawing{}, 0
	if len(batch) == 0 {
		return d, nil
	}
	would, err := t.s.ledger.Preview(t.ctx, on, batch, "")
	if err != nil {
		return nil, err
	}
	for i, r := range would.Results {
		if len(r.Entries) == 0 {
			continue
		}
		l := &lines[asking[i]]
		for _, e := range r.Entries {
			if e.Type != creditledger.EntryDecrement { // what had expired is restored first
				continue
			}
			draws++
			if l.drawn, err = l.drawn.Add(e.Amount); err != nil {
				return nil, err
			}
		}
		d.batch = append(d.batch, batch[i])
		d.steps = append(d.steps, drawStep{line: asking[i], entries: r.Entries})
	}
	if draws > maxDraws {
		return nil, constraint("the period would draw on %d blocks, and %d can be given back at once: close it in parts", draws, maxDraws)
	}
	return d, nil
}

// drew compares what the ledger did with what it said before, and lists it.
func (d *drawing) drew(parts []creditledger.Result) ([]Draw, error) {
	var draws []Draw
	for i, step := range d.steps {
		same := slices.EqualFunc(parts[i].Entries, step.entries, func(a, b creditledger.Entry) bool {
			return a.Block.ID == b.Block.ID && a.Amount.Cmp(b.Amount) == 0
		})
		if !same {
			return nil, errAgain
		}
		for _, e := range parts[i].Entries {
			if e.Type != creditledger.EntryDecrement {
				continue
			}
			draws = append(draws, Draw{Line: step.line, BlockID: e.Block.ID, Amount: e.Amount, EntryID: e.ID})
		}
	}
	return draws, nil
}
