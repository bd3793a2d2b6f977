package creditledger

import "slices"

// stepErase takes the metadata from blocks. What stands beside records, whoever writes the
// change takes away.
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
	return nil
}

// erasure is a block that loses its metadata, and what it had.
type erasure struct {
	block *block
	was   *rare
}

// erase takes a block's metadata from it.
func (a *account) erase(b *block) {
	without := *b.rare
	without.Metadata = nil
	a.setRare(b, without.orNone())
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
