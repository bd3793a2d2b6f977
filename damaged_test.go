package creditledger_test

import (
	"context"
	"maps"
	"slices"
	"testing"

	"creditledger"
	"creditledger/store/memory"
)

// damaged is what a store holds of one account, laid open: tests change it as a
// damaged disk or a forger would, and then read it through a ledger.
type damaged struct {
	creditledger.Store // for what is not about the account
	id                 creditledger.AccountID
	head               creditledger.Head
	open               []creditledger.Block
	blocks             []creditledger.Block
	openRows           []creditledger.Row
	rows               []creditledger.StoredRow
	journal            []creditledger.JournalRecord
	ids                map[string]int // block id to index into blocks
	keys               map[creditledger.Key]uint64
	fail               func(what string) error
}

// copyOf takes a world's account apart.
func copyOf(t testing.TB, w *world) *damaged {
	t.Helper()
	d := &damaged{Store: memory.New(), id: cus1, ids: map[string]int{}, keys: map[creditledger.Key]uint64{}}
	state, err := w.store.Load(ctx, cus1, nil)
	if err != nil {
		t.Fatal(err)
	}
	d.head, d.open, d.openRows = state.Head, state.Blocks, state.Rows
	err = w.store.Snapshot(ctx, cus1, func(s creditledger.Snapshot) (err error) {
		d.rows, err = s.Rows(ctx, 0, "", 1000)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if d.blocks, err = w.store.Blocks(ctx, cus1, 1, 1<<20); err != nil {
		t.Fatal(err)
	}
	if d.journal, err = w.store.Journal(ctx, cus1, 1, 1<<20, false); err != nil {
		t.Fatal(err)
	}
	for i, b := range d.blocks {
		d.ids[b.ID] = i
	}
	for _, r := range d.journal {
		rec, err := creditledger.DecodeRecord(r.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		if rec.Key != "" {
			d.keys[rec.Key] = r.Seq
		}
	}
	return d
}

// verify looks at it through a fresh ledger.
func (d *damaged) verify(opts *creditledger.VerifyOptions) (creditledger.Verification, error) {
	l := creditledger.New(d, nil)
	defer l.Close()
	return l.Verify(ctx, d.id, opts)
}

func (d *damaged) failing(what string) error {
	if d.fail == nil {
		return nil
	}
	return d.fail(what)
}

func (d *damaged) Load(context.Context, creditledger.AccountID, *creditledger.Head) (*creditledger.State, error) {
	return &creditledger.State{Head: d.head, Blocks: slices.Clone(d.open), Rows: slices.Clone(d.openRows)}, d.failing("load")
}

func (d *damaged) Journal(_ context.Context, _ creditledger.AccountID, from uint64, limit int, reverse bool) ([]creditledger.JournalRecord, error) {
	if err := d.failing("journal"); err != nil {
		return nil, err
	}
	var found []creditledger.JournalRecord
	for _, r := range d.journal {
		if !reverse && r.Seq >= from || reverse && r.Seq <= from {
			found = append(found, r)
		}
	}
	if reverse {
		slices.Reverse(found)
	}
	return found[:min(limit, len(found))], nil
}

func (d *damaged) KeySeq(_ context.Context, _ creditledger.AccountID, key creditledger.Key) (uint64, error) {
	return d.keys[key], d.failing("key")
}

func (d *damaged) Block(_ context.Context, _ creditledger.AccountID, id string) (creditledger.Block, error) {
	if err := d.failing("block"); err != nil {
		return creditledger.Block{}, err
	}
	i, ok := d.ids[id]
	if !ok {
		return creditledger.Block{}, &creditledger.NotFoundError{Kind: "block", ID: id}
	}
	return d.blocks[i], nil
}

func (d *damaged) Blocks(_ context.Context, _ creditledger.AccountID, from uint64, limit int) ([]creditledger.Block, error) {
	if err := d.failing("blocks"); err != nil {
		return nil, err
	}
	var found []creditledger.Block
	for _, b := range d.blocks {
		if b.Number >= from && len(found) < limit {
			found = append(found, b)
		}
	}
	return found, nil
}

func (d *damaged) BlocksByNumber(_ context.Context, _ creditledger.AccountID, numbers []uint64) ([]creditledger.Block, error) {
	var found []creditledger.Block
	for _, n := range numbers {
		if i := slices.IndexFunc(d.blocks, func(b creditledger.Block) bool { return b.Number == n }); i >= 0 {
			found = append(found, d.blocks[i])
		}
	}
	return found, d.failing("blocks by number")
}

func (d *damaged) Accounts(context.Context, creditledger.AccountID, int) ([]creditledger.AccountID, error) {
	return []creditledger.AccountID{d.id}, d.failing("accounts")
}

func (d *damaged) CheckStrays(context.Context) error { return d.failing("check strays") }

func (d *damaged) Snapshot(_ context.Context, id creditledger.AccountID, f func(creditledger.Snapshot) error) error {
	if err := d.failing("snapshot"); err != nil {
		return err
	}
	return f(damagedSnapshot{d, id})
}

// damagedSnapshot shows what is damaged, row by row.
type damagedSnapshot struct {
	*damaged
	id creditledger.AccountID
}

func (s damagedSnapshot) State(ctx context.Context) (*creditledger.State, error) {
	return s.Load(ctx, s.id, nil)
}

func (s damagedSnapshot) Journal(ctx context.Context, from uint64, limit int) ([]creditledger.JournalRecord, error) {
	return s.damaged.Journal(ctx, s.id, from, limit, false)
}

func (s damagedSnapshot) Blocks(ctx context.Context, from uint64, limit int) ([]creditledger.Block, error) {
	return s.damaged.Blocks(ctx, s.id, from, limit)
}

func (s damagedSnapshot) Rows(_ context.Context, kind creditledger.RowKind, after string, limit int) (found []creditledger.StoredRow, err error) {
	for _, r := range s.rows {
		if (r.Kind > kind || r.Kind == kind && r.Key > after) && len(found) < limit {
			found = append(found, r)
		}
	}
	return found, s.failing("rows")
}

func (s damagedSnapshot) Keys(_ context.Context, after creditledger.Key, limit int) (rows []creditledger.KeyedRecord, err error) {
	for _, k := range slices.Sorted(maps.Keys(s.keys)) {
		if k > after && len(rows) < limit {
			rows = append(rows, creditledger.KeyedRecord{Key: k, Seq: s.keys[k]})
		}
	}
	return rows, s.failing("keys")
}

func (s damagedSnapshot) BlockIDs(_ context.Context, after string, limit int) (rows []creditledger.NumberedBlock, err error) {
	for _, id := range slices.Sorted(maps.Keys(s.ids)) {
		if id > after && len(rows) < limit {
			rows = append(rows, creditledger.NumberedBlock{ID: id, Number: s.blocks[s.ids[id]].Number})
		}
	}
	return rows, s.failing("block ids")
}

func (s damagedSnapshot) Check(context.Context) error { return s.failing("check") }

// reseal recomputes the chain from a record on, as a forger would who knows how.
func (d *damaged) reseal(t testing.TB, from int) {
	t.Helper()
	prev := creditledger.Seal{}
	for i := range d.journal {
		rec, err := creditledger.DecodeRecord(d.journal[i].Bytes)
		if err != nil {
			t.Fatal(err)
		}
		if i >= from {
			rec.Prev, rec.Seq = prev, uint64(i+1)
			d.journal[i] = creditledger.JournalRecord{Seq: rec.Seq, Bytes: creditledger.AppendRecord(nil, rec), Texts: d.journal[i].Texts}
		}
		prev = creditledger.SealOf(d.journal[i].Bytes)
	}
	d.head.Seal, d.head.Version = prev, uint64(len(d.journal))
}
