package storetest

import (
	"context"
	"errors"
	"fmt"

	"creditledger"
)

var commitCases = []Case{
	{"commit/all", "After a commit every method returns what was put, for every account and no other.", onStore(commitAll)},
	{"commit/replace", "A block that is put again replaces the one with its number, whole.", onStore(commitReplace)},
	{"commit/nothing", "A commit of no changes succeeds and changes nothing.", onStore(commitNothing)},
	{"commit/many", "One commit takes many accounts with many journal records each.", onStore(commitMany)},
	{"commit/scope", "Block ids, block numbers and idempotency keys are unique within their account only.", onStore(commitScope)},
	{"commit/records", "Documents of upper layers are stored with the account's change, and without any account.", onStore(commitRecords)},
}

func commitAll(ctx context.Context, s creditledger.Store) error {
	var books []*book
	for i, id := range awkwardAccounts {
		b := &book{id: id}
		books = append(books, b)
		for n := range uint64(3) {
			c := b.next(1+i%3, created(sampleBlock(2*n+1)), creditledger.StoredBlock{Block: sampleBlock(2*n + 2), New: true})
			if err := b.commit(ctx, s, key(c, creditledger.Key(fmt.Sprint("key ", n)))); err != nil {
				return err
			}
		}
	}
	return verifyAll(ctx, s, books...)
}

func commitReplace(ctx context.Context, s creditledger.Store) error {
	b := &book{id: plain}
	err := b.commit(ctx, s, b.next(1, created(sampleBlock(1)), created(sampleBlock(2)), created(sampleBlock(3))))
	if err != nil {
		return err
	}
	// The second block gets all that the third has but id and number, and then
	// all that the fourth has not.
	for _, other := range []uint64{3, 4} {
		block := sampleBlock(other)
		block.ID, block.Number = sampleBlock(2).ID, 2
		if err := b.commit(ctx, s, b.next(1, again(block, true))); err != nil {
			return err
		}
		if err := b.verify(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

func commitNothing(ctx context.Context, s creditledger.Store) error {
	b := &book{id: plain}
	if err := b.commit(ctx, s, b.next(1, created(sampleBlock(1)))); err != nil {
		return err
	}
	for _, none := range [][]creditledger.Change{nil, {}} {
		if err := s.Commit(ctx, none); err != nil {
			return fmt.Errorf("Commit of no changes: %w", err)
		}
	}
	return verifyAll(ctx, s, b)
}

func commitMany(ctx context.Context, s creditledger.Store) error {
	books := make([]*book, 100)
	for i := range books {
		books[i] = &book{id: creditledger.AccountID{Customer: fmt.Sprint("customer ", i), Currency: "credits"}}
	}
	for range 2 {
		var list []creditledger.Change
		for i, b := range books {
			list = append(list, key(b.next(1+i%20, created(sampleBlock(b.head.Blocks+1))), creditledger.Key(fmt.Sprint(b.head.Version))))
		}
		if err := s.Commit(ctx, list); err != nil {
			return fmt.Errorf("Commit of %d accounts: %w", len(list), err)
		}
		for i, b := range books {
			b.done(list[i])
		}
	}
	return verifyAll(ctx, s, books...)
}

func commitScope(ctx context.Context, s creditledger.Store) error {
	var books []*book
	for _, id := range awkwardAccounts {
		b := &book{id: id}
		c := key(b.next(len(books)+1, created(sampleBlock(1)), created(sampleBlock(2))), "the same key")
		if err := b.commit(ctx, s, c); err != nil {
			return err
		}
		books = append(books, b)
	}
	return verifyAll(ctx, s, books...)
}

func commitRecords(ctx context.Context, s creditledger.Store) error {
	id := func(k string) creditledger.DocumentID { return creditledger.DocumentID{Kind: "invoice", Key: k} }
	put := func(k string, expect uint64) creditledger.DocumentPut {
		return over(creditledger.DocumentPut{DocumentID: id(k), Expect: expect, Value: sampleBytes(k, expect+5)}, sampleBytes(k, expect+4))
	}
	b := &book{id: plain}
	with := b.next(1)
	with.Documents = []creditledger.DocumentPut{put("with an account", 0)}
	without := creditledger.Change{Documents: []creditledger.DocumentPut{put("without", 0), put("without either", 0)}}
	alone := creditledger.Change{Documents: []creditledger.DocumentPut{put("alone", 0)}}
	if err := s.Commit(ctx, []creditledger.Change{without, with, alone}); err != nil {
		return fmt.Errorf("Commit of records: %w", err)
	}
	b.done(with)
	if err := s.Commit(ctx, []creditledger.Change{{Documents: []creditledger.DocumentPut{put("alone", 1)}}}); err != nil {
		return fmt.Errorf("Commit of a record alone: %w", err)
	}
	errs := []error{verifyAll(ctx, s, b)}
	for k, version := range map[string]uint64{"with an account": 1, "without": 1, "without either": 1, "alone": 2} {
		errs = append(errs, sameRecord(ctx, s, id(k), version, sampleBytes(k, version+4)))
	}
	return errors.Join(errs...)
}
