package creditledger

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
)

// compareBlockIDs compares the index of block ids with the blocks: each id leads to the
// block that has it, and each block is in the index.
func (v *verifier) compareBlockIDs(ctx context.Context, s Snapshot) error {
	found := make([]bool, len(v.blocks))
	for after := ""; ; {
		page, err := s.BlockIDs(ctx, after, MaxPage)
		if err != nil {
			return err
		}
		for _, row := range page {
			if err := v.compareBlockID(row, found); err != nil {
				return err
			}
			after = row.ID
		}
		if len(page) < MaxPage {
			break
		}
	}
	for i, b := range v.blocks {
		if !found[i] {
			whole := b.whole()
			return v.blockViolation(&whole, "its id does not lead to it")
		}
	}
	return nil
}

func (v *verifier) compareBlockID(row NumberedBlock, found []bool) error {
	i := row.Number - 1
	switch {
	case i >= uint64(len(v.blocks)) || v.blocks[i].ID != row.ID:
		detail := fmt.Sprintf("the id leads to block number %d, and the journal made no block of this id", row.Number)
		if b := v.replay.find(row.ID); b != nil {
			detail = fmt.Sprintf("the id leads to block number %d, and is that of number %d", row.Number, b.Number)
		}
		return &Violation{Account: v.id, Block: row.ID, Rule: "index", Detail: detail}
	case found[i]:
		return &Violation{Account: v.id, Block: row.ID, Rule: "index", Detail: "the id is there twice"}
	}
	found[i] = true
	return nil
}

// errKeys means that the keys that the store has are not those of the journal.
var errKeys = errors.New("the idempotency keys are not those of the journal")

// compareKeys compares the stored idempotency keys with those of the journal. There may
// be as many as records, and they come in another order. So it compares a sum of each,
// and looks for the row only if the sums differ.
func (v *verifier) compareKeys(ctx context.Context, s Snapshot) error {
	var stored keySum
	err := eachKey(ctx, s, func(row KeyedRecord) error {
		if stored.add(row.Key, row.Seq); stored.n > v.keys.n {
			return errKeys
		}
		return nil
	})
	if err == nil && stored != v.keys {
		err = errKeys
	}
	return err
}

func eachKey(ctx context.Context, s Snapshot, f func(KeyedRecord) error) error {
	for after := Key(""); ; {
		page, err := s.Keys(ctx, after, MaxPage)
		if err != nil {
			return err
		}
		for _, row := range page {
			if err := f(row); err != nil {
				return err
			}
			after = row.Key
		}
		if len(page) < MaxPage {
			return nil
		}
	}
}

// blameKeys finds the reason why the sums in compareKeys differ: a record whose key is
// not stored, or a stored key without a record. It looks each one up.
func (v *verifier) blameKeys(ctx context.Context) error {
	err := v.ledger.eachRecord(ctx, v.id, 1, false, func(rec *OpRecord) (bool, error) {
		key := rec.indexedKey()
		if key == "" {
			return true, nil
		}
		seq, err := v.ledger.store.KeySeq(ctx, v.id, key)
		if err == nil && seq != rec.Seq {
			v.reading = rec.Seq
			err = v.violation("idempotency", "its key %s is stored for record %d", quote(string(key)), seq)
		}
		return err == nil, err
	})
	if err != nil {
		return err
	}
	return v.ledger.store.Snapshot(ctx, v.id, func(s Snapshot) error {
		err := eachKey(ctx, s, func(row KeyedRecord) error { return v.leads(ctx, s, row) })
		if err == nil {
			err = v.violation("idempotency", "a key is stored twice")
		}
		return err
	})
}

// leads checks that a stored key leads to a record with that key.
func (v *verifier) leads(ctx context.Context, s Snapshot, row KeyedRecord) error {
	records, err := s.Journal(ctx, row.Seq, 1)
	if err != nil {
		return err
	}
	if len(records) == 1 && records[0].Seq == row.Seq {
		rec, err := decodeStored(v.id, &records[0])
		if err == nil && rec.indexedKey() == row.Key {
			return nil
		}
	}
	return v.violation("idempotency", "the key %s is stored for record %d, and is not that of a record", quote(string(row.Key)), row.Seq)
}

// keySum is a sum over keys and the records that they stand for, in any order. Two sums
// are equal if the same was added to both and, as far as SHA-256 can be trusted, only
// then.
type keySum struct {
	n   uint64
	sum [4]uint64
}

func (s *keySum) add(key Key, seq uint64) {
	var room [8 + MaxID]byte
	h := sha256.Sum256(append(binary.BigEndian.AppendUint64(room[:0], seq), key...))
	var carry uint64
	for i := range s.sum {
		s.sum[i], carry = bits.Add64(s.sum[i], binary.LittleEndian.Uint64(h[8*i:]), carry)
	}
	s.n++
}
