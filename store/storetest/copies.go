package storetest

import (
	"context"
	"errors"

	"creditledger"
)

var copyCases = []Case{
	{"copies/in", "What a store is given stays the caller's: changing it after Commit changes nothing stored.", onStore(copiesIn)},
	{"copies/out", "What a store returns is the caller's: changing it changes nothing stored.", onStore(copiesOut)},
}

// fullChange commits an account with blocks that have filters and metadata, and a
// record; it returns copies of what was put and, in scrawl, what spoils it.
func fullChange(ctx context.Context, s creditledger.Store) (b *book, record creditledger.DocumentPut, scrawl func(), err error) {
	change := func(b *book) creditledger.Change {
		c := key(b.next(3, created(sampleBlock(1)), created(sampleBlock(7)), created(sampleBlock(2))), "key")
		c.Documents = []creditledger.DocumentPut{{DocumentID: creditledger.DocumentID{Kind: "kind", Key: "key"}, Value: []byte("value")}}
		return c
	}
	b = &book{id: plain}
	given, kept := change(b), change(b)
	list := []creditledger.Change{given}
	err = s.Commit(ctx, list)
	b.done(kept)
	return b, kept.Documents[0], func() {
		for i := range given.Journal {
			clear(given.Journal[i].Bytes)
		}
		for i := range given.Blocks {
			spoil(&given.Blocks[i].Block)
		}
		clear(given.Documents[0].Value)
		clear(given.Journal)
		clear(given.Blocks)
		clear(given.Keys)
		clear(given.Documents)
		clear(list)
	}, err
}

// spoil changes everything that a shared block would share.
func spoil(b *creditledger.Block) {
	for i := range b.Filters {
		clear(b.Filters[i].Values)
		b.Filters[i].Operator = 1 - b.Filters[i].Operator
	}
	for k := range b.Metadata {
		b.Metadata[k] = "spoilt"
	}
	if b.Metadata != nil {
		b.Metadata["more"] = "spoilt"
	}
	b.Balance = amount(1)
}

func copiesIn(ctx context.Context, s creditledger.Store) error {
	b, record, scrawl, err := fullChange(ctx, s)
	if err != nil {
		return err
	}
	scrawl()
	return errors.Join(verifyAll(ctx, s, b), sameRecord(ctx, s, record.DocumentID, 1, record.Value))
}

func copiesOut(ctx context.Context, s creditledger.Store) error {
	b, record, _, err := fullChange(ctx, s)
	if err != nil {
		return err
	}
	for range 2 {
		if err := spoilAll(ctx, s, b, record.DocumentID); err != nil {
			return err
		}
		if err := errors.Join(verifyAll(ctx, s, b), sameRecord(ctx, s, record.DocumentID, 1, record.Value)); err != nil {
			return err
		}
	}
	return nil
}

// spoilAll changes whatever the reading methods return.
func spoilAll(ctx context.Context, s creditledger.Store, b *book, record creditledger.DocumentID) error {
	state, err0 := s.Load(ctx, b.id, nil)
	one, err1 := s.Block(ctx, b.id, sampleBlock(1).ID)
	blocks, err2 := s.Blocks(ctx, b.id, 1, 10)
	numbered, err3 := s.BlocksByNumber(ctx, b.id, []uint64{1, 2, 7})
	journal, err4 := s.Journal(ctx, b.id, 1, 10, false)
	accounts, err5 := s.Accounts(ctx, creditledger.AccountID{}, 10)
	r, err6 := s.Document(ctx, record)
	records, err7 := s.Documents(ctx, record.Kind, "", "", 10)
	if err := errors.Join(err0, err1, err2, err3, err4, err5, err6, err7); err != nil {
		return err
	}
	all := append(append([]creditledger.Block{one}, blocks...), numbered...)
	if state != nil {
		all = append(all, state.Blocks...)
		clear(state.Blocks)
		state.Head = creditledger.Head{}
	}
	for i := range all {
		spoil(&all[i])
	}
	for i := range journal {
		clear(journal[i].Bytes)
	}
	clear(journal)
	clear(blocks)
	clear(numbered)
	clear(accounts)
	clear(r.Value)
	for i := range records {
		clear(records[i].Value)
	}
	clear(records)
	return nil
}
