package fuzz

import (
	"context"
	"fmt"
	"math/big"

	cl "creditledger"
	"creditledger/fuzz/model"
)

// Violations reads an account through the ledger and lists every invariant that does
// not hold. It knows nothing of the operations, only what entries and blocks say.
func Violations(ctx context.Context, l *cl.Ledger, on cl.AccountID) []string {
	var x examination
	x.effects = map[uint64]*big.Rat{}
	x.gone = map[uint64]*big.Rat{}
	if err := x.read(ctx, l, on); err != nil {
		return []string{err.Error()}
	}
	x.sequence()
	x.blockSums()
	total := new(big.Rat)
	balance, err := l.Balance(ctx, on, cl.BalanceQuery{})
	x.expect(err == nil, "balance: %v", err)
	listed := map[string]bool{}
	for i := range x.present {
		b := &x.present[i]
		if listed[b.ID] = true; eligible(b, balance.AsOf) {
			total.Add(total, model.Rat(b.Balance))
		}
	}
	for i := range x.open {
		for _, s := range x.open[i].Slices {
			if !listed[s.BlockID] { // the block has expired, so that it is not listed
				total.Add(total, model.Rat(s.Amount))
			}
		}
	}
	x.holds(balance.Held)
	x.expect(model.Text(total) == balance.Total.String(), "the eligible blocks hold %s, the total is %s", model.Text(total), balance.Total)
	return x.found
}

type examination struct {
	entries []cl.Entry
	blocks  []cl.Block // as written
	present []cl.Block // that have not expired, by the clock
	open    []cl.HoldInfo
	effects map[uint64]*big.Rat // of all entries, by block
	gone    map[uint64]*big.Rat // voided and transferred out, by block
	found   []string
}

func (x *examination) expect(ok bool, format string, args ...any) {
	if !ok {
		x.found = append(x.found, fmt.Sprintf(format, args...))
	}
}

func (x *examination) read(ctx context.Context, l *cl.Ledger, on cl.AccountID) error {
	var err error
	if x.entries, err = allEntries(ctx, l, on); err != nil {
		return err
	}
	if x.blocks, err = allBlocks(ctx, l, on, true); err != nil {
		return err
	}
	if x.present, err = allBlocks(ctx, l, on, false); err != nil {
		return err
	}
	x.open, err = l.Holds(ctx, on)
	return err
}

func allEntries(ctx context.Context, l *cl.Ledger, on cl.AccountID) (list []cl.Entry, err error) {
	for q := (cl.EntriesQuery{Ascending: true, Limit: cl.MaxPage}); ; {
		page, err := l.Entries(ctx, on, q)
		if err != nil {
			return nil, err
		}
		list = append(list, page.Entries...)
		if q.Cursor = page.Next; q.Cursor == "" {
			return list, nil
		}
	}
}

func allBlocks(ctx context.Context, l *cl.Ledger, on cl.AccountID, all bool) (list []cl.Block, err error) {
	for q := (cl.BlocksQuery{All: all, Limit: cl.MaxPage}); ; {
		page, err := l.Blocks(ctx, on, q)
		if err != nil {
			return nil, err
		}
		list = append(list, page.Blocks...)
		if q.Cursor = page.Next; q.Cursor == "" {
			return list, nil
		}
	}
}

func eligible(b *cl.Block, at cl.Instant) bool {
	return b.Status == cl.BlockActive && b.EffectiveAt <= at && (b.ExpiresAt == 0 || at < b.ExpiresAt)
}

func add(to map[uint64]*big.Rat, block uint64, amount *big.Rat, sign int64) {
	if to[block] == nil {
		to[block] = new(big.Rat)
	}
	to[block].Add(to[block], new(big.Rat).Mul(amount, big.NewRat(sign, 1)))
}

// sequence proves numbers, times, the step of each entry and the pairs of a void, and
// adds up what the entries did to each block.
func (x *examination) sequence() {
	numbers := map[string]uint64{}
	for i := range x.blocks {
		x.expect(x.blocks[i].Number == uint64(i+1), "block %d has number %d", i+1, x.blocks[i].Number)
		numbers[x.blocks[i].ID] = x.blocks[i].Number
	}
	x.expect(len(numbers) == len(x.blocks), "%d blocks share ids", len(x.blocks)-len(numbers))
	expired := map[uint64]bool{}
	for i := range x.entries {
		e := &x.entries[i]
		x.expect(e.Seq == uint64(i+1), "entry %d has number %d", i+1, e.Seq)
		x.expect(i == 0 || x.entries[i-1].CreatedAt <= e.CreatedAt, "entry %d goes back in time", e.Seq)
		x.expect(e.Amount.Sign() >= 0 && e.VoidAmount.Sign() >= 0, "entry %d has a negative amount", e.Seq)
		amount, n := model.Rat(e.Amount), e.Block.Number
		step := new(big.Rat).Sub(model.Rat(e.Ending), model.Rat(e.Starting))
		pending := step.Sign() == 0
		x.expect(!expired[n] || x.mayFollowExpiry(i), "entry %d touches block %d after its expiry: %s", e.Seq, n, entryText(e))
		switch e.Type {
		case cl.EntryIncrement, cl.EntryAmendment:
			x.expect(pending || step.Cmp(amount) == 0, "entry %d: the total moves by %s, not %s", e.Seq, model.Text(step), e.Amount)
			add(x.effects, n, amount, 1)
		case cl.EntryDecrement, cl.EntryVoid, cl.EntryCreditBlockExpiry:
			fits := step.Cmp(new(big.Rat).Neg(amount)) == 0
			x.expect(fits || pending && (e.Type != cl.EntryDecrement || e.UsageAt != 0 && expired[n]), "entry %d: the total moves by %s, not -%s", e.Seq, model.Text(step), e.Amount)
			add(x.effects, n, amount, -1)
			expired[n] = expired[n] || e.Type == cl.EntryCreditBlockExpiry
		case cl.EntryExpirationChange:
			x.expect(pending, "entry %d moves the total", e.Seq)
			add(x.effects, n, amount, -1)
			add(x.effects, numbers[e.NewBlockID], amount, 1)
			add(x.gone, n, amount, 1)
		case cl.EntryVoidInitiated:
			x.expect(pending, "entry %d moves the total", e.Seq)
			paired := i+1 < len(x.entries) && x.entries[i+1].Type == cl.EntryVoid && x.entries[i+1].Block.Number == n &&
				x.entries[i+1].VoidAmount.Cmp(e.VoidAmount) == 0 && x.entries[i+1].CreatedAt == e.CreatedAt
			x.expect(paired, "entry %d is not followed by its void", e.Seq)
			add(x.gone, n, model.Rat(e.VoidAmount), 1)
		default:
			x.expect(false, "entry %d has type %s", e.Seq, e.Type)
		}
	}
}

// mayFollowExpiry tells what may touch a block after its expiry was written: usage that
// is late, which restores what it draws; what is taken back, which lapses again; a void of
// what lapsed; and what a hold kept of the block until its expiry, which is captured or expires once it is free.
func (x *examination) mayFollowExpiry(i int) bool {
	e := &x.entries[i]
	if e.UsageAt != 0 || e.Reverses != 0 {
		return true
	}
	if e.Type == cl.EntryVoidInitiated || e.Type == cl.EntryVoid { // a void of what lapsed takes nothing from the balance
		return e.Starting.Cmp(e.Ending) == 0 && (e.Type == cl.EntryVoidInitiated || e.Amount.IsZero())
	}
	if before := &x.entries[i-1]; e.Type == cl.EntryCreditBlockExpiry && before.Reverses != 0 && before.Block.Number == e.Block.Number {
		return before.Amount.Cmp(e.Amount) == 0 // not the first entry: there was an expiry
	}
	step := new(big.Rat).Sub(model.Rat(e.Starting), model.Rat(e.Ending))
	kept := e.HoldID != "" && e.Type == cl.EntryDecrement || e.Type == cl.EntryCreditBlockExpiry
	return kept && step.Cmp(model.Rat(e.Amount)) == 0 && x.effects[e.Block.Number].Cmp(step) >= 0
}

// holds proves that the slices of open holds are what blocks and the balance say is held,
// and that no hold keeps or gave more than was set aside.
func (x *examination) holds(held cl.Amount) {
	sum, slices := new(big.Rat), map[string]*big.Rat{}
	for i := range x.open {
		h := &x.open[i]
		own := model.Rat(h.Unbacked)
		for _, s := range h.Slices {
			x.expect(s.Amount.Sign() > 0, "hold %s has a slice of %s", h.ID, s.Amount)
			own.Add(own, model.Rat(s.Amount))
			if slices[s.BlockID] == nil {
				slices[s.BlockID] = new(big.Rat)
			}
			slices[s.BlockID].Add(slices[s.BlockID], model.Rat(s.Amount))
		}
		x.expect(model.Text(own) == h.Held.String(), "hold %s keeps %s, its parts add up to %s", h.ID, h.Held, model.Text(own))
		x.expect(own.Add(own, model.Rat(h.Captured)).Cmp(model.Rat(h.Amount)) <= 0, "hold %s gave or keeps %s of %s", h.ID, model.Text(own), h.Amount)
		sum.Add(sum, model.Rat(h.Held))
	}
	x.expect(model.Text(sum) == held.String(), "the open holds keep %s, the balance says %s", model.Text(sum), held)
	for i := range x.blocks {
		b := &x.blocks[i]
		kept := new(big.Rat)
		if slices[b.ID] != nil {
			kept = slices[b.ID]
		}
		x.expect(model.Text(kept) == b.Held.String(), "holds keep %s of block %s, which says %s", model.Text(kept), b.ID, b.Held)
		x.expect(kept.Sign() == 0 || kept.Cmp(model.Rat(b.Balance)) <= 0, "holds keep %s of block %s, which has %s", model.Text(kept), b.ID, b.Balance)
		delete(slices, b.ID)
	}
	x.expect(len(slices) == 0, "holds keep something of %d blocks that there are not", len(slices))
}

// blockSums proves the balance, the capacity and the bounds of each block.
func (x *examination) blockSums() {
	for i := range x.blocks {
		b := &x.blocks[i]
		add(x.effects, b.Number, new(big.Rat), 1)
		add(x.gone, b.Number, new(big.Rat), 1)
		sum, balance := x.effects[b.Number], model.Rat(b.Balance)
		x.expect(sum.Cmp(balance) == 0, "block %d holds %s, its entries add up to %s", b.Number, b.Balance, model.Text(sum))
		x.expect(balance.Sign() >= 0 || b.ExpiresAt == 0 && len(b.Filters) == 0, "block %d is negative, with an expiry or a filter", b.Number)
		if b.Overdraft {
			x.expect(balance.Sign() <= 0, "overdraft block %d holds %s", b.Number, b.Balance)
			continue
		}
		room := new(big.Rat).Sub(model.Rat(b.Initial), x.gone[b.Number])
		x.expect(model.Text(room) == b.Capacity.String(), "block %d has room for %s, its entries leave %s", b.Number, b.Capacity, model.Text(room))
		x.expect(room.Sign() >= 0 && balance.Cmp(room) <= 0, "block %d holds %s of at most %s", b.Number, b.Balance, model.Text(room))
	}
}
