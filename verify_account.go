package creditledger

import (
	"cmp"
	"context"
	"fmt"
	"math"
)

// verifier replays one account and compares it with the store, in several snapshots. All
// but the last only read a part of the journal, which never changes. The last one reads
// the rest of the journal and compares everything that does change.
type verifier struct {
	ledger   *Ledger
	id       AccountID
	listed   bool
	progress *progress
	since    map[uint64]Seal // checkpoints by version

	replay  *account          // the replay so far; it keeps all closed blocks
	blocks  []*block          // every block, by number less one
	sums    map[uint64]Amount // Σ of the entries' effects on each block, apart from the replay
	keys    keySum            // sum of the records' idempotency keys
	texts   textProof
	rows    map[rowName]*StoredRow
	acts    []uint64 // records of acts whose other parts have not been compared yet
	reading uint64   // the record being read
	records uint64   // replayed

	// Memory that each record and each block reuses.
	rec              OpRecord
	changes          spareChanges
	stored, replayed []byte // a block's two forms, for comparing
}

func newVerifier(r *verification, on AccountID, listed bool) *verifier {
	v := &verifier{ledger: r.ledger, id: on, listed: listed, progress: r.progress, sums: map[uint64]Amount{}, since: map[uint64]Seal{}}
	for _, c := range r.since[on] {
		v.since[c.Version] = c.Seal
	}
	v.replay = newReplayed(on)
	return v
}

// newReplayed is an account before its first record.
func newReplayed(on AccountID) *account {
	a, err := newAccount(on, &State{})
	if err != nil { // unreachable: an empty state breaks no rule
		panic("creditledger: " + err.Error())
	}
	return a
}

// verifyPage is how many journal records are read at once.
const verifyPage = 512

// snapshotRecords is how many are read in one snapshot. A variable for tests.
var snapshotRecords = 1 << 15

// run verifies the account. It ends even if others keep writing: once it has reached the
// record at which the journal ended when it began, each snapshot reads twice as much as
// the one before.
func (v *verifier) run(ctx context.Context) error {
	last, err := v.ledger.store.Journal(ctx, v.id, math.MaxUint64, 1, true)
	if err != nil {
		return err
	}
	for limit := snapshotRecords; ; {
		more := false
		err := v.ledger.store.Snapshot(ctx, v.id, func(s Snapshot) (err error) {
			if more, err = v.replayPart(ctx, s, limit); err != nil || more {
				return err
			}
			return v.compare(ctx, s)
		})
		if err == nil {
			err = v.proveActs(ctx)
		}
		switch {
		case err == errKeys:
			return v.blameKeys(ctx)
		case err != nil || !more:
			return err
		case len(last) == 0 || v.replay.head.Version >= last[0].Seq:
			limit *= 2
		}
	}
}

// replayPart replays records up to a number of them. It reports whether there may be more.
func (v *verifier) replayPart(ctx context.Context, s Snapshot, limit int) (more bool, err error) {
	for end := v.replay.head.Version + uint64(limit); v.replay.head.Version < end; {
		v.reading = v.replay.head.Version + 1
		size := int(min(end-v.replay.head.Version, verifyPage))
		records, err := s.Journal(ctx, v.reading, size)
		if err != nil {
			return false, err
		}
		for i := range records {
			if err := ctx.Err(); err != nil {
				return false, err
			}
			if err := v.record(ctx, s, &records[i]); err != nil {
				return false, err
			}
			v.records++
		}
		v.progress.add(uint64(len(records)))
		if len(records) < size {
			v.reading = 0
			return false, nil
		}
	}
	return true, nil
}

func (v *verifier) violation(rule, format string, args ...any) *Violation {
	return &Violation{Account: v.id, Record: v.reading, Rule: rule, Detail: fmt.Sprintf(format, args...)}
}

// record checks one stored record's place in the chain, and replays the record.
func (v *verifier) record(ctx context.Context, s Snapshot, stored *JournalRecord) error {
	v.reading = v.replay.head.Version + 1
	if stored.Seq != v.reading {
		return v.violation("sequence", "record %d stands in its place", stored.Seq)
	}
	rec := &v.rec
	if err := rec.decodeStored(v.id, stored); err != nil {
		return err
	}
	seal := SealOf(stored.Bytes)
	v.changes.takeBack()
	charges, err := v.replay.bringCharges(rec, v.history(ctx, s))
	if err != nil {
		return err
	}
	changes, err := replay(v.replay, rec, seal, charges, v.changes.next)
	if err != nil {
		return v.blame(ctx, s, rec, seal, err)
	}
	if key := rec.indexedKey(); key != "" {
		v.keys.add(key, rec.Seq)
	}
	if err := v.proveTexts(ctx, s, rec); err != nil {
		return err
	}
	for _, c := range changes {
		v.blocks = append(v.blocks, c.created...)
		for j := range c.rows {
			if v.rows == nil {
				v.rows = map[rowName]*StoredRow{}
			}
			r := c.rows[j]
			v.rows[rowName{r.Kind, r.Key}] = &r
		}
		for j := range c.lines {
			if err := c.lines[j].effect(v.sums, false); err != nil {
				return v.violation("conservation", "%v", err)
			}
		}
	}
	if rec.act != nil {
		v.acts = append(v.acts, rec.Seq)
	}
	if err := v.proveWas(rec, seal); err != nil {
		return err
	}
	if want, ok := v.since[rec.Seq]; ok && want != seal && want != rec.Was {
		return v.violation("checkpoint", "it is sealed %s, the checkpoint says %s", seal, want)
	}
	return nil
}

// blame finds out which of two records was touched when the second does not follow
// the first: the first, if what comes after the second still knows its seal.
func (v *verifier) blame(ctx context.Context, s Snapshot, rec *OpRecord, seal Seal, err error) error {
	broken, ok := err.(*Violation)
	if !ok || broken.Rule != ruleSeal || rec.Seq == 1 {
		return err
	}
	known, err := v.knownSeal(ctx, s, rec.Seq)
	if err != nil {
		return err
	}
	if known == seal {
		broken.Record--
		broken.Detail = fmt.Sprintf("it is sealed %s, the record after it follows %s", v.replay.head.Seal, rec.Prev)
	}
	return broken
}

// knownSeal returns the seal of a record as the next record, or the head, has it; none if
// that cannot be read.
func (v *verifier) knownSeal(ctx context.Context, s Snapshot, seq uint64) (Seal, error) {
	records, err := s.Journal(ctx, seq+1, 1)
	if err != nil {
		return Seal{}, err
	}
	if len(records) > 0 {
		next, err := decodeStored(v.id, &records[0])
		if err != nil {
			return Seal{}, nil
		}
		return next.Prev, nil
	}
	state, err := s.State(ctx)
	if err != nil {
		return Seal{}, err
	}
	return state.Head.Seal, nil
}

// history reads what was replayed so far.
func (v *verifier) history(ctx context.Context, s Snapshot) history {
	return history{
		record: func(seq uint64) (*OpRecord, error) {
			records, err := s.Journal(ctx, seq, 1)
			if err != nil || len(records) == 0 {
				return nil, cmp.Or(err, error(v.violation("sequence", "record %d, which it takes back, is not there", seq)))
			}
			return decodeStored(v.id, &records[0])
		},
		blocks: func(numbers []uint64) ([]Block, error) {
			blocks := make([]Block, len(numbers))
			for i, n := range numbers {
				if n == 0 || n > uint64(len(v.blocks)) {
					return nil, v.violation("replay", "it takes back what block number %d paid, which there is not", n)
				}
				blocks[i] = v.blocks[n-1].whole()
			}
			return blocks, nil
		},
		rows: func([]string) ([]Row, error) { return nil, nil }, // all rows are in memory
	}
}
