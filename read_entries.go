package creditledger

import (
	"context"
	"encoding/binary"
	"slices"
)

// EntriesQuery says which entries are wanted. Zero fields do not filter.
type EntriesQuery struct {
	Ascending bool // oldest first; by default newest first
	Limit     int  // 1 to MaxPage; 0: 20
	Cursor    Cursor
	Type      EntryType
	Status    EntryStatus
	After     Instant // created_at > After
	From      Instant // created_at ≥ From
	Before    Instant // created_at < Before
	Until     Instant // created_at ≤ Until
	MinAmount Amount  // amount ≥ MinAmount

	Key       Key    // of the operation, the caller's or the one that the ledger made
	BlockID   string // of the entry's block
	ItemID    string
	InvoiceID string // that was charged for, or created
	FromSeq   uint64 // ledger_sequence_number ≥ FromSeq
	UntilSeq  uint64 // ledger_sequence_number ≤ UntilSeq
}

// MaxRead is how many operations Entries reads for one page, and Blocks how many blocks.
const MaxRead = 10_000

// EntryPage is one page of entries.
type EntryPage struct {
	Entries []Entry `json:"entries"`
	Next    Cursor  `json:"next_cursor"` // empty at the end
}

func (q *EntriesQuery) check() error {
	if q.Limit == 0 {
		q.Limit = 20
	}
	switch {
	case q.Limit < 0 || q.Limit > MaxPage:
		return invalid("limit", "%d is not between 1 and %d", q.Limit, MaxPage)
	case int(q.Type) >= len(entryTypeNames):
		return invalid("entry_type", "is not known")
	case int(q.Status) >= len(entryStatusNames):
		return invalid("entry_status", "is not known")
	case q.MinAmount.Sign() < 0:
		return invalid("minimum_amount", "%s is negative", q.MinAmount)
	case !q.After.Valid() || !q.From.Valid() || !q.Before.Valid() || !q.Until.Valid():
		return invalid("created_at", "is outside the years 0001 to 9999")
	}
	return firstError(
		checkOptionalID("idempotency_key", string(q.Key)), checkOptionalID("block_id", q.BlockID),
		checkOptionalID("item_id", q.ItemID), checkOptionalID("invoice_id", q.InvoiceID),
	)
}

// bytes returns what a cursor is bound to.
func (q *EntriesQuery) bytes(on AccountID) []byte {
	b := blocksQuery(on, "entries")
	b = append(b, byte(q.Type), byte(q.Status))
	if q.Ascending {
		b = append(b, 1)
	}
	for _, i := range []Instant{q.After, q.From, q.Before, q.Until} {
		b = binary.AppendUvarint(b, uint64(i))
	}
	b = appendAmount(b, q.MinAmount)
	if q.Key == "" && q.BlockID == "" && q.ItemID == "" && q.InvoiceID == "" && q.FromSeq == 0 && q.UntilSeq == 0 {
		return b // as in releases without these fields, so that their cursors still work
	}
	for _, text := range []string{string(q.Key), q.BlockID, q.ItemID, q.InvoiceID} {
		b = appendText(b, text)
	}
	return binary.AppendUvarint(binary.AppendUvarint(b, q.FromSeq), q.UntilSeq)
}

// earliest and latest are the bounds of created_at, inclusive.
func (q *EntriesQuery) earliest() Instant {
	if q.After != 0 {
		return max(q.From, q.After+1)
	}
	return q.From
}

func (q *EntriesQuery) latest() Instant {
	last := lastInstant
	if q.Until != 0 {
		last = min(last, q.Until)
	}
	if q.Before != 0 {
		last = min(last, q.Before-1)
	}
	return last
}

// Entries returns a page of the account's ledger. Pages never repeat or skip an
// entry, whatever is written meanwhile. A key, a sequence number and an instant are looked
// up; for all else the history is read, for one page at most MaxRead operations: a page
// that has fewer entries than its limit, or none, is the last only if it has no Next. Errors: InvalidError for a bound, the limit,
// or a cursor that is not of this query.
func (l *Ledger) Entries(ctx context.Context, on AccountID, q EntriesQuery) (EntryPage, error) {
	err := l.reading(ctx, &on)
	if err != nil {
		return EntryPage{}, err
	}
	defer l.leave()
	if err := q.check(); err != nil {
		return EntryPage{}, err
	}
	scan := entryScan{ledger: l, on: on, q: q, query: q.bytes(on), blocks: map[uint64]*block{}}
	if err := scan.start(ctx); err != nil || scan.from > scan.to {
		return EntryPage{}, err
	}
	err = l.eachRecord(ctx, on, scan.record, !q.Ascending, func(rec *OpRecord) (bool, error) {
		return scan.collect(ctx, rec)
	})
	return scan.page, err
}

// entryScan collects one page of entries from the journal.
type entryScan struct {
	ledger *Ledger
	on     AccountID
	q      EntriesQuery
	query  []byte
	now    Instant
	record uint64 // the record to begin with
	from   uint64 // the first record that can hold an entry
	to     uint64 // the last record that can; records behind the account's last at the beginning do not count
	block  uint64 // number of the block that is asked for, 0: any
	read   int    // records looked at
	passed uint64 // sequence number of the last entry of the page before, 0: none
	blocks map[uint64]*block
	page   EntryPage
	last   uint64 // record of the last entry taken
}

// start finds the first record that can hold an entry of the page.
func (s *entryScan) start(ctx context.Context) error {
	p, err := s.ledger.present(ctx, s.on)
	if err != nil {
		return err
	}
	s.now, s.from, s.to = p.at, 1, p.head.Version
	if err := s.narrow(ctx, &p.head); err != nil {
		return err
	}
	if s.q.Cursor != "" {
		position, err := s.q.Cursor.position(s.query)
		if err != nil {
			return err
		}
		record, n := binary.Uvarint(position)
		if n <= 0 {
			return invalid("cursor", "is not one of this ledger's")
		}
		s.record = record
		s.passed, _ = binary.Uvarint(position[n:])
		return nil
	}
	switch {
	case s.q.Ascending && s.q.earliest() == 0:
		s.record = s.from
	case s.q.Ascending:
		s.record, err = s.firstAt(ctx, s.q.earliest(), p.head.Version)
		s.record = max(s.record, s.from)
	case s.q.latest() == lastInstant:
		s.record = s.to
	default:
		s.record, err = s.firstAt(ctx, s.q.latest()+1, p.head.Version)
		s.record = min(s.record, s.to)
	}
	return err
}

// firstAt finds the first record at or after an instant: their instants never decrease.
func (s *entryScan) firstAt(ctx context.Context, at Instant, version uint64) (uint64, error) {
	return s.ledger.firstRecord(ctx, s.on, version, func(rec *OpRecord) bool { return rec.At >= at })
}

func (s *entryScan) wants(l *Line, grace Instant) bool {
	return l.At >= s.q.earliest() && l.At <= s.q.latest() &&
		(s.q.Type == 0 || s.q.Type == l.Type) &&
		(s.block == 0 || s.block == l.Block) &&
		(s.q.Status == 0 || s.q.Status == statusAt(l.At, s.now, grace)) &&
		l.Amount.Cmp(s.q.MinAmount) >= 0
}

// collect adds the wanted entries of a record to the page; false when the page is full
// or nothing can follow.
func (s *entryScan) collect(ctx context.Context, rec *OpRecord) (bool, error) {
	if err := ctx.Err(); err != nil || rec.Seq > s.to || rec.Seq < s.from {
		return false, err
	}
	if s.read++; s.read > MaxRead {
		s.page.Next = newCursor(s.query, binary.AppendUvarint(binary.AppendUvarint(nil, rec.Seq), 0))
		return false, nil
	}
	var one [1]Operation
	ops := operations(rec.Op, &one)
	if !slices.ContainsFunc(ops, s.q.mayConcern) {
		return s.goesOn(rec), nil
	}
	if err := s.ledger.joinBlocks(ctx, rec, s.blocks, func(l *Line) bool { return s.wants(l, rec.Grace) }); err != nil {
		return false, err
	}
	entries := s.entriesOf(rec, ops)
	if !s.q.Ascending {
		slices.Reverse(entries)
	}
	for _, e := range entries {
		if s.passed != 0 && (e.Seq == s.passed || (e.Seq > s.passed) != s.q.Ascending) {
			continue
		}
		if len(s.page.Entries) == s.q.Limit {
			position := binary.AppendUvarint(nil, s.last)
			position = binary.AppendUvarint(position, s.page.Entries[s.q.Limit-1].Seq)
			s.page.Next = newCursor(s.query, position)
			return false, nil
		}
		s.page.Entries = append(s.page.Entries, e)
		s.last = rec.Seq
	}
	return s.goesOn(rec), nil
}

// goesOn reports whether records after this one can hold wanted entries.
func (s *entryScan) goesOn(rec *OpRecord) bool {
	if s.q.Ascending {
		return rec.At <= s.q.latest()
	}
	return rec.At >= s.q.earliest()
}

// entriesOf builds the wanted entries of a record, in order.
func (s *entryScan) entriesOf(rec *OpRecord, ops []Operation) []Entry {
	var entries []Entry
	b := newEntryBuilder(rec, ops, s.now)
	for i := range rec.Effects {
		e := &rec.Effects[i]
		for j := range e.Lines {
			if seq := rec.FirstEntry + uint64(b.n); !s.wants(&e.Lines[j], rec.Grace) || seq < s.q.FromSeq || s.q.UntilSeq != 0 && seq > s.q.UntilSeq {
				b.n++
				continue
			}
			var entry Entry
			b.entry(&entry, i, e, j, s.blocks[e.Lines[j].Block])
			if s.q.concerns(&entry) {
				entries = append(entries, entry)
			}
		}
	}
	return entries
}
