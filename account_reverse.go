package creditledger

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// A charge is taken back entry by entry, the last drawn first. The journal says what an
// entry drew. How much of that was taken back already is stored under the entry's number.
// So the cost of a reversal depends on the entries that it touches alone, and it never
// gives back more than was drawn, whatever room the blocks have. Rule: docs/semantics.md,
// "Reverse".

// charge is an operation that drew credits.
type charge struct {
	record uint64
	key    Key     // the caller's, or the generated one
	drawn  []drawn // by its decrement entries, in order
}

// drawn is what one decrement entry drew.
type drawn struct {
	entry  uint64 // its sequence number
	block  *block // the account's own
	amount Amount
}

// takenBack is how much of a decrement entry was taken back.
type takenBack struct {
	entry  uint64
	amount Amount
	since  uint64 // version of the account that took it back; the store has it from then on
}

// chargeOf returns what a record drew. It finds the block of each entry by its number.
func chargeOf(rec *OpRecord, blockOf func(number uint64) (*block, error)) (*charge, error) {
	c := &charge{record: rec.Seq, key: rec.indexedKey()}
	if c.key == "" {
		c.key = rec.ownKey()
	}
	entry := rec.FirstEntry
	for i := range rec.Effects {
		for j := range rec.Effects[i].Lines {
			if l := &rec.Effects[i].Lines[j]; l.Type == EntryDecrement {
				b, err := blockOf(l.Block)
				if err != nil {
					return nil, err
				}
				if b == nil {
					return nil, &CorruptError{Where: fmt.Sprintf("record %d of %s", rec.Seq, rec.Account), Reason: fmt.Sprintf("it drew from block number %d, which there is not", l.Block)}
				}
				c.drawn = append(c.drawn, drawn{entry: entry, block: b, amount: l.Amount})
			}
			entry++
		}
	}
	return c, nil
}

// chargeIn returns what the first operations of a record drew, while that record is being
// decided.
func chargeIn(changes []*change, record, entry uint64) *charge {
	c := &charge{record: record}
	for _, done := range changes {
		for j := range done.lines {
			if done.lines[j].Type == EntryDecrement {
				c.drawn = append(c.drawn, drawn{entry: entry, block: done.blocks[j], amount: done.lines[j].Amount})
			}
			entry++
		}
	}
	return c
}

// of returns the entries that a reversal is about, the last drawn first. entries is how
// many the account has by now.
func (c *charge) of(op *Reverse, entries uint64) ([]drawn, error) {
	if op.Entry == 0 {
		if c == nil || c.key != op.Charge || len(c.drawn) == 0 {
			return nil, &NotFoundError{Kind: "charge", ID: string(op.Charge)}
		}
		list := slices.Clone(c.drawn)
		slices.Reverse(list)
		return list, nil
	}
	if op.Entry > entries {
		return nil, &NotFoundError{Kind: "entry", ID: fmt.Sprint(op.Entry)}
	}
	if c != nil {
		for _, d := range c.drawn {
			if d.entry == op.Entry {
				return []drawn{d}, nil
			}
		}
	}
	return nil, constraint("entry %d is no decrement: there is nothing to take back", op.Entry)
}

// stepReverse gives back to the blocks what a charge drew from them.
func stepReverse(a *account, op *Reverse, c *change) error {
	list, err := c.charge.of(op, a.head.Entries)
	if err != nil {
		return err
	}
	left, beyond := Amount{}, false
	for _, d := range list {
		sum, err := left.Add(a.leftOf(d))
		if err != nil {
			beyond, sum = true, largestAmount
		}
		left = sum
	}
	rest := op.Amount
	if rest.IsZero() {
		if beyond { // no answer could say how much that was
			return constraint("more is left than an amount can say: take the charge back in parts, or by its entries")
		}
		rest = left
	}
	if left.IsZero() || rest.Cmp(left) > 0 {
		return &ReversalError{Requested: op.Amount, Left: left}
	}
	r := reversal{account: a, change: c, metadata: op.Metadata, total: a.total, edits: map[*block]int{}}
	for _, d := range list {
		if rest.IsZero() {
			break
		}
		back := minAmount(rest, a.leftOf(d))
		if back.IsZero() {
			continue
		}
		rest = mustAmount(rest.Sub(back))
		if err := r.takeBack(d, back); err != nil {
			return err
		}
		if len(c.lines) > MaxEntries {
			return &LimitError{Entries: len(c.lines)}
		}
	}
	return nil
}

// leftOf returns how much of what an entry drew was not taken back yet.
func (a *account) leftOf(d drawn) Amount {
	return mustAmount(d.amount.Sub(a.taken[d.entry].amount))
}

// reversal is the state of a reversal that is being decided. Several entries may have
// drawn from one block.
type reversal struct {
	account  *account
	change   *change
	metadata map[string]string
	total    Amount
	edits    map[*block]int // into the edits of the change
}

// state returns the state of a block as the reversal leaves it so far.
func (r *reversal) state(b *block) blockState {
	if i, ok := r.edits[b]; ok {
		return r.change.edits[i].now
	}
	return stateOf(b)
}

// edit returns the state of a block, for the caller to change.
func (r *reversal) edit(b *block) *blockState {
	i, ok := r.edits[b]
	if !ok {
		i = len(r.change.edits)
		r.edits[b] = i
		return r.change.edit(b)
	}
	return &r.change.edits[i].now
}

// takeBack takes back an amount of what one entry drew. The block gets what it has room
// for. What later grants have repaid of the block's debt becomes a new block. The rest is
// lost.
func (r *reversal) takeBack(d drawn, amount Amount) error {
	c, was := r.change, r.account.taken[d.entry].amount
	taken := takenBack{entry: d.entry, amount: mustAmount(was.Add(amount))}
	c.taken = append(c.taken, taken)
	c.rows = append(c.rows, StoredRow{Row: taken.row(), New: was.IsZero()})
	c.reversed = mustAmount(c.reversed.Add(amount))
	back, err := r.giveBack(d, amount)
	if err != nil {
		return err
	}
	rest := mustAmount(amount.Sub(back))
	again, err := r.grantAgain(d, rest)
	if err != nil {
		return err
	}
	c.lost = mustAmount(c.lost.Add(mustAmount(rest.Sub(again))))
	return nil
}

// giveBack gives the block an amount back. If the block has expired, the amount expires
// again.
func (r *reversal) giveBack(d drawn, amount Amount) (Amount, error) {
	b := d.block
	room := r.room(b)
	if room.Sign() <= 0 {
		return Amount{}, nil
	}
	back := minAmount(amount, room)
	line := Line{Type: EntryAmendment, At: r.account.at, Amount: back, Reverses: d.entry}
	if !b.Expired(r.account.at) {
		now := r.edit(b)
		now.balance = mustAmount(now.balance.Add(back))
		return back, r.change.line(line, b, &r.total, b.Eligible(r.account.at))
	}
	r.edit(b).lapse(back)
	r.change.write(line, b, r.total, r.total)
	return back, r.expire(b, back)
}

// room returns what a block can take: its capacity, less its balance and what it lost. A
// block that was made for a debt takes no more than pays the debt. If the room is beyond
// the largest amount, it is the largest amount: that happens only with a debt, and leaves
// room for anything.
func (r *reversal) room(b *block) Amount {
	now := r.state(b)
	if b.Overdraft {
		return now.balance.Neg()
	}
	return mustAmount(addCapped(now.capacity, now.balance.Neg()).Sub(now.rare.Lapsed))
}

// grantAgain makes a new block of what later grants have repaid of a block's debt, on the
// terms of the last of these grants. If that grant has expired by now, so has the new
// block.
func (r *reversal) grantAgain(d drawn, amount Amount) (Amount, error) {
	a, c := r.account, r.change
	terms := r.state(d.block).rare.Refill
	if terms == nil || amount.IsZero() {
		return Amount{}, nil
	}
	back := minAmount(amount, terms.Repaid)
	r.edit(d.block).repaid(back)
	b := &block{
		Number: a.head.Blocks + uint64(len(c.created)) + 1, CreatedAt: a.at, EffectiveAt: terms.EffectiveAt, ExpiresAt: terms.ExpiresAt,
		ActivatedAt: a.at, Initial: back, Balance: back, Capacity: back, CostBasis: terms.CostBasis, Priority: terms.Priority, Source: terms.Source,
	}
	more := rare{ParentID: d.block.ID, Metadata: r.metadata}
	expired := b.Expired(a.at)
	if expired {
		b.Balance, more.Lapsed = Amount{}, back
	}
	b.rare = more.orNone()
	c.created = append(c.created, b)
	line := Line{Type: EntryIncrement, At: a.at, Amount: back, Reverses: d.entry}
	if !expired {
		return back, c.line(line, b, &r.total, b.Eligible(a.at))
	}
	c.write(line, b, r.total, r.total)
	return back, r.expire(b, back)
}

// expire writes the expiry of what came back to an expired block.
func (r *reversal) expire(b *block, amount Amount) error {
	r.change.lapsed = mustAmount(r.change.lapsed.Add(amount))
	return r.change.line(Line{Type: EntryCreditBlockExpiry, At: r.account.at, Amount: amount}, b, &r.total, false)
}

// refill notes how much of the block's debt a grant repaid, and the grant's terms.
func (s *blockState) refill(amount Amount, grant *block) {
	s.remember(func(r *rare) {
		terms := Refill{
			Repaid: amount, EffectiveAt: grant.EffectiveAt, ExpiresAt: grant.ExpiresAt,
			CostBasis: grant.CostBasis, Priority: grant.Priority, Source: grant.Source,
		}
		if r.Refill != nil {
			terms.Repaid = addCapped(r.Refill.Repaid, amount)
		}
		r.Refill = &terms
	})
}

// repaid takes an amount off what grants have repaid of the block's debt.
func (s *blockState) repaid(amount Amount) {
	s.remember(func(r *rare) {
		terms := *r.Refill
		terms.Repaid = mustAmount(terms.Repaid.Sub(amount))
		if r.Refill = &terms; terms.Repaid.IsZero() {
			r.Refill = nil
		}
	})
}

// take notes what a change took back of decrement entries. untake undoes that.
func (a *account) take(c *change) {
	if len(c.taken) == 0 {
		return
	}
	if a.taken == nil {
		a.taken = map[uint64]takenBack{}
	}
	c.hadTaken = c.hadTaken[:0]
	for _, t := range c.taken {
		c.hadTaken = append(c.hadTaken, a.taken[t.entry])
		t.since = a.head.Version + 1
		a.taken[t.entry] = t
	}
}

// reversalKey returns the key of the row of an entry that was taken back.
func reversalKey(entry uint64) string { return string(binary.BigEndian.AppendUint64(nil, entry)) }

// row returns the form that a store keeps.
func (t *takenBack) row() Row {
	return Row{Kind: RowReversal, Key: reversalKey(t.entry), Value: appendAmount([]byte{reversalFormat}, t.amount)}
}

const reversalFormat = 1

// admitReversal loads what a store keeps of an entry that was taken back.
func (a *account) admitReversal(row *Row) error {
	r := reader{data: row.Value}
	r.version(reversalFormat, reversalFormat)
	t := takenBack{amount: r.amount(), since: a.head.Version}
	if len(row.Key) != 8 || t.amount.Sign() <= 0 {
		r.fail("it is about no entry")
	} else {
		t.entry = binary.BigEndian.Uint64([]byte(row.Key))
	}
	if err := r.finish(fmt.Sprintf("what was taken back of entry %d of %s", t.entry, a.id)); err != nil {
		return err
	}
	if a.taken == nil {
		a.taken = map[uint64]takenBack{}
	}
	a.taken[t.entry] = t
	return nil
}

func (a *account) untake(c *change) {
	for i, was := range c.hadTaken {
		if was.entry == 0 {
			delete(a.taken, c.taken[i].entry)
		} else {
			a.taken[was.entry] = was
		}
	}
}

// forgetTaken drops the notes that are stored, once the store has reached a version.
func (a *account) forgetTaken(durable uint64) {
	if a.taken == nil {
		return
	}
	for entry, t := range a.taken {
		if t.since <= durable {
			delete(a.taken, entry)
		}
	}
	if len(a.taken) == 0 {
		a.taken = nil
	}
}
