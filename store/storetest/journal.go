package storetest

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"slices"

	"creditledger"
)

var journalCases = []Case{
	{"journal/bytes", "Journal records come back byte for byte, whatever bytes they are.", onStore(journalBytes)},
	{"journal/forward", "Journal without reverse returns up to limit records from the one asked for, ascending.", onStore(journalForward)},
	{"journal/reverse", "Journal with reverse returns up to limit records from the one asked for, descending.", onStore(journalReverse)},
	{"journal/texts", "Texts lie beside the records that they were committed with, and in their place those that a later change puts; nothing, where it puts none.", onStore(journalTexts)},
	{"keys/found", "KeySeq tells which journal record a key of the account stands for.", onStore(keysFound)},
	{"keys/unknown", "KeySeq of a key that the account does not have is 0, also when another account has it or one like it.", onStore(keysUnknown)},
}

func journalBytes(ctx context.Context, s creditledger.Store) error {
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	b := &book{id: plain}
	c := b.next(6)
	c.Journal[0].Bytes = []byte{0}
	c.Journal[1].Bytes = every
	c.Journal[2].Bytes = bytes.Repeat(every, 400)
	c.Journal[3].Bytes = []byte("\xff\xfe not UTF-8")
	c.Journal[4].Bytes = bytes.Repeat([]byte{0xff}, 10_000)
	c.Journal[5].Bytes = []byte("'); --\n\r\\ ")
	if err := b.commit(ctx, s, c); err != nil {
		return err
	}
	return b.verifyJournal(ctx, s)
}

func journalTexts(ctx context.Context, s creditledger.Store) error {
	books := []*book{{id: awkwardAccounts[0]}, {id: awkwardAccounts[1]}}
	for _, b := range books {
		c := b.next(100)
		for i := range c.Journal {
			c.Journal[i].Texts = bytes.Repeat([]byte("'\x00\xff text"), i*i)
		}
		if err := b.commit(ctx, s, c); err != nil {
			return err
		}
	}
	b := books[0]
	c := b.next(1)
	for _, seq := range []uint64{2, 32, 33, 64, 99, 100} {
		c.Texts = append(c.Texts, creditledger.RecordTexts{Seq: seq, Texts: sampleTexts(seq)})
	}
	if err := b.commit(ctx, s, c); err != nil {
		return err
	}
	c = b.next(2)
	c.Texts = []creditledger.RecordTexts{{Seq: 64}, {Seq: 101}}
	if err := b.commit(ctx, s, c); err != nil {
		return err
	}
	stale := b.next(1)
	stale.Version--
	stale.Prev, stale.Journal[0].Seq, stale.Head.Version = sealAt(b.id, stale.Version), stale.Version+1, stale.Version+1
	stale.Texts = []creditledger.RecordTexts{{Seq: 50}}
	if err := conflict(s.Commit(ctx, []creditledger.Change{stale}), []creditledger.AccountID{b.id}, nil); err != nil {
		return fmt.Errorf("texts that are put by a change that comes too late: %w", err)
	}
	return verifyAll(ctx, s, books...)
}

const manyRecords = 700 // more than fits on a page, and past two bytes' ends

// manyJournals writes long journals to three neighbouring accounts, in turns.
func manyJournals(ctx context.Context, s creditledger.Store) (*book, error) {
	var books []*book
	for i := range 3 {
		books = append(books, &book{id: awkwardAccounts[i]})
	}
	for books[2].head.Version < manyRecords {
		for _, b := range books {
			if err := b.commit(ctx, s, b.next(100)); err != nil {
				return nil, err
			}
		}
	}
	return books[0], nil
}

// journalPages asks for pages that end before, at and after both ends.
func journalPages(ctx context.Context, s creditledger.Store, reverse bool, want func(journal []creditledger.JournalRecord, from uint64) []creditledger.JournalRecord) error {
	b, err := manyJournals(ctx, s)
	if err != nil {
		return err
	}
	for _, from := range []uint64{0, 1, 2, 3, 254, 255, 256, 257, 511, 512, manyRecords - 1, manyRecords, manyRecords + 1, math.MaxUint64} {
		for _, limit := range []int{0, 1, 2, 255, 256, manyRecords, manyRecords + 1, math.MaxInt} {
			page := want(b.journal, from)
			page = page[:min(limit, len(page))]
			got, err := s.Journal(ctx, b.id, from, limit, reverse)
			if err == nil {
				err = sameJournal(got, page)
			}
			if err != nil {
				return fmt.Errorf("Journal(from %d, limit %d, reverse %t): %w", from, limit, reverse, err)
			}
		}
	}
	if got, err := s.Journal(ctx, awkwardAccounts[9], 1, 10, reverse); err != nil || len(got) > 0 {
		return fmt.Errorf("Journal of an account never written = %v, %v", got, err)
	}
	return nil
}

func journalForward(ctx context.Context, s creditledger.Store) error {
	return journalPages(ctx, s, false, func(journal []creditledger.JournalRecord, from uint64) []creditledger.JournalRecord {
		return journal[min(max(from, 1)-1, uint64(len(journal))):]
	})
}

func journalReverse(ctx context.Context, s creditledger.Store) error {
	return journalPages(ctx, s, true, func(journal []creditledger.JournalRecord, from uint64) []creditledger.JournalRecord {
		page := slices.Clone(journal[:min(from, uint64(len(journal)))])
		slices.Reverse(page)
		return page
	})
}

func keysFound(ctx context.Context, s creditledger.Store) error {
	b := &book{id: plain}
	for _, text := range awkwardTexts {
		if err := b.commit(ctx, s, key(b.next(2), creditledger.Key(text))); err != nil {
			return err
		}
	}
	// Several keys in one change, for different records.
	c := b.next(300)
	for _, seq := range []uint64{3, 1, 2, 256, 300} {
		k := creditledger.Key(fmt.Sprint("record ", seq))
		c.Keys = append(c.Keys, creditledger.KeyedRecord{Key: k, Seq: c.Version + seq})
	}
	if err := b.commit(ctx, s, c); err != nil {
		return err
	}
	return b.verifyKeys(ctx, s)
}

func keysUnknown(ctx context.Context, s creditledger.Store) error {
	for i, text := range awkwardTexts {
		b := &book{id: awkwardAccounts[i]}
		if err := b.commit(ctx, s, key(b.next(1), creditledger.Key(text))); err != nil {
			return err
		}
	}
	for i := range awkwardAccounts {
		for j, text := range awkwardTexts {
			want := uint64(0)
			if i == j {
				want = 1
			}
			seq, err := s.KeySeq(ctx, awkwardAccounts[i], creditledger.Key(text))
			if err != nil || seq != want {
				return fmt.Errorf("KeySeq(%v, %q) = %d, %v, want %d", awkwardAccounts[i], text, seq, err, want)
			}
		}
	}
	return nil
}
