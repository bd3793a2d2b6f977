package bolt

import (
	"iter"
	"maps"
	"slices"

	"creditledger"
	"creditledger/store/internal/changes"
)

// tail is what was committed and is not in the tables yet. It is kept in memory, so that a
// commit only appends to the log; a crash loses nothing, because the log brings it back.
//
// While one tail is folded, commits go to the next, which has it as its older one. What the
// tables say early of an account in the older tail is the same as what that says.
//
// A view without a tail sees the tables alone. Methods of a nil tail find nothing.
type tail struct {
	folded   uint64 // number of the last log record before those of this tail
	older    *tail  // the tail with those before, nil: the tables have them
	records  int    // in the log after that
	size     int    // of these records and of what is kept here, in bytes
	acct     uint64 // the highest account number given out
	accounts map[creditledger.AccountID]*tailAccount
	early    early
	unwritten
}

// early is how much of a tail the tables have already, when a fold was cut off.
type early struct{ accounts, records uint64 }

// tailAccount is one account's part of a tail.
type tailAccount struct {
	accountPos
	older  *tailAccount                        // its part of the older tail, nil: none
	made   bool                                // nothing before this tail knows the account
	due    creditledger.Instant                // under which the due index has it, none: not
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
	for ; t != nil; t = t.older {
		if a := t.accounts[id]; a != nil {
			return a
		}
	}
	return nil
}

// of copies the part of one account, for a reader that nobody has to wait for.
func (t *tail) of(id creditledger.AccountID) *tail {
	part := newTail(t.folded, t.acct)
	for older := t; older != nil; older = older.older {
		part.early.accounts += older.early.accounts
		part.early.records += older.early.records
	}
	part.unwritten = t.unwritten.rows()
	if t.older != nil {
		part.older = t.older.of(creditledger.AccountID{})
	}
	if a := t.account(id); a != nil {
		part.accounts[id] = a.merged()
	}
	return part
}

// dropOlder forgets the older tail, which is in the tables now.
func (t *tail) dropOlder() {
	t.older = nil
	for _, a := range t.accounts {
		a.older = nil
	}
}

// keySeq returns the record that a key stands for, if the tail can tell: it has the keys
// used since the fold, which are all keys of an account that was made since.
func (t *tail) keySeq(id creditledger.AccountID, k creditledger.Key) (seq uint64, known bool) {
	for a := t.account(id); a != nil; a = a.older {
		if seq = a.keys[k]; seq != 0 || a.made {
			return seq, true
		}
	}
	return 0, false
}

// add adds what a change wrote. at is the position of the account before, and log the
// number of the change's first record. The memory of the change stays the caller's.
func (t *tail) add(c *creditledger.Change, at accountPos, log uint64) {
	a := t.accounts[c.Account]
	if a == nil {
		a = &tailAccount{accountPos: at, older: t.older.account(c.Account), made: at.head.Version == 0, due: at.head.NextDue, first: c.Version + 1}
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

func recordSize(r creditledger.JournalRecord) int { return 160 + len(r.Bytes) + len(r.Texts) }

func keySize(k creditledger.KeyedRecord) int { return 80 + len(k.Key) }

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
	size := 0
	for i := range c.Documents {
		size += documentSize(len(c.Documents[i].Kind)+len(c.Documents[i].Key), len(c.Documents[i].Value))
	}
	if c.Account == (creditledger.AccountID{}) {
		return size
	}
	size += accountSize(c.Account)
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

// end is the log number of its last record.
func (t *tail) end() uint64 { return t.folded + uint64(len(t.log)) }

// nothing reports whether there is nothing to fold.
func (t *tail) nothing() bool {
	return t == nil || t.older == nil && t.records == 0 && len(t.documents)+len(t.again) == 0
}

// all yields its accounts, in no order; none of a nil tail.
func (t *tail) all() iter.Seq2[creditledger.AccountID, *tailAccount] {
	return func(yield func(creditledger.AccountID, *tailAccount) bool) {
		for newer := (*tail)(nil); t != nil; newer, t = t, t.older {
			for id, a := range t.accounts {
				if (newer == nil || newer.accounts[id] == nil) && !yield(id, a) {
					return
				}
			}
		}
	}
}

// made lists the accounts that the tables did not know when it began, in order.
func (t *tail) made() (list []creditledger.AccountID) {
	for id, a := range t.all() {
		if a.oldest().made {
			list = append(list, id)
		}
	}
	slices.SortFunc(list, creditledger.AccountID.Compare)
	return list
}

// due returns the accounts of the tail in which something is due, in no order.
func (t *tail) due() iter.Seq[creditledger.DueAccount] {
	return func(yield func(creditledger.DueAccount) bool) {
		for id, a := range t.all() {
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
