package bolt

import (
	"bytes"
	"context"
	"errors"
	"sync"

	"go.etcd.io/bbolt"

	"creditledger"
	"creditledger/store/internal/changes"
)

// keyReader looks up idempotency keys. A ledger asks for every key that a caller names,
// and most were never used. A transaction for each question would cost more than the
// answer, so all questions between two commits share one. It ends before the next commit
// begins, because a commit cannot reuse the pages that a reader may see, and waits for
// readers if the file has to grow.
type keyReader struct {
	mu             sync.Mutex
	committing     bool      // the tail is about to change
	tx             *bbolt.Tx // nil: not begun
	accounts, keys *bbolt.Cursor
}

// pause ends the transaction and lets no other begin. resume lets one begin again.
func (r *keyReader) pause() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.committing = true
	return r.end()
}

func (r *keyReader) resume() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.committing = false
}

func (r *keyReader) begin(db *bbolt.DB) error {
	tx, err := db.Begin(false)
	if err != nil {
		return err
	}
	r.tx = tx
	v, err := openView(tx)
	if err != nil {
		return err
	}
	accounts, err := v.bucket(bucketAccounts)
	if err != nil {
		return err
	}
	keys, err := v.bucket(bucketKeys)
	if err != nil {
		return err
	}
	r.accounts, r.keys = accounts.Cursor(), keys.Cursor()
	return nil
}

func (r *keyReader) end() error {
	tx := r.tx
	r.tx, r.accounts, r.keys = nil, nil, nil
	if tx == nil {
		return nil
	}
	return tx.Rollback()
}

// find returns the record that a key stands for, 0 if there is none, as view.keySeq does.
func (r *keyReader) find(t *tail, id creditledger.AccountID, k creditledger.Key) (uint64, error) {
	if seq, known := t.keySeq(id, k); known {
		return seq, nil
	}
	acct := uint64(0)
	if a := t.account(id); a != nil {
		acct = a.acct
	} else if value := seek(r.accounts, accountKey(id)); value != nil {
		at, err := decodePlace(id, value)
		if err != nil {
			return 0, err
		}
		acct = at.acct
	}
	if acct == 0 {
		return 0, nil
	}
	key := textKey(acct, string(k))
	return decodeNumber(bucketKeys, key, seek(r.keys, key), id)
}

// seek returns the value of a key; nil if there is none.
func seek(c *bbolt.Cursor, key []byte) []byte {
	if k, value := c.Seek(key); bytes.Equal(k, key) {
		return value
	}
	return nil
}

// KeySeq implements creditledger.Store.
func (s *Store) KeySeq(ctx context.Context, id creditledger.AccountID, key creditledger.Key) (uint64, error) {
	const op = "idempotency key"
	if err := changes.Enter(ctx, op); err != nil {
		return 0, err
	}
	if err := s.enter(op); err != nil {
		return 0, err
	}
	defer s.leave()
	if seq, known, err := s.askKey(op, id, key); known || err != nil {
		return seq, err
	}
	return s.reads.KeySeq(ctx, id, key)
}

// askKey answers if no commit is under way, or if the tail alone has the answer.
func (s *Store) askKey(op string, id creditledger.AccountID, key creditledger.Key) (seq uint64, known bool, err error) {
	r := &s.keyReader
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.committing {
		return s.tailed(id, key)
	}
	err, panicked := guarded(op, func() error {
		if r.tx == nil {
			if err := r.begin(s.db); err != nil {
				return err
			}
		}
		if !s.tailing.TryRLock() { // it is changing
			return nil
		}
		defer s.tailing.RUnlock()
		known = true
		seq, err = r.find(s.tail, id, key)
		return err
	})
	if panicked {
		s.poisoned(err, true)
	} else if err != nil {
		err = errors.Join(err, r.end())
	}
	return seq, known && err == nil, err
}

// pauseKeys lets no question be under way while something is written.
func (s *Store) pauseKeys() error {
	err, panicked := guarded("idempotency key", s.keyReader.pause)
	if panicked {
		s.poisoned(err, true)
	}
	return err
}

// tailed answers from the tail alone, if the tail has the answer.
func (s *Store) tailed(id creditledger.AccountID, key creditledger.Key) (seq uint64, known bool, err error) {
	if !s.tailing.TryRLock() { // it is changing
		return 0, false, nil
	}
	defer s.tailing.RUnlock()
	seq, known = s.tail.keySeq(id, key)
	return seq, known, nil
}
