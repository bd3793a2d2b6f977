package bolt

import (
	"iter"
	"maps"
	"slices"

	"creditledger"
	"creditledger/store/internal/changes"
)

// tail has what is in the log and not yet in the tables: everything that was committed
// after the log record that the tables are folded up to. It is in memory, so that a
// commit only appends to the log. A crash loses nothing, because the tail can be rebuilt
// from the log.
//
// A view without a tail sees the tables alone. Methods of a nil tail find nothing.
type tail struct {
	folded   uint64 // number of the last log record that the tables include
	tx       uint64 // bbolt's id of the last transaction that changed the tables, in this process
	records  int    // in the log after that
	size     int    // of these records and of what is kept here, in bytes
	acct     uint64 // the highest account number given out
	accounts map[creditledger.AccountID]*tailAccount
}

// tailAccount is one account's part of a tail.
type tailAccount struct {
	accountPos
	made   bool                                // the tables do not know the account
	due    creditledger.Instant                // its instant in the due index; none: it is not there
	first  uint64                              // sequence number of the record at log[0]
	log    []uint64                            // log numbers of its records since the fold, in order
	blocks map[uint64]creditledger.StoredBlock // by number
	ids    map[string]uint64                   // of the blocks made since the fold
	keys   map[creditledger.Key]uint64
	rows   map[changes.RowName]creditledger.StoredRow
}

// accountPos is where an account stands: its internal number, its head, and the log number
// of its last record.
type accountPos struct {
	acct uint64 // 0: never written
	last uint64
	head creditledger.Head
}

func newTail(folded, acct uint64) *tail {
	return &tail{folded: folded, acct: acct, accounts: map[creditledger.AccountID]*tailAccount{}}
}

func (t *tail) account(id creditledger.AccountID) *tailAccount {
	if t == nil {
		return nil
	}
	return t.accounts[id]
}

// of copies the part of one account, for a reader that nobody has to wait for.
func (t *tail) of(id creditledger.AccountID) *tail {
	part := newTail(t.folded, t.acct)
	if a := t.account(id); a != nil {
		c := *a
		c.log, c.blocks, c.ids, c.keys, c.rows = slices.Clone(a.log), maps.Clone(a.blocks), maps.Clone(a.ids), maps.Clone(a.keys), maps.Clone(a.rows)
		part.accounts[id] = &c
	}
	return part
}

// keySeq returns the record that a key stands for, if the tail can tell. It has the keys
// that were used since the fold. For an account that was made since then, these are all
// keys.
func (t *tail) keySeq(id creditledger.AccountID, k creditledger.Key) (seq uint64, known bool) {
	a := t.account(id)
	if a == nil {
		return 0, false
	}
	seq = a.keys[k]
	return seq, seq != 0 || a.made
}

func (a *tailAccount) block(number uint64) (creditledger.StoredBlock, bool) {
	if a == nil {
		return creditledger.StoredBlock{}, false
	}
	b, ok := a.blocks[number]
	return b, ok
}

// numbers returns the numbers of its blocks from a number on, ascending.
func (a *tailAccount) numbers(from uint64) []uint64 {
	if a == nil {
		return nil
	}
	var list []uint64
	for n := range a.blocks {
		if n >= from {
			list = append(list, n)
		}
	}
	slices.Sort(list)
	return list
}

// add adds what a change wrote. at is the position of the account before, and log the
// number of the change's first record. The memory of the change stays the caller's.
func (t *tail) add(c *creditledger.Change, at accountPos, log uint64) {
	a := t.accounts[c.Account]
	if a == nil {
		a = &tailAccount{accountPos: at, made: at.head.Version == 0, due: at.head.NextDue, first: c.Version + 1}
		t.accounts[c.Account] = a
		t.size += accountSize(c.Account)
	}
	a.head, a.acct = c.Head, at.acct
	t.acct = max(t.acct, at.acct)
	for i, r := range c.Journal {
		a.last = log + uint64(i)
		a.log = append(a.log, a.last)
		t.size += recordSize(r)
	}
	t.records += len(c.Journal)
	for i := range c.Blocks {
		b := c.Blocks[i]
		if b.New {
			if a.ids == nil {
				a.ids = map[string]uint64{}
			}
			a.ids[b.ID] = b.Number
		}
		if old, ok := a.blocks[b.Number]; ok {
			b.New = old.New
		} else {
			t.size += blockSize(&b)
		}
		if a.blocks == nil {
			a.blocks = map[uint64]creditledger.StoredBlock{}
		}
		b.Block = copyBlock(b.Block)
		a.blocks[b.Number] = b
	}
	for _, k := range c.Keys {
		if a.keys == nil {
			a.keys = map[creditledger.Key]uint64{}
		}
		a.keys[k.Key] = k.Seq
		t.size += keySize(k)
	}
	for i := range c.Rows {
		r := &c.Rows[i]
		name := changes.NameOf(&r.Row)
		if a.rows == nil {
			a.rows = map[changes.RowName]creditledger.StoredRow{}
		}
		t.size += rowSize(r) - oldRowSize(a.rows, name)
		a.rows[name] = creditledger.StoredRow{Row: changes.CloneRow(r.Row), Open: r.Open}
	}
}

func oldRowSize(rows map[changes.RowName]creditledger.StoredRow, name changes.RowName) int {
	if old, found := rows[name]; found {
		return rowSize(&old)
	}
	return 0
}

// The memory that things take in a tail, in bytes, with their share of maps.

func accountSize(id creditledger.AccountID) int { return 384 + len(id.Customer) + len(id.Currency) }

func recordSize(r creditledger.JournalRecord) int { return 16 + len(r.Bytes) }

func keySize(k creditledger.KeyedRecord) int { return 48 + len(k.Key) }

func rowSize(r *creditledger.StoredRow) int { return 160 + 2*len(r.Key) + len(r.Value) }

func blockSize(b *creditledger.StoredBlock) int {
	size := 512 + 2*len(b.ID) + len(b.InvoiceID) + len(b.ParentID)
	for k, v := range b.Metadata {
		size += 64 + len(k) + len(v)
	}
	for i := range b.Filters {
		size += 32
		for _, v := range b.Filters[i].Values {
			size += 16 + len(v)
		}
	}
	return size
}

// changeSize returns the most that a change adds to a tail.
func changeSize(c *creditledger.Change) int {
	if c.Account == (creditledger.AccountID{}) {
		return 0
	}
	size := accountSize(c.Account)
	for _, r := range c.Journal {
		size += recordSize(r)
	}
	for i := range c.Blocks {
		size += blockSize(&c.Blocks[i])
	}
	for _, k := range c.Keys {
		size += keySize(k)
	}
	for i := range c.Rows {
		size += rowSize(&c.Rows[i])
	}
	return size
}

// full reports whether a commit would make a tail too large.
func (t *tail) full(list []creditledger.Change, records, size int) bool {
	records -= t.records
	size -= t.size
	for i := range list {
		records -= len(list[i].Journal)
		size -= changeSize(&list[i])
	}
	return records < 0 || size < 0
}

// all yields its accounts, in no order; none for a nil tail.
func (t *tail) all() map[creditledger.AccountID]*tailAccount {
	if t == nil {
		return nil
	}
	return t.accounts
}

// sorted lists its accounts in order.
func (t *tail) sorted() []creditledger.AccountID {
	if t == nil {
		return nil
	}
	return slices.SortedFunc(maps.Keys(t.accounts), creditledger.AccountID.Compare)
}

// due returns the accounts of the tail in which something is due, in no order.
func (t *tail) due() iter.Seq[creditledger.DueAccount] {
	return func(yield func(creditledger.DueAccount) bool) {
		if t == nil {
			return
		}
		for id, a := range t.accounts {
			if a.head.NextDue != 0 && !yield(creditledger.DueAccount{At: a.head.NextDue, Account: id}) {
				return
			}
		}
	}
}

// copyBlock copies a block with all that it refers to.
func copyBlock(b creditledger.Block) creditledger.Block {
	b.Metadata = maps.Clone(b.Metadata)
	b.Filters = slices.Clone(b.Filters)
	for i := range b.Filters {
		b.Filters[i].Values = slices.Clone(b.Filters[i].Values)
	}
	return b
}
