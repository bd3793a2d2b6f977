package creditledger

import (
	"cmp"
	"fmt"
	"slices"
)

// account is the live state of one account: what a decision needs, without the history.
// It knows no clock and no store. It is not safe for concurrent use.
//
// A decision is made in steps: moveTo the instant of the operation, materialise what
// became due, step the operation, apply the change. Until it is recorded, revert can undo
// a change. That is how refused batches and previews leave nothing behind.
type account struct {
	id   AccountID
	head Head // as of the last record

	at    Instant // the instant at which what follows holds; never before head.LastAt
	moved Instant // what follows has held since then: no block became effective or expired in between
	total Amount  // Σ balance of the eligible blocks, and of what holds keep of expired ones
	gross Amount  // Σ |balance| of all blocks and Σ unbacked of all holds; its bound keeps every sum in range

	open     blockList // every open block, in drawdown order
	plain    pool      // eligible unfiltered blocks with a free part
	filtered pools     // eligible filtered blocks with a free part, by their filters
	debts    blockList // eligible negative blocks, oldest first
	taker    *block    // the last eligible block that takes overdraft, in drawdown order
	passed   []passed  // empty blocks that take no overdraft any more, because a block that became eligible does
	waiting  blockList // active but not yet effective, soonest first
	expiring blockList // blocks with a free part that will expire, soonest first
	lapsed   []lapse   // expired since the last record and not yet written down
	settling *settling // blocks that are open for usage that is reported late; nil: none
	holds    *holds    // nil: none

	schedules *schedules // nil: none
	ahead     *ahead     // what is due and not written, while the account is shown with it; else nil

	weight int                    // of the open blocks
	byID   map[string]*block      // index of open, built when first needed
	closed map[string]closedBlock // closed blocks in memory: closed just now, or fetched for an operation
	stored []Instant              // expiries that the operation names, of stored blocks that are not in memory
	taken  map[uint64]takenBack   // what was taken back of decrement entries, by their numbers; kept as closed is
}

// passed is an empty block that takes no overdraft any more, because since the instant at
// another block does. The next change closes it.
type passed struct {
	block *block
	at    Instant
}

type closedBlock struct {
	block *block
	since uint64 // version of the account that closed the block; the store has it from then on
}

func byNumber(a, b *block) int { return cmp.Compare(a.Number, b.Number) }

func byEffective(a, b *block) int {
	return cmp.Or(cmp.Compare(a.EffectiveAt, b.EffectiveAt), cmp.Compare(a.Number, b.Number))
}

func byExpiry(a, b *block) int {
	return cmp.Or(cmp.Compare(a.ExpiresAt, b.ExpiresAt), drawdownOrder(a, b))
}

// newAccount builds the live state from what a store keeps. It returns a CorruptError if
// the blocks break an invariant or do not add up to the stored total.
func newAccount(id AccountID, s *State) (*account, error) {
	kept := make([]block, len(s.Blocks))
	blocks := make([]*block, len(s.Blocks))
	for i := range s.Blocks {
		kept[i] = s.Blocks[i].kept()
		blocks[i] = &kept[i]
	}
	a := &account{id: id, head: s.Head}
	if err := firstError(a.loadHolds(s.Rows, blocks), a.loadSchedules(s.Rows)); err != nil {
		return nil, err
	}
	if err := checkState(id, &s.Head, kept); err != nil {
		return nil, err
	}
	a.open.order, a.debts.order = drawdownOrder, byNumber
	a.plain.blocks.order = drawdownOrder
	a.waiting.order, a.expiring.order = byEffective, byExpiry
	a.open.reset(blocks)
	for _, b := range blocks {
		a.weight += b.weight()
	}
	a.rebuild(a.head.LastAt)
	return a, nil
}

// checkState makes the checks on what is read that checkChange makes on what is written.
func checkState(id AccountID, head *Head, blocks []block) error {
	var total, gross Amount
	var err error
	for i := range blocks {
		b := &blocks[i]
		if err == nil {
			err = checkBlock(b)
		}
		// If a hold lapsed at the last record's instant, what it left may still have to
		// expire.
		if err == nil && b.free().Sign() > 0 && b.Expired(head.LastAt-1) && head.NextDue != head.LastAt {
			err = fmt.Errorf("expired %s, before the last record, and holds %s", b.ExpiresAt, b.Balance)
		}
		if err == nil {
			gross, err = gross.Add(b.Balance.Abs())
		}
		switch {
		case err != nil:
		case b.Eligible(head.LastAt):
			total, err = total.Add(b.Balance)
		case b.isHeld():
			total, err = total.Add(b.rare.held)
		}
		if err != nil {
			return &CorruptError{Where: "block " + quote(b.ID) + " of " + id.String(), Reason: err.Error()}
		}
	}
	if total.Cmp(head.Total) != 0 {
		return &CorruptError{Where: "account " + id.String(), Reason: fmt.Sprintf("eligible blocks hold %s, the head says %s", total, head.Total)}
	}
	return nil
}

// rebuild derives everything that depends on the instant from the open blocks. It is
// called when an account is loaded, and when a clock stepped back.
func (a *account) rebuild(t Instant) {
	a.at, a.moved, a.total, a.gross = a.head.LastAt, a.head.LastAt, Amount{}, Amount{}
	a.plain = pool{blocks: blockList{order: drawdownOrder}}
	a.filtered, a.taker, a.passed, a.lapsed = pools{}, nil, nil, nil
	a.debts.reset(nil)
	a.waiting.reset(nil)
	a.settling.reset()
	a.resetHolds()
	// In most accounts all blocks are in both lists.
	a.plain.blocks.reset(make([]*block, 0, a.open.len()))
	a.expiring.reset(make([]*block, 0, a.open.len()))
	for _, b := range a.open.all() {
		a.gross = mustAmount(a.gross.Add(b.Balance.Abs()))
		a.index(b)
		if b.Expired(a.at) && b.free().Sign() > 0 {
			a.overdue(b)
		}
	}
	a.moveTo(max(t, a.at))
}

// moveTo lets time pass up to t: blocks become effective, and expire, in the order of
// their instants. What expires leaves the totals now, and its entry is written later. An
// account never moves to before its last record.
func (a *account) moveTo(t Instant) {
	if t < a.at {
		if t < max(a.moved, a.head.LastAt) {
			a.rebuild(t)
		} else { // nothing happened since t: two callers read the clock in another order than they came here
			a.at = t
		}
		return
	}
	for {
		wake, due := a.waiting.first(), a.expiring.first()
		if wake != nil && wake.EffectiveAt > t {
			wake = nil
		}
		if due != nil && due.ExpiresAt > t {
			due = nil
		}
		if a.holds != nil && a.passHolds(t, wake, due) {
			continue
		}
		switch {
		case wake == nil && due == nil:
			a.at = t
			return
		case due == nil || (wake != nil && wake.EffectiveAt <= due.ExpiresAt):
			a.waiting.remove(wake)
			a.at, a.moved = wake.EffectiveAt, wake.EffectiveAt
			a.becomeEligible(wake)
		default:
			a.lapse(due)
		}
	}
}

// index puts an open block into the lists and totals that it belongs in at a.at.
func (a *account) index(b *block) {
	if b.ExpiresAt > a.at && b.free().Sign() > 0 {
		a.expiring.insert(b)
	}
	if a.settles(b) {
		a.settle(b)
	}
	if b.isWhole() {
		a.holds.whole.insert(b)
	}
	switch {
	case b.isHeld() && b.Expired(a.at):
		a.total = mustAmount(a.total.Add(b.rare.held))
	case b.Eligible(a.at):
		a.becomeEligible(b)
	case b.wakesAfter(a.at) && a.isOpen(b):
		a.waiting.insert(b)
	}
}

// unindex is the opposite of index. It leaves the taker, which takes overdrafts whatever
// its balance.
func (a *account) unindex(b *block) {
	if b.ExpiresAt > a.at && b.free().Sign() > 0 {
		a.expiring.remove(b)
	}
	if !b.rare.Lapsed.IsZero() {
		a.settling.remove(b)
	}
	if b.isWhole() {
		a.holds.whole.remove(b)
	}
	switch {
	case b.isHeld() && b.Expired(a.at):
		a.total = mustAmount(a.total.Sub(b.rare.held))
	case b.Eligible(a.at):
		a.uncount(b)
	case b.wakesAfter(a.at):
		a.waiting.remove(b)
	}
}

// wakesAfter reports whether b becomes eligible by itself after t.
func (b *block) wakesAfter(t Instant) bool {
	return b.Status == BlockActive && b.EffectiveAt > t && !b.Expired(b.EffectiveAt)
}

// becomeEligible counts a block that is eligible from a.at on.
func (a *account) becomeEligible(b *block) {
	a.count(b)
	if !b.takesOverdraft() || b == a.taker {
		return
	}
	if a.taker == nil || drawdownOrder(a.taker, b) < 0 {
		a.taker, b = b, a.taker
	}
	if b != nil && b.Balance.IsZero() {
		a.passed = append(a.passed, passed{block: b, at: a.at})
	}
}

// count adds an eligible block's balance to the totals.
func (a *account) count(b *block) {
	a.total = mustAmount(a.total.Add(b.Balance))
	switch b.free().Sign() {
	case 1:
		a.poolOf(b).add(b)
	case -1:
		a.debts.insert(b)
	}
}

// uncount is the opposite of count.
func (a *account) uncount(b *block) {
	a.total = mustAmount(a.total.Sub(b.Balance))
	switch b.free().Sign() {
	case 1:
		a.removeFromPool(b)
	case -1:
		a.debts.remove(b)
	}
}

// isOpen reports whether an operation may still find b without naming it: it holds
// something, or may take an overdraft now or once it becomes eligible, or usage that is
// reported late may draw what it lost to its expiry.
func (a *account) isOpen(b *block) bool {
	return !b.Balance.IsZero() || (b.takesOverdraft() && (b == a.taker || !b.Eligible(a.at))) || a.settles(b)
}

// find returns a block in memory by its id; nil if it is not there.
func (a *account) find(id string) *block {
	const fewBlocks = 32
	if c, ok := a.closed[id]; ok {
		return c.block
	}
	if a.byID == nil && a.open.len() <= fewBlocks {
		for _, b := range a.open.all() {
			if b.ID == id {
				return b
			}
		}
		return nil
	}
	if a.byID == nil {
		a.byID = make(map[string]*block, a.open.len())
		for _, b := range a.open.all() {
			a.byID[b.ID] = b
		}
	}
	return a.byID[id]
}

// hasExpiry reports whether a block of the account expires at t, whatever it holds.
func (a *account) hasExpiry(t Instant) bool {
	for _, b := range a.open.all() {
		if b.ExpiresAt == t {
			return true
		}
	}
	for _, c := range a.closed {
		if c.block.ExpiresAt == t {
			return true
		}
	}
	return slices.Contains(a.stored, t)
}

// admit adds a closed block that was fetched from the store.
func (a *account) admit(b Block) {
	kept := b.kept()
	a.keepClosed(&kept, a.head.Version)
}

func (a *account) keepClosed(b *block, since uint64) {
	if a.closed == nil {
		a.closed = map[string]closedBlock{}
	}
	a.closed[b.ID] = closedBlock{block: b, since: since}
}

// forget drops closed blocks that are stored, once the store has reached a version.
func (a *account) forget(durable uint64) {
	if a.closed != nil { // a walk over no map costs, too
		for id, c := range a.closed {
			if c.since <= durable {
				delete(a.closed, id)
			}
		}
		if len(a.closed) == 0 {
			a.closed = nil // an emptied map keeps its memory, and walking it costs as much as before
		}
	}
	a.forgetTaken(durable)
	a.forgetHolds(durable)
	a.forgetSchedules(durable)
}

// addOpen and removeOpen keep open and its index in step.
func (a *account) addOpen(b *block) {
	a.open.insert(b)
	a.weight += b.weight()
	if a.byID != nil {
		a.byID[b.ID] = b
	}
}

func (a *account) removeOpen(b *block) {
	if a.open.remove(b) {
		a.weight -= b.weight()
	}
	delete(a.byID, b.ID)
	if a.open.len() == 0 {
		a.byID = nil
	}
}

// available returns what a charge may spend at a.at.
func (a *account) available(c Charge) Amount { return a.availableAfter(c, Amount{}) }

// availableAfter is available, if an amount was drawn for the same charge already.
func (a *account) availableAfter(c Charge, drawn Amount) Amount {
	var matching Amount
	for p := range a.drawable(c) {
		matching = mustAmount(matching.Add(p.positive))
	}
	return available(a.spendable(), mustAmount(matching.Sub(drawn)))
}

// available returns what a charge may spend. total is the account's total less what is
// held, and matching what is free of the blocks that match the charge. The result is
// never more than total, because of debts on other blocks and of what holds promise.
// Rule: docs/semantics.md, "Decrement".
func available(total, matching Amount) Amount {
	if least := minAmount(total, matching); least.Sign() > 0 {
		return least
	}
	return Amount{}
}

// mustAmount takes the result of arithmetic that cannot leave the range. gross bounds
// every sum of balances, and a change that would bring gross out of range is refused
// before anything is applied.
func mustAmount(a Amount, err error) Amount {
	if err != nil {
		panic("creditledger: balances out of range: " + err.Error())
	}
	return a
}
