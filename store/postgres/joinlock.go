package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"creditledger"
	"creditledger/store/internal/changes"
)

// lockedAccount is what a transaction knows about an account that it has locked. Nobody
// else can have changed the account since. With Options.Portable the account is not
// locked, and this is only what was read last.
type lockedAccount struct {
	version uint64
	seal    creditledger.Seal
	packed  string // the text in the head

	// For the operation that it was locked for.
	prepared bool                // LoadToChange has not been called yet
	state    *creditledger.State // as it was read then; nil: unchanged, or not read
	key      creditledger.Key    // looked up, until KeySeq asks; empty: none
	seq      uint64              // the record that the key stands for; 0: none

	free map[creditledger.Key]struct{} // keys that stand for no record
}

// Both bound what is remembered. Beyond that the server is asked again.
const (
	maxLocked   = 1024
	maxFreeKeys = 1024
)

// queueLock queues the statements that lock an account, and returns how many they are.
// The advisory lock makes the order fair, because whoever comes just when a row becomes
// free overtakes those who wait for it. The lock of the row keeps away those who take no
// advisory lock.
func (j *Joined) queueLock(b *pgx.Batch, at accountPos) int {
	if j.portable {
		return 0
	}
	b.Queue(j.sql.queueHold, at.lockKeys(j.schema)...)
	b.Queue(j.sql.lockHead, at.args()...)
	return 2
}

// Prepare implements creditledger.PreparingStore.
func (j *Joined) Prepare(ctx context.Context, id creditledger.AccountID, key creditledger.Key, documents ...creditledger.DocumentID) ([]creditledger.Document, error) {
	texts := []string{id.Customer, id.Currency, string(key)}
	docs := make([]creditledger.Document, len(documents))
	for i := range documents {
		texts, docs[i].DocumentID = append(texts, documents[i].Kind), documents[i]
	}
	if err := checkTexts(texts...); err != nil {
		return nil, err
	}
	err := j.read(ctx, "prepare", func(c client) error { return j.approach(ctx, c, id, key, docs) })
	if err != nil {
		return nil, err
	}
	return docs, nil
}

// LoadToChange implements creditledger.LockingStore.
func (j *Joined) LoadToChange(ctx context.Context, id creditledger.AccountID, have *creditledger.Head) (state *creditledger.State, err error) {
	if err := checkTexts(id.Customer, id.Currency); err != nil {
		return nil, err
	}
	err = j.read(ctx, "load", func(c client) (err error) {
		if a := j.locked[id]; a == nil || !a.prepared {
			if err := j.approach(ctx, c, id, "", nil); err != nil {
				return err
			}
		}
		a := j.locked[id]
		read := a.state
		a.prepared, a.state = false, nil
		stored := creditledger.Head{Version: a.version, Seal: a.seal}
		switch {
		case have != nil && changes.Known(have, &stored):
		case read != nil:
			state = read
		default:
			state, err = j.load(ctx, c, id, j.accountPos(id))
		}
		return err
	})
	return state, err
}

// Release implements creditledger.LockingStore. The lock is the transaction's.
func (j *Joined) Release(creditledger.AccountID) {}

// KeySeq implements creditledger.Store.
func (j *Joined) KeySeq(ctx context.Context, id creditledger.AccountID, key creditledger.Key) (seq uint64, err error) {
	if err := checkTexts(id.Customer, id.Currency, string(key)); err != nil {
		return 0, err
	}
	err = j.read(ctx, "idempotency key", func(c client) error {
		a := j.locked[id]
		if a != nil && key != "" && a.key == key {
			seq, a.key = a.seq, ""
			return nil
		}
		var n int64
		err := query(ctx, c, j.sql.keySeq, j.accountPos(id).args(string(key)), []any{&n}, func() error { return nil })
		if seq = uint64(n); err == nil && a != nil {
			a.heard(key, seq)
		}
		return err
	})
	return seq, err
}

// heard notes the record that a key stands for.
func (a *lockedAccount) heard(key creditledger.Key, seq uint64) {
	if seq != 0 {
		return
	}
	if a.free == nil || len(a.free) >= maxFreeKeys {
		a.free = map[creditledger.Key]struct{}{}
	}
	a.free[key] = struct{}{}
}

// approach locks an account. On the same trip it reads the account's state unless it is
// known, the record of the key if there is one, and documents.
func (j *Joined) approach(ctx context.Context, c client, id creditledger.AccountID, key creditledger.Key, docs []creditledger.Document) error {
	at, before, b := j.accountPos(id), j.locked[id], &pgx.Batch{}
	j.queueLock(b, at)
	if j.portable {
		b.Queue(j.sql.headPack, at.args()...)
	}
	if before == nil {
		b.Queue(j.sql.load, at.args()...)
	}
	if key != "" {
		b.Queue(j.sql.keySeq, at.args(string(key))...)
	}
	for i := range docs {
		b.Queue(j.sql.record, docs[i].Kind, []byte(docs[i].Key))
	}
	results := c.SendBatch(ctx, b)
	now, err := j.approached(results, id, before, key, docs)
	if closing := results.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return err
	}
	switch {
	case before == nil:
	case before.is(now):
		now.free = before.free
	default: // the caller rolled back to a savepoint, or another ledger in this transaction wrote
		j.remembered.forget()
	}
	if key != "" {
		now.heard(key, now.seq)
	}
	if j.locked == nil || len(j.locked) >= maxLocked {
		j.locked = map[creditledger.AccountID]*lockedAccount{}
	}
	j.locked[id] = now
	return nil
}

// approached reads the answers to approach.
func (j *Joined) approached(results pgx.BatchResults, id creditledger.AccountID, before *lockedAccount, key creditledger.Key, docs []creditledger.Document) (*lockedAccount, error) {
	if !j.portable {
		if _, err := results.Exec(); err != nil {
			return nil, err
		}
	}
	now := &lockedAccount{prepared: true, key: key}
	var version int64
	var seal []byte
	if _, err := nextRow(results, &version, &seal, &now.packed); err != nil {
		return nil, err
	}
	if now.version = uint64(version); copy(now.seal[:], seal) != len(seal) {
		return nil, corrupt(j.accountPos(id), "the head's seal has another length")
	}
	if before == nil {
		rows, err := results.Query()
		if err != nil {
			return nil, err
		}
		if now.state, err = j.loaded(rows, id, j.accountPos(id), j.remembered.now()); err != nil {
			return nil, err
		}
		now.version, now.seal = now.state.Head.Version, now.state.Head.Seal
	}
	if key != "" {
		var seq int64
		if _, err := nextRow(results, &seq); err != nil {
			return nil, err
		}
		now.seq = uint64(seq)
	}
	for i := range docs {
		var version int64
		if _, err := nextRow(results, &version, &docs[i].Value); err != nil {
			return nil, err
		}
		docs[i].Version = uint64(version)
	}
	return now, nil
}

// is reports whether the head is unchanged.
func (a *lockedAccount) is(other *lockedAccount) bool {
	return a.version == other.version && a.seal == other.seal && a.packed == other.packed
}

// certain reports whether the transaction knows that an account is at the version that a
// change was computed from, and that the change's keys are new. It does not tell about
// ids of new blocks.
func (j *Joined) certain(p *part) bool {
	a := j.locked[p.change.Account]
	if j.portable || a == nil || !p.follows(a.version, a.seal[:]) {
		return false
	}
	for _, k := range p.change.Keys {
		if _, free := a.free[k.Key]; !free {
			return false
		}
	}
	for i := range p.change.Blocks {
		if p.change.Blocks[i].New {
			return false
		}
	}
	return true
}

// learn notes what a transaction wrote; after an error, that nothing is known any more.
func (j *Joined) learn(t *transaction, err error) {
	for _, p := range t.parts {
		id := p.change.Account
		a := j.locked[id]
		delete(j.locked, id)
		if err != nil {
			continue
		}
		j.remembered.put(id, p.pack, j.remembered.now())
		if a != nil {
			j.locked[id] = &lockedAccount{version: p.pack.version, seal: p.pack.seal, packed: string(appendPacked(nil, p.pack.open))}
		}
	}
	if err == nil && j.written == nil {
		j.written = writtenBy(t)
	}
}
