package storetest

import (
	"context"
	"errors"
	"fmt"

	"creditledger"
)

var conflictCases = []Case{
	{"conflict/version", "A change computed from another version than the stored one is a conflict, and nothing is written.", onStore(conflictVersion)},
	{"conflict/seal", "A change computed from another head of the same version is a conflict, and nothing is written.", onStore(conflictSeal)},
	{"conflict/key", "A key that the account has already is a conflict, and nothing is written.", onStore(conflictKey)},
	{"conflict/block id", "A new block with an id that the account has already, open or not, is a conflict, and nothing is written.", onStore(conflictBlockID)},
	{"conflict/record", "A record that is not at the version expected is a conflict, and nothing is written.", onStore(conflictRecord)},
	{"conflict/value", "A record that is at the version expected with another value is a conflict, and nothing is written.", onStore(conflictValue)},
	{"conflict/names", "A conflict names the accounts and records that moved, all of them and no others.", onStore(conflictNames)},
	{"conflict/atomic", "When one change of a commit conflicts, nothing of the others is written either.", onStore(conflictAtomic)},
}

// refused commits a change of b that must conflict, and checks that it left no trace.
func refused(ctx context.Context, s creditledger.Store, b *book, c creditledger.Change) error {
	err := conflict(s.Commit(ctx, []creditledger.Change{c}), []creditledger.AccountID{b.id}, nil)
	if err != nil {
		return err
	}
	if b.head.Version > 0 {
		return verifyAll(ctx, s, b)
	}
	return errors.Join(verifyAll(ctx, s), b.verify(ctx, s))
}

func conflictVersion(ctx context.Context, s creditledger.Store) error {
	b := &book{id: plain}
	ahead := &book{id: plain, head: creditledger.Head{Version: 3, Seal: sealAt(plain, 3)}}
	if err := refused(ctx, s, b, ahead.next(1, created(sampleBlock(1)))); err != nil {
		return fmt.Errorf("version 3 of an account never written: %w", err)
	}
	for range 2 {
		if err := b.commit(ctx, s, b.next(2, created(sampleBlock(b.head.Blocks+1)))); err != nil {
			return err
		}
	}
	for _, version := range []uint64{0, 1, 2, 3, 5, 1 << 40} {
		from := &book{id: plain, head: b.head}
		from.head.Version, from.head.Seal = version, sealAt(b.id, version)
		if err := refused(ctx, s, b, key(from.next(2, created(sampleBlock(9))), "k")); err != nil {
			return fmt.Errorf("a change from version %d of an account at 4: %w", version, err)
		}
	}
	return nil
}

// conflictSeal commits from the right version of another history. A process does that if
// it goes on working after an older copy of the database was put in place and others
// wrote to it.
func conflictSeal(ctx context.Context, s creditledger.Store) error {
	b := &book{id: plain}
	for range 2 {
		if err := b.commit(ctx, s, b.next(2, created(sampleBlock(b.head.Blocks+1)))); err != nil {
			return err
		}
	}
	lastBit := b.head.Seal
	lastBit[len(lastBit)-1] ^= 1
	for name, seal := range map[string]creditledger.Seal{"no": {}, "the earlier": sealAt(b.id, 3), "almost the same": lastBit} {
		for _, block := range []creditledger.StoredBlock{created(sampleBlock(3)), again(sampleBlock(2), true)} {
			from := &book{id: plain, head: b.head}
			from.head.Seal = seal
			if err := refused(ctx, s, b, key(from.next(1, block), "k")); err != nil {
				return fmt.Errorf("a change from version 4 with %s seal: %w", name, err)
			}
		}
	}
	return b.commit(ctx, s, key(b.next(1, created(sampleBlock(3))), "k"))
}

func conflictKey(ctx context.Context, s creditledger.Store) error {
	b := &book{id: plain}
	for _, text := range awkwardTexts {
		if err := b.commit(ctx, s, key(b.next(1), creditledger.Key(text))); err != nil {
			return err
		}
	}
	for _, text := range awkwardTexts {
		c := key(b.next(1, created(sampleBlock(b.head.Blocks+1))), "new", creditledger.Key(text))
		if err := refused(ctx, s, b, c); err != nil {
			return fmt.Errorf("key %q again: %w", text, err)
		}
	}
	return b.commit(ctx, s, key(b.next(1), "new"))
}

func conflictBlockID(ctx context.Context, s creditledger.Store) error {
	b := &book{id: plain}
	for i, text := range awkwardTexts {
		block := sampleBlock(uint64(i + 1))
		block.ID = text
		if err := b.commit(ctx, s, b.next(1, creditledger.StoredBlock{Block: block, Open: i%2 == 0, New: true})); err != nil {
			return err
		}
	}
	for _, text := range awkwardTexts {
		block := sampleBlock(b.head.Blocks + 2)
		block.ID = text
		if err := refused(ctx, s, b, b.next(1, created(sampleBlock(b.head.Blocks+1)), created(block))); err != nil {
			return fmt.Errorf("block id %q again: %w", text, err)
		}
	}
	return b.commit(ctx, s, b.next(1, created(sampleBlock(b.head.Blocks+1))))
}

func conflictRecord(ctx context.Context, s creditledger.Store) error {
	id := creditledger.DocumentID{Kind: "customer", Key: "é"}
	put := func(expect uint64) []creditledger.Change {
		return []creditledger.Change{{Documents: []creditledger.DocumentPut{
			over(creditledger.DocumentPut{DocumentID: id, Expect: expect, Value: sampleBytes("r", expect)}, sampleBytes("r", expect-1)),
		}}}
	}
	for version := range uint64(3) {
		for expect := range uint64(5) {
			if expect == version {
				continue
			}
			if err := conflict(s.Commit(ctx, put(expect)), nil, []creditledger.DocumentID{id}); err != nil {
				return fmt.Errorf("put expecting version %d of a record at %d: %w", expect, version, err)
			}
		}
		if version > 0 {
			if err := sameRecord(ctx, s, id, version, sampleBytes("r", version-1)); err != nil {
				return err
			}
		}
		if err := s.Commit(ctx, put(version)); err != nil {
			return fmt.Errorf("put expecting version %d of a record at %d: %w", version, version, err)
		}
	}
	return nil
}

// conflictValue puts over the right version of another value. A process does that if it
// goes on working after an older copy of the database was put in place and others wrote
// to it.
func conflictValue(ctx context.Context, s creditledger.Store) error {
	for _, value := range [][]byte{[]byte("value"), {}} {
		id := creditledger.DocumentID{Kind: "customer", Key: fmt.Sprintf("é%x", value)}
		put := func(expect uint64, prev creditledger.Seal, value []byte) error {
			c := creditledger.Change{Documents: []creditledger.DocumentPut{{DocumentID: id, Expect: expect, Prev: prev, Value: value}}}
			return s.Commit(ctx, []creditledger.Change{c})
		}
		if err := put(0, creditledger.Seal{}, value); err != nil {
			return err
		}
		stored := creditledger.SealOf(value)
		lastBit := stored
		lastBit[len(lastBit)-1] ^= 1
		for name, prev := range map[string]creditledger.Seal{"no": {}, "another": creditledger.SealOf([]byte("another")), "almost the same": lastBit} {
			if err := conflict(put(1, prev, []byte("late")), nil, []creditledger.DocumentID{id}); err != nil {
				return fmt.Errorf("a put over version 1 with %s seal: %w", name, err)
			}
		}
		if err := put(0, stored, value); !errors.Is(err, creditledger.ErrInvalid) {
			return fmt.Errorf("a first put that names a seal: error %v, want an InvalidError", err)
		}
		if err := sameRecord(ctx, s, id, 1, value); err != nil {
			return err
		}
		if err := put(1, stored, []byte("next")); err != nil {
			return fmt.Errorf("a put over what is stored: %w", err)
		}
	}
	return nil
}

// threeAccounts commits a block and a key each to three accounts, and a record.
func threeAccounts(ctx context.Context, s creditledger.Store) (books []*book, record creditledger.DocumentPut, err error) {
	record = creditledger.DocumentPut{DocumentID: creditledger.DocumentID{Kind: "invoice", Key: "1"}, Value: []byte("v")}
	for i := range 3 {
		b := &book{id: awkwardAccounts[i]}
		c := key(b.next(1, created(sampleBlock(1))), "key")
		if i == 0 {
			c.Documents = []creditledger.DocumentPut{record}
		}
		if err := b.commit(ctx, s, c); err != nil {
			return nil, record, err
		}
		books = append(books, b)
	}
	return books, record, nil
}

func conflictNames(ctx context.Context, s creditledger.Store) error {
	books, record, err := threeAccounts(ctx, s)
	if err != nil {
		return err
	}
	good := func(b *book) creditledger.Change { return b.next(1, created(sampleBlock(2))) }
	stale := func(b *book) creditledger.Change {
		return (&book{id: b.id}).next(1)
	}
	used := func(b *book) creditledger.Change { return key(b.next(1), "key") }
	taken := func(b *book) creditledger.Change { return b.next(1, created(sampleBlock(1))) }
	kinds := []func(*book) creditledger.Change{good, stale, used, taken}
	total := len(kinds) * len(kinds) * len(kinds) * 2
	for n := 1; n < total; n++ { // 0: all are good
		var list []creditledger.Change
		var accounts []creditledger.AccountID
		var records []creditledger.DocumentID
		rest := n / 2
		for _, b := range books {
			list = append(list, kinds[rest%len(kinds)](b))
			if rest%len(kinds) != 0 {
				accounts = append(accounts, b.id)
			}
			rest /= len(kinds)
		}
		if n%2 == 1 {
			list[n%3].Documents = []creditledger.DocumentPut{record}
			records = append(records, record.DocumentID)
		}
		if err := conflict(s.Commit(ctx, list), accounts, records); err != nil {
			return fmt.Errorf("combination %d: %w", n, err)
		}
	}
	return verifyAll(ctx, s, books...)
}

func conflictAtomic(ctx context.Context, s creditledger.Store) error {
	books, record, err := threeAccounts(ctx, s)
	if err != nil {
		return err
	}
	fresh := &book{id: awkwardAccounts[3]}
	second := creditledger.DocumentPut{DocumentID: creditledger.DocumentID{Kind: "invoice", Key: "2"}, Value: []byte("v")}
	for at := range 5 {
		list := []creditledger.Change{}
		for _, b := range append(books, fresh) {
			list = append(list, due(key(b.next(2, created(sampleBlock(2)), again(sampleBlock(1), false)), "other"), 1))
		}
		list[3].Blocks = list[3].Blocks[:1]
		list = append(list, creditledger.Change{Documents: []creditledger.DocumentPut{second}})
		var accounts []creditledger.AccountID
		var records []creditledger.DocumentID
		switch {
		case at < 3:
			list[at], accounts = key(list[at], "key"), []creditledger.AccountID{books[at].id}
		case at == 3:
			list[at].Version, list[at].Head.Version, accounts = 1, 3, []creditledger.AccountID{fresh.id}
			list[at].Prev = sealAt(fresh.id, 1)
			list[at].Journal[0].Seq, list[at].Journal[1].Seq = 2, 3
			list[at].Keys[0].Seq = 3
		default:
			list[4].Documents, records = append(list[4].Documents, record), []creditledger.DocumentID{record.DocumentID}
		}
		if err := conflict(s.Commit(ctx, list), accounts, records); err != nil {
			return fmt.Errorf("change %d of 5 conflicts: %w", at+1, err)
		}
		if err := nothingElse(ctx, s, books, fresh, second.DocumentID); err != nil {
			return fmt.Errorf("change %d of 5 conflicts: %w", at+1, err)
		}
	}
	return nil
}

// nothingElse checks that nothing of a refused commit is there: no account, block, key,
// due instant or document.
func nothingElse(ctx context.Context, s creditledger.Store, books []*book, fresh *book, record creditledger.DocumentID) error {
	errs := []error{verifyAll(ctx, s, append(books, fresh)...)}
	for _, b := range append(books, fresh) {
		_, err := s.Block(ctx, b.id, sampleBlock(2).ID)
		errs = append(errs, notFound(err))
		if seq, err := s.KeySeq(ctx, b.id, "other"); err != nil || seq != 0 {
			errs = append(errs, fmt.Errorf("KeySeq(%v) = %d, %v, want 0", b.id, seq, err))
		}
	}
	if ids, err := s.Due(ctx, instant(2), creditledger.DueAccount{}, 10); err != nil || len(ids) > 0 {
		errs = append(errs, fmt.Errorf("Due = %v, %v, want none", ids, err))
	}
	_, err := s.Document(ctx, record)
	return errors.Join(append(errs, notFound(err))...)
}
