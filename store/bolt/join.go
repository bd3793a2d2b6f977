package bolt

import (
	"context"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"

	"creditledger"
	"creditledger/internal/onelog"
	"creditledger/store/internal/changes"
)

// Joined is a ledger inside a transaction of the caller. It implements
// creditledger.Store, and lives as long as the transaction.
//
// What is committed to it becomes durable when, and only when, the caller commits
// the transaction: a debit and the row it pays for exist together or not at all.
// Until then only this transaction sees it. When the transaction is rolled back, a
// Ledger over it must not be used any more: it remembers what did not happen.
//
// The methods of Joined may be called from several goroutines; they run one at a
// time. bbolt transactions are not made for that, so no goroutine may use the
// transaction in other ways meanwhile. When no call to a Ledger over it is under way,
// nothing uses the transaction, whatever the calls returned.
type Joined struct {
	reads
	turn   chan struct{} // whoever holds its token may use the transaction
	tx     *bbolt.Tx
	tail   *tail // what a crash left unfolded, in a read-only transaction; empty otherwise
	broken error // why the store refuses work
}

var _ creditledger.JoinedStore = (*Joined)(nil)

// Join returns the ledger inside tx. A writable transaction of a database that holds no
// ledger yet gets an empty one, in a top bucket of its own named "creditledger"; in a
// read-only transaction that is an error matching creditledger.ErrCorrupt. The database
// should not be opened with NoSync or NoFreelistSync, and the caller protects its file:
// Join does not check what Open checks.
func Join(tx *bbolt.Tx) (*Joined, error) {
	j := &Joined{tx: tx, turn: make(chan struct{}, 1)}
	j.view, j.aside = j.read, j.readAside
	if err := j.refuses("join ledger"); err != nil {
		return nil, err
	}
	err, _ := guarded("join", func() error {
		if tx.Bucket(topBucket) == nil && tx.Writable() {
			if err := makeBuckets(tx); err != nil {
				return err
			}
		}
		v, err := openView(tx)
		if err == nil {
			err = v.check()
		}
		var old bool
		if err == nil {
			old, err = v.older()
		}
		if old && tx.Writable() {
			err = v.upgrade()
		}
		if err == nil {
			err = j.replay(v)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("join ledger: %w", err)
	}
	return j, nil
}

// replay brings what is not in the tables into memory, and from there into the transaction
// if that can be written: the log file is one that was left behind then, if it is committed.
func (j *Joined) replay(v view) error {
	m, err := v.mark()
	if err != nil {
		return err
	}
	var turns []onelog.Turn
	if m.inUse {
		f, err := openLog(context.Background(), j.tx.DB().Path(), m, Options{ReadOnly: true})
		if err != nil {
			return err
		}
		turns, err = readLog(f, m)
		if err == nil {
			m.turns, err = onelog.Names(f, m.size)
		}
		if err = errors.Join(err, f.Close()); err != nil {
			return err
		}
	} else if err := leftLog(j.tx.DB().Path(), m, false); err != nil {
		return err
	}
	if j.tail, err = v.replayTails(turns); err != nil || !j.tx.Writable() {
		return err
	}
	m.inUse = false
	if err := v.wholeFold(j.tail, m); err != nil {
		return err
	}
	j.tail = newTail(j.tail.end(), j.tail.acct)
	return nil
}

// Joined implements creditledger.JoinedStore.
func (j *Joined) Joined() {}

// enter waits for its turn and begins a call, unless ctx ends before. leave ends the
// call.
func (j *Joined) enter(ctx context.Context, op string) error {
	if err := changes.Enter(ctx, op); err != nil {
		return err
	}
	select {
	case j.turn <- struct{}{}:
	case <-ctx.Done():
		return changes.Enter(ctx, op)
	}
	err := j.refuses(op)
	if err != nil {
		j.leave()
	}
	return err
}

func (j *Joined) leave() { <-j.turn }

// refuses returns why the store refuses work.
func (j *Joined) refuses(op string) error {
	switch {
	case j.broken != nil:
		return fmt.Errorf("%s: %w: roll back the transaction (%v)", op, creditledger.ErrPoisoned, j.broken)
	case j.tx.DB() == nil:
		return fmt.Errorf("%s: the transaction has ended: %w", op, creditledger.ErrClosed)
	}
	return nil
}

func (j *Joined) read(ctx context.Context, op string, f func(view) error) error {
	if err := j.enter(ctx, op); err != nil {
		return err
	}
	defer j.leave()
	err, panicked := guarded(op, func() error {
		v, err := openView(j.tx)
		if err != nil {
			return err
		}
		v.tail = j.tail
		return f(v)
	})
	if panicked {
		j.broken = err
	}
	return err
}

func (j *Joined) readAside(ctx context.Context, op string, id creditledger.AccountID, f func(view) error) error {
	return j.read(ctx, op, func(v view) error {
		v.tail = v.tail.of(id)
		return f(v)
	})
}

// Commit implements creditledger.Store within the transaction. When it fails after it began
// to write, which only a damaged database causes, the outcome is unknown, and the caller
// has to roll the transaction back.
func (j *Joined) Commit(ctx context.Context, list []creditledger.Change) error {
	if err := changes.Check(list); err != nil {
		return err
	}
	if err := j.enter(ctx, "commit"); err != nil {
		return err
	}
	defer j.leave()
	if !j.tx.Writable() {
		return fmt.Errorf("commit: the transaction is %w", creditledger.ErrReadOnly)
	}
	var v view
	var found []accountPos
	err, panicked := guarded("commit", func() (err error) {
		if v, err = openView(j.tx); err == nil {
			v.tail = j.tail
			found, err = v.compare(list)
		}
		return err
	})
	if err != nil {
		if panicked {
			j.broken = err
		}
		return err
	}
	if err, _ := guarded("commit", func() error { return j.write(v, list, found) }); err != nil {
		j.broken = err
		return &creditledger.OutcomeUnknownError{Err: fmt.Errorf("commit in a joined transaction: %w", err)}
	}
	return nil
}

// write puts the changes into the transaction and folds at once, so that no tail is left
// when the caller commits.
func (j *Joined) write(v view, list []creditledger.Change, found []accountPos) error {
	rows, a, err := v.rows(list, found)
	if err != nil {
		return err
	}
	j.tail.addAll(list, found, a)
	w := newWriter(v)
	w.puts(rows, a.end)
	w.tail(j.tail)
	w.folded(a.end, j.tail.acct)
	j.tail = newTail(a.end, j.tail.acct)
	return w.flush()
}
