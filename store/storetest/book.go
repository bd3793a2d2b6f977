package storetest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"slices"

	"creditledger"
)

// book writes one account as a ledger would, each change on top of the one before,
// and remembers what the store has to return.
type book struct {
	id      creditledger.AccountID
	head    creditledger.Head
	blocks  []creditledger.StoredBlock // by number
	journal []creditledger.JournalRecord
	keys    []creditledger.KeyedRecord
	rows    []creditledger.StoredRow // by kind and key
}

// next makes a change with a number of journal records that puts some blocks.
func (b *book) next(records int, blocks ...creditledger.StoredBlock) creditledger.Change {
	c := creditledger.Change{Account: b.id, Version: b.head.Version, Prev: b.head.Seal, Head: b.head, Blocks: blocks}
	for range records {
		c.Head.Version++
		c.Journal = append(c.Journal, creditledger.JournalRecord{
			Seq: c.Head.Version, Bytes: sampleBytes(b.id.String(), c.Head.Version), Texts: sampleTexts(c.Head.Version),
		})
	}
	for _, block := range blocks {
		c.Head.Blocks = max(c.Head.Blocks, block.Number)
	}
	c.Head.Entries += 3 * uint64(records)
	c.Head.LastAt = instant(int(c.Head.Version))
	c.Head.Total = amount(int(c.Head.Version))
	c.Head.Seal = sealAt(b.id, c.Head.Version)
	return c
}

// sealAt returns the seal of an account's record. Every version but 0 has one.
func sealAt(id creditledger.AccountID, version uint64) creditledger.Seal {
	if version == 0 {
		return creditledger.Seal{}
	}
	return sha256.Sum256(fmt.Appendf(nil, "%v %d", id, version))
}

// key adds an idempotency key for the last record of a change.
func key(c creditledger.Change, keys ...creditledger.Key) creditledger.Change {
	for _, k := range keys {
		c.Keys = append(c.Keys, creditledger.KeyedRecord{Key: k, Seq: c.Head.Version})
	}
	return c
}

// due sets the head's NextDue.
func due(c creditledger.Change, at creditledger.Instant) creditledger.Change {
	c.Head.NextDue = at
	return c
}

// created makes an open block in the form in which a change puts it for the first time.
func created(b creditledger.Block) creditledger.StoredBlock {
	return creditledger.StoredBlock{Block: b, Open: true, New: true}
}

// again makes a block in the form in which a later change puts it.
func again(b creditledger.Block, open bool) creditledger.StoredBlock {
	return creditledger.StoredBlock{Block: b, Open: open}
}

// done remembers a change that was committed.
func (b *book) done(c creditledger.Change) {
	b.doneRows(c.Rows)
	b.head = c.Head
	for _, t := range c.Texts {
		b.journal[t.Seq-1].Texts = t.Texts
	}
	b.journal = append(b.journal, c.Journal...)
	b.keys = append(b.keys, c.Keys...)
	for _, block := range c.Blocks {
		i, found := slices.BinarySearchFunc(b.blocks, block, func(x, y creditledger.StoredBlock) int {
			return int(x.Number) - int(y.Number)
		})
		if found {
			b.blocks[i] = block
		} else {
			b.blocks = slices.Insert(b.blocks, i, block)
		}
	}
}

// commit commits a change of this account alone.
func (b *book) commit(ctx context.Context, s creditledger.Store, c creditledger.Change) error {
	if err := s.Commit(ctx, []creditledger.Change{c}); err != nil {
		return fmt.Errorf("Commit on %v: %w", b.id, err)
	}
	b.done(c)
	return nil
}

// verify reads everything of the account in every way and compares.
func (b *book) verify(ctx context.Context, s creditledger.Store) error {
	return errors.Join(b.verifyState(ctx, s), b.verifyBlocks(ctx, s), b.verifyJournal(ctx, s), b.verifyKeys(ctx, s), b.verifyRows(ctx, s), b.verifySnapshot(ctx, s, 1000))
}

func (b *book) verifyState(ctx context.Context, s creditledger.Store) error {
	state, err := s.Load(ctx, b.id, nil)
	if err != nil || state == nil {
		return fmt.Errorf("Load(%v, 0) = %v, %w", b.id, state, orMissing(err))
	}
	if err := sameHead(state.Head, b.head); err != nil {
		return fmt.Errorf("Load(%v): %w", b.id, err)
	}
	var open []creditledger.Block
	for _, block := range b.blocks {
		if block.Open {
			open = append(open, block.Block)
		}
	}
	slices.SortFunc(state.Blocks, func(x, y creditledger.Block) int { return int(x.Number) - int(y.Number) })
	if err := sameBlocks(state.Blocks, open); err != nil {
		return fmt.Errorf("Load(%v): open %w", b.id, err)
	}
	if err := sameRows(sortedRows(state.Rows), b.openRows()); err != nil {
		return fmt.Errorf("Load(%v): open %w", b.id, err)
	}
	return nil
}

func (b *book) verifyBlocks(ctx context.Context, s creditledger.Store) error {
	var want []creditledger.Block
	var numbers []uint64
	for _, block := range b.blocks {
		want = append(want, block.Block)
		numbers = append(numbers, block.Number)
		got, err := s.Block(ctx, b.id, block.ID)
		if err == nil {
			err = sameBlocks([]creditledger.Block{got}, []creditledger.Block{block.Block})
		}
		if err != nil {
			return fmt.Errorf("Block(%v, %q): %w", b.id, block.ID, err)
		}
	}
	got, err := s.Blocks(ctx, b.id, 0, math.MaxInt)
	if err == nil {
		err = sameBlocks(got, want)
	}
	if err != nil {
		return fmt.Errorf("Blocks(%v): %w", b.id, err)
	}
	if got, err = s.BlocksByNumber(ctx, b.id, numbers); err == nil {
		err = sameBlocks(got, want)
	}
	if err != nil {
		return fmt.Errorf("BlocksByNumber(%v): %w", b.id, err)
	}
	return nil
}

func (b *book) verifyJournal(ctx context.Context, s creditledger.Store) error {
	got, err := s.Journal(ctx, b.id, 0, math.MaxInt, false)
	if err == nil {
		err = sameJournal(got, b.journal)
	}
	if err != nil {
		return fmt.Errorf("Journal(%v): %w", b.id, err)
	}
	return nil
}

func (b *book) verifyKeys(ctx context.Context, s creditledger.Store) error {
	for _, k := range b.keys {
		if seq, err := s.KeySeq(ctx, b.id, k.Key); err != nil || seq != k.Seq {
			return fmt.Errorf("KeySeq(%v, %q) = %d, %v, want %d", b.id, k.Key, seq, err, k.Seq)
		}
	}
	return nil
}

// verifyAll verifies several accounts, and that the store has no others.
func verifyAll(ctx context.Context, s creditledger.Store, books ...*book) error {
	var want []creditledger.AccountID
	var errs []error
	for _, b := range books {
		errs = append(errs, b.verify(ctx, s))
		if b.head.Version > 0 {
			want = append(want, b.id)
		}
	}
	slices.SortFunc(want, creditledger.AccountID.Compare)
	got, err := s.Accounts(ctx, creditledger.AccountID{}, math.MaxInt)
	if err != nil || !slices.Equal(got, want) {
		errs = append(errs, fmt.Errorf("Accounts = %v, %v, want %v", got, err, want))
	}
	return errors.Join(errs...)
}

func sameHead(got, want creditledger.Head) error {
	if !bytes.Equal(creditledger.AppendHead(nil, &got), creditledger.AppendHead(nil, &want)) {
		return fmt.Errorf("head %+v, want %+v", got, want)
	}
	return nil
}

func sameBlocks(got, want []creditledger.Block) error {
	for i := range min(len(got), len(want)) {
		if !bytes.Equal(creditledger.AppendBlock(nil, &got[i]), creditledger.AppendBlock(nil, &want[i])) {
			return fmt.Errorf("blocks[%d] = %+v, want %+v", i, got[i], want[i])
		}
	}
	if len(got) != len(want) {
		return fmt.Errorf("blocks: %d of them, want %d", len(got), len(want))
	}
	return nil
}

func sameJournal(got, want []creditledger.JournalRecord) error {
	for i := range min(len(got), len(want)) {
		if got[i].Seq != want[i].Seq || !bytes.Equal(got[i].Bytes, want[i].Bytes) || !bytes.Equal(got[i].Texts, want[i].Texts) {
			return fmt.Errorf("records[%d] = %d %x %x, want %d %x %x", i, got[i].Seq, got[i].Bytes, got[i].Texts, want[i].Seq, want[i].Bytes, want[i].Texts)
		}
	}
	if len(got) != len(want) {
		return fmt.Errorf("records: %d of them, want %d", len(got), len(want))
	}
	return nil
}

func orMissing(err error) error {
	if err == nil {
		return errors.New("nothing")
	}
	return err
}

// notFound checks that an error is a NotFoundError, which ErrNotFound matches.
func notFound(err error) error {
	var e *creditledger.NotFoundError
	if !errors.As(err, &e) || !errors.Is(err, creditledger.ErrNotFound) {
		return fmt.Errorf("error %v, want a NotFoundError", err)
	}
	return nil
}

// conflict checks that an error is a ConflictError that names exactly these.
func conflict(err error, accounts []creditledger.AccountID, records []creditledger.DocumentID) error {
	var e *creditledger.ConflictError
	if !errors.As(err, &e) || !errors.Is(err, creditledger.ErrConflict) {
		return fmt.Errorf("error %v, want a ConflictError", err)
	}
	if !sameSet(e.Accounts, accounts) || !sameSet(e.Documents, records) {
		return fmt.Errorf("conflict of accounts %v and records %v, want %v and %v", e.Accounts, e.Documents, accounts, records)
	}
	return nil
}

func sameSet[T comparable](a, b []T) bool {
	for _, v := range a {
		if !slices.Contains(b, v) {
			return false
		}
	}
	return len(a) == len(b)
}
