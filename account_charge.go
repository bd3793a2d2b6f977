package creditledger

import (
	"errors"
	"slices"
)

// history reads the charge that an operation takes back.
type history struct {
	record func(seq uint64) (*OpRecord, error)
	blocks func(numbers []uint64) ([]Block, error)
	rows   func(keys []string) ([]Row, error) // of kind RowReversal
}

// bring loads what a record drew: its entries, and the blocks that they drew from.
func (a *account) bring(rec *OpRecord, from history) (*charge, error) {
	own, err := a.ownBlocks(rec.drawnFrom(), from)
	if err != nil {
		return nil, err
	}
	c, err := chargeOf(rec, func(number uint64) (*block, error) { return own[number], nil })
	if err != nil {
		return nil, err
	}
	var keys []string
	for _, d := range c.drawn {
		if _, ok := a.taken[d.entry]; !ok && a.head.Rows > 0 {
			keys = append(keys, reversalKey(d.entry))
		}
	}
	if len(keys) == 0 {
		return c, nil
	}
	rows, err := from.rows(keys)
	for i := 0; i < len(rows) && err == nil; i++ {
		err = a.admitReversal(&rows[i])
	}
	return c, err
}

// drawnFrom lists the numbers of the blocks that a record drew from.
func (r *OpRecord) drawnFrom() []uint64 {
	var numbers []uint64
	seen := map[uint64]bool{}
	for i := range r.Effects {
		for j := range r.Effects[i].Lines {
			if l := &r.Effects[i].Lines[j]; l.Type == EntryDecrement && !seen[l.Block] {
				seen[l.Block] = true
				numbers = append(numbers, l.Block)
			}
		}
	}
	return numbers
}

// ownBlocks returns the account's blocks with some numbers. It loads those that are
// closed.
func (a *account) ownBlocks(numbers []uint64, from history) (map[uint64]*block, error) {
	own := make(map[uint64]*block, len(numbers))
	found, err := from.blocks(numbers)
	if errors.Is(err, ErrNotFound) { // some blocks are as new as their records, and not stored yet
		for _, b := range a.open.all() {
			own[b.Number] = b
		}
		for _, c := range a.closed {
			own[c.block.Number] = c.block
		}
		missing := slices.DeleteFunc(slices.Clone(numbers), func(n uint64) bool { return own[n] != nil })
		found, err = from.blocks(missing)
	}
	if err != nil {
		return nil, err
	}
	for i := range found {
		if a.find(found[i].ID) == nil {
			a.admit(found[i])
		}
		own[found[i].Number] = a.find(found[i].ID)
	}
	return own, nil
}

// bringCharges loads the charges that a record takes back; none if it takes nothing back.
func (a *account) bringCharges(rec *OpRecord, from history) ([]*charge, error) {
	var charges []*charge
	for i := range rec.Effects {
		seq := rec.Effects[i].Charge
		if seq == 0 || seq >= rec.Seq { // a charge of the record itself is there by the time it is taken back
			continue
		}
		charged, err := from.record(seq)
		if err != nil {
			return nil, err
		}
		if charges == nil {
			charges = make([]*charge, len(rec.Effects))
		}
		if charges[i], err = a.bring(charged, from); err != nil {
			return nil, err
		}
	}
	return charges, nil
}
