package creditledger

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// Journal returns up to limit (at most MaxPage) sealed records of an account from
// record number from on: what Import takes, byte for byte.
func (l *Ledger) Journal(ctx context.Context, on AccountID, from uint64, limit int) ([]JournalRecord, error) {
	err := l.reading(ctx, &on)
	if err != nil {
		return nil, err
	}
	defer l.leave()
	if limit <= 0 || limit > MaxPage {
		return nil, invalid("limit", "%d is not between 1 and %d", limit, MaxPage)
	}
	return l.store.Journal(ctx, on, from, limit, false)
}

// Import appends records of another ledger's journal to an account, seals and all:
// the way to move a ledger between stores, or to rebuild one from its journal. The
// records must continue where the account's journal ends; each is decided again and
// must come out the same, and all are written in one commit or none. An error names
// the first record that does not fit: a Violation, or a CorruptError if its bytes are
// damaged or of another account.
func (l *Ledger) Import(ctx context.Context, on AccountID, records []JournalRecord) error {
	return l.importAll(ctx, on, records, false)
}

// ImportAnew is Import for a copy in which all texts can be erased. The first record of an
// older format than 3 that says something is written in format 3, and so are those after
// it, as they follow another seal then; each holds the seal of the record that it was made
// from. All other records stay as they are. Verify proves from the record and its texts that
// it was the one with that seal, and takes checkpoints of either ledger. Records to
// continue with come from the same journal as those before.
func (l *Ledger) ImportAnew(ctx context.Context, on AccountID, records []JournalRecord) error {
	return l.importAll(ctx, on, records, true)
}

func (l *Ledger) importAll(ctx context.Context, on AccountID, records []JournalRecord, anew bool) error {
	err := l.reading(ctx, &on)
	if err != nil {
		return err
	}
	defer l.leave()
	if len(records) == 0 {
		return nil
	}
	for attempt := 1; ; attempt++ {
		if err := l.awaitBegunOn(ctx, on); err != nil {
			return fmt.Errorf("import into %s: %w", on, err)
		}
		f, err := l.importOnce(ctx, on, records, anew)
		if err == nil {
			if err = l.commit.await(ctx, f); err != nil {
				err = &OutcomeUnknownError{Err: err}
			} else {
				err = f.err
			}
		}
		if err == nil {
			return nil
		}
		_, behind := errors.AsType[*redecideError](err)
		if !behind && !errors.Is(err, ErrConflict) || attempt == maxAttempts {
			return fmt.Errorf("import into %s: %w", on, err)
		}
	}
}

func (l *Ledger) importOnce(ctx context.Context, on AccountID, records []JournalRecord, anew bool) (*flight, error) {
	s, err := l.acquireToChange(ctx, on)
	if err != nil {
		return nil, err
	}
	defer l.cache.release(s)
	if err := s.load(ctx, l.store, l.cache.locking); err != nil {
		return nil, err
	}
	s.makeRoom(l.expiries, s.account.head.LastAt)
	d := decision{request: &request{account: on}, account: s.account}
	var w *rewriter
	if anew {
		if w, err = l.newRewriter(ctx, s); err != nil {
			return nil, err
		}
	}
	keys := map[Key]bool{}
	s.deciding = true
	for i := 0; i < len(records) && err == nil; i++ {
		record := &records[i]
		if record, err = w.rewrite(s, record); err == nil {
			err = l.importRecord(ctx, s, &d, keys, record)
		}
	}
	s.deciding = false
	if err != nil {
		d.passed = true // between the instants of the records
		d.takeBack()
		return nil, err
	}
	f, _ := l.commit.queue(s, &d.written, d.pieces, false)
	return f, nil
}

func (l *Ledger) importRecord(ctx context.Context, s *slot, d *decision, keys map[Key]bool, stored *JournalRecord) error {
	rec, err := decodeStored(s.id, stored)
	if err != nil {
		return err
	}
	key := rec.indexedKey()
	if key != "" {
		if seq, err := l.store.KeySeq(ctx, s.id, key); err != nil {
			return err
		} else if seq != 0 || s.flightOf(key) != nil || keys[key] {
			return violation(rec, "idempotency", "its key %s is in use", quote(string(key)))
		}
		keys[key] = true
	}
	if err := s.fetch(ctx, l.store, rec.Op); err != nil {
		return err
	}
	if op, ok := rec.Op.(erase); ok {
		if err := l.importErasure(ctx, s.id, d, &op); err != nil {
			return err
		}
	}
	charges, err := s.account.bringCharges(rec, l.importing(ctx, s, d))
	if err != nil {
		return err
	}
	changes, err := replay(s.account, rec, SealOf(stored.Bytes), charges, newChange)
	d.changes = append(d.changes, changes...)
	if err != nil {
		return err
	}
	d.records = append(d.records, sealed{seq: rec.Seq, prev: rec.Prev, key: key, bytes: stored.Bytes, texts: slices.Clone(stored.Texts)})
	return nil
}

// importErasure erases texts that were imported before and that an imported erasure is
// about. An earlier copy may have texts that were erased since.
func (l *Ledger) importErasure(ctx context.Context, on AccountID, d *decision, op *erase) error {
	if op.From == 0 {
		return nil
	}
	err := l.eachRecord(ctx, on, op.From, false, func(rec *OpRecord) (bool, error) {
		if rec.Seq > op.To {
			return false, nil
		}
		if left, n := op.without(rec); n > 0 {
			d.texts = append(d.texts, RecordTexts{Seq: rec.Seq, Texts: left})
		}
		return true, ctx.Err()
	})
	for i := range d.records { // records that are not stored yet
		r := &d.records[i]
		if err != nil || r.seq < op.From || r.seq > op.To || len(r.texts) == 0 {
			continue
		}
		var rec *OpRecord
		if rec, err = decodeStored(on, &JournalRecord{Seq: r.seq, Bytes: r.bytes, Texts: r.texts}); err == nil {
			r.texts, _ = op.without(rec)
		}
	}
	return err
}

// importing reads the history of an account with the records that an import has read so
// far.
func (l *Ledger) importing(ctx context.Context, s *slot, d *decision) history {
	h := l.historyOf(ctx, s.id)
	stored := h.record
	h.record = func(seq uint64) (*OpRecord, error) {
		if len(d.records) > 0 && seq >= d.records[0].seq {
			return decodeStored(s.id, &JournalRecord{Seq: seq, Bytes: d.records[seq-d.records[0].seq].bytes})
		}
		return stored(seq)
	}
	return h
}
