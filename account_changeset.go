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
	version   uint64 // of the head that the set was computed from
	prev      Seal   // of the same head
	records   []JournalRecord
	keys      []KeyedRecord
	byKey     map[Key]bool  // the same keys
	texts     []RecordTexts // of earlier records, by number
	documents []DocumentPut // each once
	touched   []touchedBlock
	index     map[*block]int // into touched, once there are many
	bytes     []byte         // where those of the last records lie
	expired   int            // how many of its entries fell due
	rows      []StoredRow    // each once
	rowAt     map[rowName]int
	made      uint64 // the number of the first block that it makes; 0: it makes none
}

type touchedBlock struct {
	block *block
	new   bool
}

// add adds what was written to the set. It copies the records.
func (s *changeset) add(w *written) {
	for _, r := range w.records {
		s.records = append(s.records, JournalRecord{Seq: r.seq, Bytes: s.keep(r.bytes), Texts: r.texts})
		if r.key == "" {
			continue
		}
		s.keys = append(s.keys, KeyedRecord{Key: r.key, Seq: r.seq})
		if s.byKey == nil {
			s.byKey = map[Key]bool{}
		}
		s.byKey[r.key] = true
	}
	s.retext(w.texts)
	s.documents = append(s.documents, w.puts...)
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
			s.putRow(&c.rows[i])
		}
	}
}

// retext replaces the texts of earlier records by what an erasure leaves of them. Some of
// these records may be in the set and not stored yet.
func (s *changeset) retext(texts []RecordTexts) {
	for _, t := range texts {
		if t.Seq > s.version {
			s.records[t.Seq-s.version-1].Texts = t.Texts
			continue
		}
		i, found := slices.BinarySearchFunc(s.texts, t.Seq, func(t RecordTexts, seq uint64) int { return cmp.Compare(t.Seq, seq) })
		if !found {
			s.texts = slices.Insert(s.texts, i, t)
		}
		s.texts[i] = t
	}
}

// putRow adds a row, or replaces it if it is in the set.
func (s *changeset) putRow(r *StoredRow) {
	if s.rowAt == nil {
		s.rowAt = map[rowName]int{}
	}
	name := rowName{r.Kind, r.Key}
	if at, found := s.rowAt[name]; found {
		isNew := s.rows[at].New
		s.rows[at] = *r
		s.rows[at].New = isNew
		return
	}
	s.rowAt[name] = len(s.rows)
	s.rows = append(s.rows, *r)
}

// rowName names a row within its account.
type rowName struct {
	kind RowKind
	key  string
}

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
	const few = 16
	if s.index == nil {
		for i := range s.touched {
			if s.touched[i].block == b {
				return
			}
		}
		if len(s.touched) == few {
			s.index = make(map[*block]int, 2*few)
			for i := range s.touched {
				s.index[s.touched[i].block] = i
			}
		}
	} else if _, ok := s.index[b]; ok {
		return
	}
	if s.index != nil {
		s.index[b] = len(s.touched)
	}
	s.touched = append(s.touched, touchedBlock{block: b, new: isNew})
}

// puts reports whether a document of an upper layer is in the set.
func (s *changeset) puts(id DocumentID) bool {
	for i := range s.documents {
		if s.documents[i].DocumentID == id {
			return true
		}
	}
	return false
}

// change is the set as a store takes it. The blocks are copied as they are now, into
// memory.
func (s *changeset) change(a *account, memory *[]StoredBlock) Change {
	c := Change{Account: a.id, Version: s.version, Prev: s.prev, Head: a.head, Journal: s.records, Keys: s.keys, Rows: s.rows, Texts: s.texts, Documents: s.documents}
	first := len(*memory)
	for _, t := range s.touched {
		*memory = append(*memory, StoredBlock{Block: t.block.whole(), Open: a.closed[t.block.ID].block != t.block, New: t.new})
	}
	c.Blocks = (*memory)[first:len(*memory):len(*memory)]
	return c
}
