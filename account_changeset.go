package creditledger

import (
	"cmp"
	"slices"
)

// sealed is a record ready to be stored.
type sealed struct {
	seq   uint64
	prev  Seal // of the record before
	key   Key  // the caller's, if any
	bytes []byte
	texts []byte // beside it
}

// written is what was decided or replayed on an account: changes that are applied, and
// the records that say so.
type written struct {
	changes []*change // in order
	records []sealed
	texts   []RecordTexts // the texts of earlier records that an erasure leaves
	puts    []DocumentPut // of the upper layer
}

// changeset collects what one commit writes on one account.
type changeset struct {
	version uint64 // of the head that the set was computed from
	prev    Seal   // of the same head
	records []JournalRecord
	touched []touchedBlock
	bytes   []byte  // where those of the last records lie
	expired int     // how many of its entries fell due
	made    uint64  // the number of the first block that it makes; 0: it makes none
	beside  *beside // nil: nothing
}

// beside is what few changesets have beside records and blocks, behind a pointer: a flight
// is made for nearly every operation.
type beside struct {
	keys      []KeyedRecord
	byKey     map[Key]bool    // the same keys, once there are many
	texts     []RecordTexts   // of earlier records, by number
	documents []DocumentPut   // each once
	rows      []StoredRow     // each once
	rowAt     map[rowName]int // into rows, once there are many
	index     map[*block]bool // those touched, once there are many
	one       [1]KeyedRecord  // memory for keys
}

// manyBeside is from how many on a list is looked up in a map.
const manyBeside = 16

type touchedBlock struct {
	block *block
	new   bool
}

// add adds what was written to the set. It copies the records.
func (s *changeset) add(w *written) {
	for i := range w.records {
		r := &w.records[i]
		s.records = append(s.records, JournalRecord{Seq: r.seq, Bytes: s.keep(r.bytes), Texts: r.texts})
		if r.key != "" {
			s.more().putKey(KeyedRecord{Key: r.key, Seq: r.seq})
		}
	}
	if len(w.texts) > 0 {
		s.retext(w.texts)
	}
	if len(w.puts) > 0 {
		b := s.more()
		b.documents = append(b.documents, w.puts...)
	}
	for _, c := range w.changes {
		if c.fell {
			s.expired += len(c.lines)
		}
		for _, b := range c.created {
			if s.made == 0 {
				s.made = b.Number
			}
			s.touch(b, true)
		}
		for i := range c.edits {
			if !c.edits[i].heldOnly {
				s.touch(c.edits[i].block, false)
			}
		}
		for _, b := range c.closed {
			s.touch(b, false)
		}
		for i := range c.erased {
			s.touch(c.erased[i].block, false)
		}
		for i := range c.rows {
			s.more().putRow(&c.rows[i])
		}
	}
}

// more is what the set has beside records and blocks, to be added to.
func (s *changeset) more() *beside {
	if s.beside == nil {
		s.beside = new(beside)
		s.beside.keys = s.beside.one[:0]
	}
	return s.beside
}

// retext replaces the texts of earlier records by what an erasure leaves of them. Some of
// these records may be in the set and not stored yet.
func (s *changeset) retext(texts []RecordTexts) {
	b := s.more()
	for _, t := range texts {
		if t.Seq > s.version {
			s.records[t.Seq-s.version-1].Texts = t.Texts
			continue
		}
		i, found := slices.BinarySearchFunc(b.texts, t.Seq, func(t RecordTexts, seq uint64) int { return cmp.Compare(t.Seq, seq) })
		if !found {
			b.texts = slices.Insert(b.texts, i, t)
		}
		b.texts[i] = t
	}
}

func (b *beside) putKey(k KeyedRecord) {
	b.keys = append(b.keys, k)
	switch {
	case b.byKey != nil:
		b.byKey[k.Key] = true
	case len(b.keys) == manyBeside:
		b.byKey = make(map[Key]bool, 2*manyBeside)
		for i := range b.keys {
			b.byKey[b.keys[i].Key] = true
		}
	}
}

// hasKey reports whether an operation in the set has a key.
func (b *beside) hasKey(key Key) bool {
	switch {
	case b == nil:
		return false
	case b.byKey != nil:
		return b.byKey[key]
	}
	return slices.ContainsFunc(b.keys, func(k KeyedRecord) bool { return k.Key == key })
}

// putRow adds a row, or replaces it if it is in the set.
func (b *beside) putRow(r *StoredRow) {
	name := nameOfRow(r)
	if at := b.findRow(name); at >= 0 {
		isNew := b.rows[at].New
		b.rows[at] = *r
		b.rows[at].New = isNew
		return
	}
	b.rows = append(b.rows, *r)
	switch {
	case b.rowAt != nil:
		b.rowAt[name] = len(b.rows) - 1
	case len(b.rows) == manyBeside:
		b.rowAt = make(map[rowName]int, 2*manyBeside)
		for i := range b.rows {
			b.rowAt[nameOfRow(&b.rows[i])] = i
		}
	}
}

// findRow returns where a row is, or -1.
func (b *beside) findRow(name rowName) int {
	if b.rowAt == nil {
		return slices.IndexFunc(b.rows, func(r StoredRow) bool { return nameOfRow(&r) == name })
	}
	if at, found := b.rowAt[name]; found {
		return at
	}
	return -1
}

// rowName names a row within its account.
type rowName struct {
	kind RowKind
	key  string
}

func nameOfRow(r *StoredRow) rowName { return rowName{r.Kind, r.Key} }

// before reports whether it comes before another in the order of a store's rows.
func (n rowName) before(other rowName) bool {
	return n.kind < other.kind || n.kind == other.kind && n.key < other.key
}

// keep copies a record's bytes into memory that several records share.
func (s *changeset) keep(b []byte) []byte {
	const most = 64 << 10
	if len(b) > cap(s.bytes)-len(s.bytes) {
		s.bytes = make([]byte, 0, max(len(b), min(2*cap(s.bytes), most)))
	}
	start := len(s.bytes)
	s.bytes = append(s.bytes, b...)
	return s.bytes[start:len(s.bytes):len(s.bytes)]
}

func (s *changeset) touch(b *block, isNew bool) {
	if s.touches(b) {
		return
	}
	s.touched = append(s.touched, touchedBlock{block: b, new: isNew})
	if len(s.touched) < manyBeside {
		return
	}
	more := s.more()
	if more.index == nil {
		more.index = make(map[*block]bool, 2*manyBeside)
		for i := range s.touched {
			more.index[s.touched[i].block] = true
		}
	}
	more.index[b] = true
}

// touches reports whether a block is among those that the set touches.
func (s *changeset) touches(b *block) bool {
	if s.beside != nil && s.beside.index != nil {
		return s.beside.index[b]
	}
	for i := range s.touched {
		if s.touched[i].block == b {
			return true
		}
	}
	return false
}

// puts reports whether a document of an upper layer is in the set.
func (b *beside) puts(id DocumentID) bool {
	return b != nil && slices.ContainsFunc(b.documents, func(p DocumentPut) bool { return p.DocumentID == id })
}

// changesTexts reports whether the texts of earlier records change.
func (b *beside) changesTexts() bool { return b != nil && len(b.texts) > 0 }

// documentPuts are those of upper layers.
func (b *beside) documentPuts() []DocumentPut {
	if b == nil {
		return nil
	}
	return b.documents
}

// change is the set as a store takes it. The blocks are copied as they are now, into
// memory.
func (s *changeset) change(c *Change, a *account, memory *[]StoredBlock) {
	c.Account, c.Version, c.Prev, c.Head, c.Journal = a.id, s.version, s.prev, a.head, s.records
	if b := s.beside; b != nil {
		c.Keys, c.Rows, c.Texts, c.Documents = b.keys, b.rows, b.texts, b.documents
	}
	first := len(*memory)
	for _, t := range s.touched {
		*memory = append(*memory, StoredBlock{Open: a.closed[t.block.ID].block != t.block, New: t.new})
		t.block.fill(&(*memory)[len(*memory)-1].Block)
	}
	c.Blocks = (*memory)[first:len(*memory):len(*memory)]
}
