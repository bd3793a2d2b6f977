package bolt

import (
	"maps"
	"slices"

	"creditledger"
	"creditledger/store/internal/changes"
)

// What the tails say of one account: the newer says it before the older. Methods of a nil
// part find nothing.

func (a *tailAccount) block(number uint64) (creditledger.StoredBlock, bool) {
	for ; a != nil; a = a.older {
		if b, ok := a.blocks[number]; ok {
			return b, true
		}
	}
	return creditledger.StoredBlock{}, false
}

// numbers are those of the blocks they hold, from one on, ascending.
func (a *tailAccount) numbers(from uint64) (list []uint64) {
	for ; a != nil; a = a.older {
		for n := range a.blocks {
			if n >= from {
				list = append(list, n)
			}
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// blockNumber is the number of a block made since the fold, 0 if there is none.
func (a *tailAccount) blockNumber(id string) uint64 {
	for ; a != nil; a = a.older {
		if n := a.ids[id]; n != 0 {
			return n
		}
	}
	return 0
}

// expires reports whether a block that it holds expires at an instant.
func (a *tailAccount) expires(at creditledger.Instant) bool {
	for ; a != nil; a = a.older {
		for _, b := range a.blocks {
			if b.ExpiresAt == at {
				return true
			}
		}
	}
	return false
}

// row copies a row.
func (a *tailAccount) row(name changes.RowName) (creditledger.StoredRow, bool) {
	for ; a != nil; a = a.older {
		if r, found := a.rows[name]; found {
			r.Row = changes.CloneRow(r.Row)
			return r, true
		}
	}
	return creditledger.StoredRow{}, false
}

// rowNames are those of the rows behind a name, in order.
func (a *tailAccount) rowNames(after changes.RowName) (names []changes.RowName) {
	for ; a != nil; a = a.older {
		for name := range a.rows {
			if name.Compare(after) > 0 {
				names = append(names, name)
			}
		}
	}
	slices.SortFunc(names, changes.RowName.Compare)
	return slices.Compact(names)
}

// logNumber is the log number of a record since the fold.
func (a *tailAccount) logNumber(seq uint64) (number uint64, found bool) {
	for ; a != nil; a = a.older {
		if seq >= a.first {
			return a.log[seq-a.first], true
		}
	}
	return 0, false
}

// oldest is its part of the oldest tail that has one.
func (a *tailAccount) oldest() *tailAccount {
	for a != nil && a.older != nil {
		a = a.older
	}
	return a
}

// merged copies what all tails say into one part.
func (a *tailAccount) merged() *tailAccount {
	if a.older == nil {
		c := *a
		c.log, c.blocks, c.ids, c.keys, c.rows = slices.Clone(a.log), maps.Clone(a.blocks), maps.Clone(a.ids), maps.Clone(a.keys), maps.Clone(a.rows)
		return &c
	}
	c := a.older.merged()
	c.accountPos = a.accountPos
	c.log = append(c.log, a.log...)
	c.blocks, c.ids, c.keys, c.rows = with(c.blocks, a.blocks), with(c.ids, a.ids), with(c.keys, a.keys), with(c.rows, a.rows)
	return c
}

// rowsToFold is about how many rows of tables its own part is.
func (a *tailAccount) rowsToFold() int {
	return 1 + len(a.log)/indexEvery + 3*len(a.blocks) + len(a.keys) + 2*len(a.rows)
}

func with[K comparable, V any](dst, more map[K]V) map[K]V {
	if dst == nil {
		return maps.Clone(more)
	}
	maps.Copy(dst, more)
	return dst
}
