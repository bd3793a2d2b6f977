package creditledger

import "slices"

// stepErase takes the metadata from blocks, and the texts from schedules. What stands beside
// records, whoever writes the change takes away.
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
	for _, id := range op.Schedules { // one that has ended says nothing any more
		if s := a.schedule(id); s != nil && s.next != 0 {
			now := c.editSchedule(s)
			now.description, now.metadata = "", nil
		}
	}
	return nil
}

// erasure is a block that loses its metadata, and what it had.
type erasure struct {
	block *block
	was   *rare
	since uint64 // of a closed block: from which version on the store had it
}

// erase takes a block's metadata from it. A closed one stays at hand until the store has it
// like this.
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

// setRare gives a block what is rare of it.
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
