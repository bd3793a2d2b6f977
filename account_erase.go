package creditledger

import "slices"

// stepErase removes the metadata of blocks and the texts of schedules. Texts stored
// beside records are removed by whoever writes the change.
func stepErase(a *account, op *erase, c *change) error {
	for i, id := range op.Blocks {
		b := a.find(id)
		switch {
		case b == nil:
			return &NotFoundError{Kind: "block", ID: id}
		case slices.Contains(op.Blocks[:i], id):
			return constraint("block %s is erased twice", quote(id))
		}
		c.erased = append(c.erased, erasure{block: b, was: b.rare})
	}
	for _, id := range op.Schedules { // a schedule that has ended grants nothing, so nothing repeats its texts
		if s := a.schedule(id); s != nil && s.next != 0 {
			now := c.editSchedule(s)
			now.description, now.metadata = "", nil
		}
	}
	return nil
}

// erasure is a block that loses its metadata, with what it had before.
type erasure struct {
	block *block
	was   *rare
	since uint64 // of a closed block: the version from which on the store had it
}

// erase takes a block's metadata from it. A closed block stays in memory until the store
// has it without them.
func (a *account) erase(e *erasure) {
	without := *e.block.rare
	without.Metadata = nil
	a.setRare(e.block, without.orNone())
	if kept := a.closed[e.block.ID]; kept.block == e.block {
		e.since = kept.since
		a.keepClosed(e.block, a.head.Version+1)
	}
}

// restore is the opposite of erase.
func (a *account) restore(e *erasure) {
	a.setRare(e.block, e.was)
	if a.closed[e.block.ID].block == e.block {
		a.keepClosed(e.block, e.since)
	}
}

// setRare sets the rare fields of a block.
func (a *account) setRare(b *block, r *rare) {
	open := a.closed[b.ID].block != b
	if open {
		a.weight -= b.weight()
	}
	b.rare = r
	if open {
		a.weight += b.weight()
	}
}
