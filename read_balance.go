package creditledger

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// settled runs fn on the account at the present instant and returns when everything
// fn saw is durable: nobody is shown a state that was not committed. If what fn saw
// is thrown away instead, fn runs again.
//
// A flight that was in the air before the call began may have been committed before
// that, and another process may have written since: what fn saw then is looked at again.
func (l *Ledger) settled(ctx context.Context, id AccountID, fn func(s *slot, at Instant) error) error {
	begun := l.commit.sent.Load()
	for {
		f, err := l.look(ctx, id, fn)
		again, ok := errors.AsType[*againError](err)
		if ok {
			f, err = again.flight, again.refusal
		}
		if f == nil {
			return err
		}
		if werr := l.commit.await(ctx, f); werr != nil {
			return werr
		}
		if f.err == nil && f.sent > begun && (again == nil || again.refusal != nil) {
			return err
		}
	}
}

// look runs fn once and returns the flight to wait for.
func (l *Ledger) look(ctx context.Context, id AccountID, fn func(s *slot, at Instant) error) (*flight, error) {
	s, err := l.acquire(ctx, id)
	if err != nil {
		return nil, err
	}
	defer l.cache.release(s)
	if err := s.load(ctx, l.store); err != nil {
		return nil, err
	}
	at, err := l.advance(s.account)
	if err != nil {
		return nil, err
	}
	err = fn(s, at)
	return s.latest(), err
}

// reading counts a read in and checks its account.
func (l *Ledger) reading(ctx context.Context, on *AccountID) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	*on = on.normal()
	if err := checkAccount(*on); err != nil {
		return err
	}
	return l.enter()
}

// BalanceQuery says which balance is wanted.
type BalanceQuery struct {
	At     Instant // none: now; not after now
	Charge Charge  // what Available is for
}

// Balance is what an account holds, in credits.
type Balance struct {
	Total     Amount  // Σ of the eligible blocks; a debt counts
	Available Amount  // what the charge could spend without overdraft
	AsOf      Instant // the instant it holds for
}

// Balance returns an account's balance now, or as a reader was told at a past
// instant. An account never used holds nothing. Errors: InvalidError for an instant
// after now, or a charge that no decrement could ask for.
func (l *Ledger) Balance(ctx context.Context, on AccountID, q BalanceQuery) (Balance, error) {
	err := l.reading(ctx, &on)
	if err != nil {
		return Balance{}, err
	}
	defer l.leave()
	if err := checkCharge(q.Charge); err != nil {
		return Balance{}, err
	}
	q.Charge.Currency = on.Currency
	if q.At != 0 {
		return l.balanceAt(ctx, on, q)
	}
	var res Balance
	err = l.settled(ctx, on, func(s *slot, at Instant) error {
		res = Balance{Total: s.account.total, Available: s.account.available(q.Charge), AsOf: at}
		return nil
	})
	return res, err
}

// present is a copy of what an account is now: the part that reports start from.
type present struct {
	head Head
	at   Instant
	open []Block // drawdown order
}

// present copies the account's open blocks; all other blocks hold nothing.
func (l *Ledger) present(ctx context.Context, id AccountID) (present, error) {
	var p present
	err := l.settled(ctx, id, func(s *slot, at Instant) error {
		p = present{head: s.account.head, at: at, open: make([]Block, 0, s.account.open.len())}
		for _, b := range s.account.open.all() {
			p.open = append(p.open, b.whole())
		}
		return nil
	})
	return p, err
}

// balanceAt goes back from the present: it takes the effects of all later entries
// away again, so its cost follows what happened since, not the whole history.
func (l *Ledger) balanceAt(ctx context.Context, on AccountID, q BalanceQuery) (Balance, error) {
	p, err := l.present(ctx, on)
	switch {
	case err != nil:
		return Balance{}, err
	case !q.At.Valid():
		return Balance{}, invalid("at", "is outside the years 0001 to 9999")
	case q.At > p.at:
		return Balance{}, invalid("at", "%s is after now, %s", q.At, p.at)
	}
	balances := make(map[uint64]Amount, len(p.open))
	blocks := make(map[uint64]Block, len(p.open))
	for _, b := range p.open {
		balances[b.Number], blocks[b.Number] = b.Balance, b
	}
	err = l.eachRecord(ctx, on, p.head.Version, true, func(rec *OpRecord) (bool, error) {
		for _, e := range slices.Backward(rec.Effects) {
			for _, line := range slices.Backward(e.Lines) {
				if line.At <= q.At {
					return false, nil
				}
				if err := line.effect(balances, true); err != nil {
					return false, err
				}
			}
		}
		return rec.At > q.At, nil
	})
	if err != nil {
		return Balance{}, err
	}
	if err := l.addMissing(ctx, on, balances, blocks); err != nil {
		return Balance{}, err
	}
	return balanceOf(balances, blocks, q)
}

// addMissing fetches the blocks that hold something and are not at hand.
func (l *Ledger) addMissing(ctx context.Context, on AccountID, balances map[uint64]Amount, blocks map[uint64]Block) error {
	var missing []uint64
	for n, balance := range balances {
		if _, ok := blocks[n]; !ok && !balance.IsZero() {
			missing = append(missing, n)
		}
	}
	slices.Sort(missing)
	for part := range slices.Chunk(missing, MaxPage) {
		found, err := l.store.BlocksByNumber(ctx, on, part)
		if err != nil {
			return err
		}
		for _, b := range found {
			blocks[b.Number] = b
		}
	}
	return nil
}

// balanceOf adds up what the blocks held at an instant.
func balanceOf(balances map[uint64]Amount, blocks map[uint64]Block, q BalanceQuery) (Balance, error) {
	res := Balance{AsOf: q.At}
	var positive Amount
	for n, b := range blocks {
		balance := balances[n]
		if b.ActivatedAt == 0 || b.ActivatedAt > q.At {
			b.Status = PendingPayment
		} else {
			b.Status = Active
		}
		if balance.IsZero() || !b.Eligible(q.At) {
			continue
		}
		var err error
		if res.Total, err = res.Total.Add(balance); err != nil {
			return Balance{}, err
		}
		if balance.Sign() > 0 && b.Matches(q.Charge) {
			if positive, err = positive.Add(balance); err != nil {
				return Balance{}, err
			}
		}
	}
	if least := minAmount(positive, res.Total); least.Sign() > 0 {
		res.Available = least
	}
	return res, nil
}

// effect adds what a line did to the balances of its blocks; with undo it takes it
// away again. Rule: docs/semantics.md, "Invariants" 1.
func (l *Line) effect(balances map[uint64]Amount, undo bool) error {
	give, take := Amount.Add, Amount.Sub
	if undo {
		give, take = take, give
	}
	var err error
	move := func(block uint64, change func(a, b Amount) (Amount, error)) {
		if err == nil {
			balances[block], err = change(balances[block], l.Amount)
		}
	}
	switch l.Type {
	case EntryIncrement, EntryAmendment:
		move(l.Block, give)
	case EntryDecrement, EntryCreditBlockExpiry, EntryVoid:
		move(l.Block, take)
	case EntryExpirationChange:
		move(l.NewBlock, give)
		move(l.Block, take)
	}
	return err
}

// standsStill is what a store says whose next page is not behind the last one: who
// believed it would read for ever.
func standsStill(where string) error {
	return &CorruptError{Where: where, Reason: "a page does not come behind the one before it"}
}

// eachRecord walks the journal from a record on, page by page, until fn returns false.
func (l *Ledger) eachRecord(ctx context.Context, on AccountID, from uint64, reverse bool, fn func(*OpRecord) (bool, error)) error {
	page := 16
	for {
		records, err := l.store.Journal(ctx, on, from, page, reverse)
		if err != nil {
			return err
		}
		for i := range records {
			rec, err := decodeStored(on, &records[i])
			if err != nil {
				return err
			}
			if more, err := fn(rec); err != nil || !more {
				return err
			}
		}
		if len(records) < page {
			return nil
		}
		last := records[len(records)-1].Seq
		if last < from != reverse && last != from {
			return standsStill("journal of " + on.String())
		}
		switch {
		case !reverse:
			from = last + 1
		case last <= 1:
			return nil
		default:
			from = last - 1
		}
		page = min(page*2, 512)
	}
}

// resultOf rebuilds the result that a recorded operation had, statuses included.
func (l *Ledger) resultOf(ctx context.Context, rec *OpRecord) (*Result, error) {
	blocks := map[uint64]*block{}
	if err := l.joinBlocks(ctx, rec, blocks, nil); err != nil {
		return nil, err
	}
	var one [1]Operation
	ops := operations(rec.Op, &one)
	b := newEntryBuilder(rec, ops, rec.At, l.grace)
	res := &Result{Key: b.key, At: rec.At, Replayed: true}
	if _, ok := rec.Op.(Batch); !ok {
		return res, b.stored(res, 0, blocks)
	}
	res.Results = make([]Result, len(rec.Effects))
	for i := range rec.Effects {
		if err := b.stored(&res.Results[i], i, blocks); err != nil {
			return nil, err
		}
		res.Entries = append(res.Entries, res.Results[i].Entries...)
	}
	return res, nil
}

// stored is part for a record read back.
func (b *entryBuilder) stored(res *Result, i int, blocks map[uint64]*block) error {
	e := &b.rec.Effects[i]
	ofLine := make([]*block, len(e.Lines))
	for j := range e.Lines {
		ofLine[j] = blocks[e.Lines[j].Block]
	}
	b.part(res, i, ofLine)
	var err error
	if res.Overage, res.Consumed, err = derived(b.ops[i], e.Lines); err != nil {
		return &CorruptError{Where: fmt.Sprintf("record %d of %s", b.rec.Seq, b.rec.Account), Reason: err.Error()}
	}
	return nil
}

// derived is what an operation returned beside its entries.
func derived(op Operation, lines []Line) (overage, consumed Amount, err error) {
	switch op := op.(type) {
	case Decrement:
		overage = op.Amount
		for i := range lines {
			if overage, err = overage.Sub(lines[i].Amount); err != nil {
				return Amount{}, Amount{}, err
			}
		}
	case Void:
		if len(lines) == 2 {
			consumed, err = op.Amount.Sub(lines[1].Amount)
		}
	}
	return overage, consumed, err
}

// joinBlocks fetches the blocks of a record's lines that are not in blocks yet; with
// wanted only those of wanted lines.
func (l *Ledger) joinBlocks(ctx context.Context, rec *OpRecord, blocks map[uint64]*block, wanted func(*Line) bool) error {
	var missing []uint64
	for i := range rec.Effects {
		for j := range rec.Effects[i].Lines {
			line := &rec.Effects[i].Lines[j]
			if _, ok := blocks[line.Block]; !ok && (wanted == nil || wanted(line)) {
				blocks[line.Block] = nil
				missing = append(missing, line.Block)
			}
		}
	}
	for part := range slices.Chunk(missing, MaxPage) {
		found, err := l.store.BlocksByNumber(ctx, rec.Account, part)
		if err != nil {
			if isNotFound(err) {
				err = &CorruptError{Where: "blocks of " + rec.Account.String(), Reason: err.Error()}
			}
			return err
		}
		for i := range found {
			kept := found[i].kept()
			blocks[kept.Number] = &kept
		}
	}
	return nil
}

// Block returns one block of the account by its id, as it is written; a
// NotFoundError when the account has none.
func (l *Ledger) Block(ctx context.Context, on AccountID, id string) (Block, error) {
	err := l.reading(ctx, &on)
	if err != nil {
		return Block{}, err
	}
	defer l.leave()
	if err := checkID("block_id", id); err != nil {
		return Block{}, err
	}
	if err := l.settled(ctx, on, func(*slot, Instant) error { return nil }); err != nil {
		return Block{}, err
	}
	return l.store.Block(ctx, on, id)
}

// Accounts returns up to limit accounts (at most MaxPage), ordered by customer and
// currency, after the given one. What was submitted before is waited for.
func (l *Ledger) Accounts(ctx context.Context, after AccountID, limit int) ([]AccountID, error) {
	err := l.enter()
	if err != nil {
		return nil, err
	}
	defer l.leave()
	if limit <= 0 || limit > MaxPage {
		return nil, invalid("limit", "%d is not between 1 and %d", limit, MaxPage)
	}
	if err := l.settle(ctx); err != nil {
		return nil, err
	}
	return l.store.Accounts(ctx, after, limit)
}
