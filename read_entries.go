package creditledger

import (
	"context"
	"encoding/binary"
	"slices"
	"sort"
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
}

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
	return nil
}

// bytes is what a cursor is bound to.
func (q *EntriesQuery) bytes(on AccountID) []byte {
	b := blocksQuery(on, "entries")
	b = append(b, byte(q.Type), byte(q.Status))
	if q.Ascending {
		b = append(b, 1)
	}
	for _, i := range []Instant{q.After, q.From, q.Before, q.Until} {
		b = binary.AppendUvarint(b, uint64(i))
	}
	return appendAmount(b, q.MinAmount)
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
// entry, whatever is written meanwhile. Errors: InvalidError for a bound, the limit,
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
	if err := scan.start(ctx); err != nil {
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
	record uint64 // where to begin
	end    uint64 // the account's last record by now; what follows has not happened yet
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
	s.now, s.end = p.at, p.head.Version
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
		s.record = 1
	case s.q.Ascending:
		s.record, err = s.firstAt(ctx, s.q.earliest(), p.head.Version)
	case s.q.latest() == lastInstant:
		s.record = p.head.Version
	default:
		s.record, err = s.firstAt(ctx, s.q.latest()+1, p.head.Version)
		s.record = min(s.record, p.head.Version)
	}
	return err
}

// firstAt finds the first record at or after an instant by bisection: records are
// dense and their instants never decrease.
func (s *entryScan) firstAt(ctx context.Context, at Instant, version uint64) (uint64, error) {
	var failed error
	n := sort.Search(int(version), func(i int) bool {
		if failed != nil {
			return true
		}
		rec, err := s.ledger.record(ctx, s.on, uint64(i)+1)
		if err != nil {
			failed = err
			return true
		}
		return rec.At >= at
	})
	return uint64(n) + 1, failed
}

func (s *entryScan) wants(l *Line) bool {
	return l.At >= s.q.earliest() && l.At <= s.q.latest() &&
		(s.q.Type == 0 || s.q.Type == l.Type) &&
		(s.q.Status == 0 || s.q.Status == statusAt(l.At, s.now, s.ledger.grace)) &&
		l.Amount.Cmp(s.q.MinAmount) >= 0
}

// collect adds the wanted entries of a record to the page; false when the page is full
// or nothing can follow.
func (s *entryScan) collect(ctx context.Context, rec *OpRecord) (bool, error) {
	if err := ctx.Err(); err != nil || rec.Seq > s.end {
		return false, err
	}
	if err := s.ledger.joinBlocks(ctx, rec, s.blocks, s.wants); err != nil {
		return false, err
	}
	entries := s.entriesOf(rec)
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
	if s.q.Ascending {
		return rec.At <= s.q.latest(), nil
	}
	return rec.At >= s.q.earliest(), nil
}

// entriesOf builds the wanted entries of a record, in order.
func (s *entryScan) entriesOf(rec *OpRecord) []Entry {
	var entries []Entry
	var one [1]Operation
	ops := operations(rec.Op, &one)
	b := newEntryBuilder(rec, ops, s.now, s.ledger.grace)
	for i := range rec.Effects {
		e := &rec.Effects[i]
		for j := range e.Lines {
			if !s.wants(&e.Lines[j]) {
				b.n++
				continue
			}
			entries = append(entries, Entry{})
			b.entry(&entries[len(entries)-1], i, e, j, s.blocks[e.Lines[j].Block])
		}
	}
	return entries
}
