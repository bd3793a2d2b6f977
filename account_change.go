package creditledger

import (
	"slices"

	"github.com/google/uuid"
)

// change is what one operation does to an account: the lines it writes and the
// blocks it touches, before and after. step computes it without touching the
// account; apply makes it so, revert takes it back.
type change struct {
	lines   []Line
	blocks  []*block // the block of each line
	edits   []edit
	created []*block // an id is empty when the caller asked for none
	hold    *holdChange

	schedules []scheduleEdit
	dates     *scheduleDates // of an operation on a schedule: from the calendar, or from the record that is replayed
	carries   bool           // it carries lapsed credits on into a new period

	rows []StoredRow // after the change

	gross             Amount // Σ |balance| of all blocks after it
	overage, consumed Amount
	materialised      bool // the change writes the entries of lapsed credits
	fell              bool // it belongs to what fell due, not to an operation of a caller
	expires           bool // it has entries of expiries
	forgetful         bool // it replays a record of a format before 3, of which blocks remember nothing
	settlement        Instant
	longest           Instant // how long a hold may last, in microseconds; 0: however long, in a replay

	// Of a reversal: the charge that it takes back (nil: there is none), how much of it,
	// and how much of each entry.
	charge                 *charge
	reversed, lapsed, lost Amount
	taken                  []takenBack
	hadTaken               []takenBack // before the change, as apply found it

	// What apply did, so that revert can undo it.
	closed []*block
	opened []closedBlock
	erased []erasure
	lapses []lapsedHold
	before snapshot

	index map[*block]int // into edits, once a hold touches many
}

func newChange() *change { return new(change) }

// reset empties a change that is no longer needed, so that its memory serves another.
func (c *change) reset() {
	lines, blocks, edits, created := emptied(c.lines), emptied(c.blocks), emptied(c.edits), emptied(c.created)
	schedules, closed, opened, lapses := emptied(c.schedules), emptied(c.closed), emptied(c.opened), emptied(c.lapses)
	*c = change{} // where it stands: a change filled in elsewhere would be copied here
	c.lines, c.blocks, c.edits, c.created = lines, blocks, edits, created
	c.schedules, c.closed, c.opened, c.lapses = schedules, closed, opened, lapses
}

// emptied returns a list without its elements for another use, or nil if it has room for
// more than most uses need.
func emptied[T any](list []T) []T {
	const most = 4096
	if cap(list) > most {
		return nil
	}
	clear(list)
	return list[:0]
}

// spareChanges hands out changes, and uses the memory of earlier ones again.
type spareChanges struct {
	list []*change
	used int // how many of the list are handed out
}

func (s *spareChanges) next() *change {
	if s.used == len(s.list) {
		s.list = append(s.list, newChange())
	}
	s.used++
	return s.list[s.used-1]
}

// takeBack ends the use of all changes that were handed out. It keeps the memory of a
// few.
func (s *spareChanges) takeBack() {
	const few = 16
	s.list = s.list[:min(len(s.list), few)]
	for _, c := range s.list[:min(s.used, few)] {
		c.reset()
	}
	s.used = 0
}

// edit is one existing block before and after.
type edit struct {
	block    *block
	was, now blockState
	heldOnly bool // nothing changes but how much of it is held
	settled  bool // the block was closed, and its window for late usage over
}

// blockState is what can change about a block.
type blockState struct {
	balance, capacity Amount
	status            BlockStatus
	activatedAt       Instant
	rare              *rare
}

// remember changes rare fields. Blocks share them, so it changes a copy.
func (s *blockState) remember(set func(*rare)) {
	r := *s.rare
	set(&r)
	s.rare = r.orNone()
}

// lapse adds to what the block lost to its own expiry. Late usage and voids add a
// negative amount.
func (s *blockState) lapse(amount Amount) {
	s.remember(func(r *rare) { r.Lapsed = mustAmount(r.Lapsed.Add(amount)) })
}

// snapshot has the state that revert cannot work out from the edits.
type snapshot struct {
	head   Head
	gross  Amount
	taker  *block
	passed []passed
	lapsed []lapse
	until  Instant // of what is settled
}

func stateOf(b *block) blockState {
	return blockState{balance: b.Balance, capacity: b.Capacity, status: b.Status, activatedAt: b.ActivatedAt, rare: b.rare}
}

// edit notes a new state for a block; a block has at most one edit in a change.
func (c *change) edit(b *block) *blockState {
	c.edits = append(c.edits, edit{block: b, was: stateOf(b), now: stateOf(b)})
	return &c.edits[len(c.edits)-1].now
}

// line appends an entry on b. The total moves by it if the block counts.
func (c *change) line(l Line, b *block, total *Amount, counts bool) error {
	starting := *total
	if counts {
		var err error
		if *total, err = counted(l.Type, starting, l.Amount); err != nil {
			return err
		}
	}
	c.write(l, b, starting, *total)
	return nil
}

// write appends an entry on b that takes the total from starting to ending.
func (c *change) write(l Line, b *block, starting, ending Amount) {
	l.Block, l.Starting, l.Ending = b.Number, starting, ending
	c.expires = c.expires || l.Type == EntryCreditBlockExpiry
	c.lines = append(c.lines, l)
	c.blocks = append(c.blocks, b)
}

// fits refuses a change after which the balances would add up, in absolute value, to
// more than an amount may be.
func (c *change) fits(a *account) error {
	gross, err := c.grossAfter(a.gross, a.at)
	if err == nil {
		c.gross = gross
	}
	return err
}

// grossAfter is the sum of the absolute balances after a change at an instant.
func (c *change) grossAfter(gross Amount, at Instant) (Amount, error) {
	var err error
	sub := func(x Amount) { gross = mustAmount(gross.Sub(x.Abs())) }
	add := func(x Amount) {
		if err == nil {
			gross, err = gross.Add(x.Abs())
		}
	}
	for i := range c.edits {
		sub(c.edits[i].was.balance)
	}
	// Everything that leaves is subtracted first. Otherwise a hold close to the limit
	// could not be captured.
	was, now := c.hold.unbacked(at)
	sub(was)
	add(now)
	for i := range c.edits {
		add(c.edits[i].now.balance)
	}
	for _, b := range c.created {
		add(b.Balance)
	}
	if err != nil {
		return Amount{}, constraint("the balances of the account's blocks would add up to 10^20 or more")
	}
	return gross, nil
}

// apply makes the change part of the account, at the instant a.at. The created blocks
// have their ids by now.
func (a *account) apply(c *change) {
	was := &c.before
	was.head, was.gross, was.taker, was.passed, was.lapsed, was.until = a.head, a.gross, a.taker, a.passed, a.lapsed, a.settling.settled()
	c.closed, c.opened = c.closed[:0], c.opened[:0]
	// gross is set as a whole, because halfway through the edits it could leave the
	// range: a debt may have grown while the block that pays it still has its balance.
	a.gross = c.gross
	at := a.at
	if c.materialised {
		at = c.lines[len(c.lines)-1].At
	}
	if c.expires {
		a.settleUntil(at - c.settlement)
	}
	if a.holds != nil {
		a.closeLapsed(c, at)
	}
	if c.hold != nil {
		a.applyHold(c)
	}
	if len(c.schedules) > 0 {
		a.applySchedules(c)
	}
	for i := range c.edits {
		e := &c.edits[i]
		if kept, ok := a.closed[e.block.ID]; ok && kept.block == e.block {
			delete(a.closed, e.block.ID)
			a.addOpen(e.block)
			c.opened = append(c.opened, kept)
			e.settled = !e.was.rare.Lapsed.IsZero()
		}
		a.update(e.block, &e.now)
	}
	for _, b := range c.created {
		a.head.Blocks++
		a.addOpen(b)
		a.index(b)
	}
	for i := range c.erased {
		a.erase(&c.erased[i])
	}
	a.head.Entries += uint64(len(c.lines))
	for i := range c.rows {
		if c.rows[i].New {
			a.head.Rows++
		}
	}
	for i := range c.edits {
		a.closeEdited(c, &c.edits[i])
	}
	for _, b := range c.created {
		a.closeIfDone(c, b)
	}
	if c.materialised {
		a.lapsed = after(a.lapsed, len(c.lines))
	}
	if c.carries {
		a.spare(c.blocks[0], c.lines[0].Amount)
	}
	if c.expires {
		a.closeSettled(c)
	}
	a.take(c)
	n := 0
	for ; n < len(a.passed) && a.passed[n].at <= at; n++ {
		a.closeIfDone(c, a.passed[n].block)
	}
	a.passed = after(a.passed, n)
}

// after returns a list without its first n elements. It returns nil if nothing is left,
// so that the list can be freed.
func after[T any](list []T, n int) []T {
	if n == len(list) {
		return nil
	}
	return list[n:]
}

// closeIfDone removes a block from the open ones if an operation can only find it by its
// id.
func (a *account) closeIfDone(c *change, b *block) {
	if !a.isOpen(b) && a.closed[b.ID].block != b {
		a.close(c, b)
	}
}

// closeEdited is closeIfDone for a block that was edited. A void may take what a block
// lost long ago. What is left of that does not keep the block open: no late usage may
// draw on it any more.
func (a *account) closeEdited(c *change, e *edit) {
	if e.settled && e.now.rare.Lapsed.Cmp(e.was.rare.Lapsed) < 0 {
		a.close(c, e.block)
		return
	}
	a.closeIfDone(c, e.block)
}

func (a *account) close(c *change, b *block) {
	a.removeOpen(b)
	a.settling.remove(b)
	a.keepClosed(b, a.head.Version+1)
	c.closed = append(c.closed, b)
}

// revert undoes an applied change. Changes are undone in reverse order.
func (a *account) revert(c *change) {
	a.untake(c)
	if c.expires {
		a.settleUntil(c.before.until)
	}
	for _, b := range slices.Backward(c.closed) { // mostly the first of all, each
		delete(a.closed, b.ID)
		a.addOpen(b)
		if a.settles(b) {
			a.settling.blocks.insert(b)
		}
	}
	for i := range slices.Backward(c.erased) {
		a.restore(&c.erased[i])
	}
	for _, b := range slices.Backward(c.created) {
		a.unindex(b)
		a.removeOpen(b)
	}
	for i := len(c.edits) - 1; i >= 0; i-- {
		e := &c.edits[i]
		a.update(e.block, &e.was)
	}
	for _, was := range c.opened {
		a.removeOpen(was.block)
		a.settling.remove(was.block)
		a.keepClosed(was.block, was.since)
	}
	a.head, a.gross = c.before.head, c.before.gross
	a.revertBeside(c)
	a.taker, a.passed, a.lapsed = c.before.taker, c.before.passed, c.before.lapsed
}

// revertBeside undoes what a change did to holds and to schedules.
func (a *account) revertBeside(c *change) {
	if c.hold != nil {
		a.revertHold(c.hold)
	}
	if a.holds != nil {
		a.reopenLapsed(c)
	}
	if len(c.schedules) > 0 {
		a.revertSchedules(c)
	}
}

// update gives an open block a new state. A block whose balance alone changes keeps its
// place in the lists.
func (a *account) update(b *block, s *blockState) {
	was, now := b.free(), s.free()
	drawn := b.Eligible(a.at) && was.Sign() > 0 && now.Sign() > 0 && s.status == b.Status
	if drawn {
		a.total = mustAmount(mustAmount(a.total.Sub(b.Balance)).Add(s.balance))
		p := a.poolOf(b)
		p.positive = mustAmount(mustAmount(p.positive.Sub(was)).Add(now))
		b.set(s)
		return
	}
	a.unindex(b)
	b.set(s)
	a.index(b)
}

func (b *block) set(s *blockState) {
	b.Balance, b.Capacity, b.Status, b.ActivatedAt, b.rare = s.balance, s.capacity, s.status, s.activatedAt, s.rare
}

// nameSiblings gives an id to each block of a change that has none. It follows from the
// id of the first block, a UUID: the last four bytes, as a big-endian number, are
// combined with the block's place by exclusive or. So a record holds one id, however many
// blocks it makes.
func nameSiblings(created []*block) error {
	for i, b := range created {
		if b.ID != "" {
			continue
		}
		first, err := uuid.Parse(created[0].ID)
		if err != nil {
			return err
		}
		b.ID = numberedID(first, i)
	}
	return nil
}
