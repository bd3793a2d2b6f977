package memory

import (
	"cmp"
	"slices"

	"creditledger"
	"creditledger/store/internal/changes"
)

// account is all that is stored of one account.
type account struct {
	head    creditledger.Head
	journal journal
	texts   map[uint64][]byte            // of records that have some, by Seq
	blocks  []creditledger.StoredBlock   // by Number
	open    sorted[uint64]               // numbers
	ids     map[string]uint64            // block id to number
	keys    map[creditledger.Key]uint64  // idempotency key to Seq
	expiry  map[creditledger.Instant]int // how many blocks expire at an instant
	rows    *rows                        // nil: none
	room    []byte                       // where the next records' bytes go
}

func newAccount() *account {
	return &account{
		open: sorted[uint64]{compare: cmp.Compare[uint64]},
		ids:  make(map[string]uint64), keys: make(map[creditledger.Key]uint64), expiry: make(map[creditledger.Instant]int),
	}
}

// compare reports whether a is as c was computed from. An account never written is
// nil.
func (a *account) compare(c *creditledger.Change) (same bool, err error) {
	if a == nil {
		a = &account{}
	}
	if !changes.ComputedFrom(c, &a.head) {
		return false, nil
	}
	for _, k := range c.Keys {
		if _, used := a.keys[k.Key]; used {
			return false, nil
		}
	}
	for i := range c.Blocks {
		if _, used := a.ids[c.Blocks[i].ID]; used && c.Blocks[i].New {
			return false, nil
		}
	}
	for i := range c.Blocks {
		b := &c.Blocks[i]
		_, stored := a.find(b.Number)
		if err := changes.CheckNumber(c.Account, b, stored); err != nil {
			return false, err
		}
	}
	return true, nil
}

func (a *account) apply(c *creditledger.Change) {
	a.head = c.Head
	for _, r := range c.Journal {
		a.journal.add(a.keep(r.Bytes))
		a.say(r.Seq, r.Texts)
	}
	for _, t := range c.Texts {
		a.say(t.Seq, t.Texts)
	}
	for _, k := range c.Keys {
		a.keys[k.Key] = k.Seq
	}
	for i := range c.Blocks {
		a.put(&c.Blocks[i])
	}
	for i := range c.Rows {
		if a.rows == nil {
			a.rows = newRows()
		}
		a.rows.put(&c.Rows[i])
	}
}

// say keeps the texts of a record in the place of those that it had.
func (a *account) say(seq uint64, texts []byte) {
	switch {
	case len(texts) == 0:
		delete(a.texts, seq)
	case a.texts == nil:
		a.texts = map[uint64][]byte{seq: slices.Clone(texts)}
	default:
		a.texts[seq] = slices.Clone(texts)
	}
}

// keep copies a record's bytes to where those of many records lie.
func (a *account) keep(b []byte) []byte {
	const most = 4096
	if start := len(a.room); len(b) <= cap(a.room)-start {
		a.room = append(a.room, b...)
		return a.room[start:len(a.room):len(a.room)]
	}
	a.room = append(make([]byte, 0, max(len(b), min(2*cap(a.room), most))), b...)
	return a.room[:len(b):len(b)]
}

func (a *account) put(b *creditledger.StoredBlock) {
	at, found := a.find(b.Number)
	if !found {
		a.blocks = slices.Insert(a.blocks, at, creditledger.StoredBlock{})
		a.ids[b.ID] = b.Number
		a.expiry[b.ExpiresAt]++
	}
	stored := &a.blocks[at]
	if found && stored.ExpiresAt != b.ExpiresAt {
		a.expiry[stored.ExpiresAt]--
		a.expiry[b.ExpiresAt]++
	}
	switch {
	case b.Open && !stored.Open:
		a.open.put(b.Number)
	case stored.Open && !b.Open:
		a.open.remove(b.Number)
	}
	stored.Block, stored.Open = b.Block, b.Open
	changes.Own(&stored.Block)
}

// find returns where the block with that number is, or would be.
func (a *account) find(number uint64) (int, bool) {
	// The ledger numbers blocks without gaps, from 1.
	if n := number - 1; n < uint64(len(a.blocks)) && a.blocks[n].Number == number {
		return int(n), true
	}
	return slices.BinarySearchFunc(a.blocks, number, func(b creditledger.StoredBlock, n uint64) int {
		return cmp.Compare(b.Number, n)
	})
}
