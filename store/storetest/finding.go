package storetest

import (
	"context"
	"fmt"
	"math"
	"slices"

	"creditledger"
)

var findingCases = []Case{
	{"finding/accounts of a block", "AccountsOfBlock lists the accounts that have a block with an id, in order, in pages up to the limit, and no others.", onStore(accountsOfBlock)},
	{"finding/expiry", "HasExpiry tells an expiry that a block of the account has, open or not, from one that none has.", onStore(hasExpiry)},
}

// accountsOfBlock gives every account a block of its own and every other one a block
// whose id they share, closed in some.
func accountsOfBlock(ctx context.Context, s creditledger.Store) error {
	const shared = "k"
	var having []creditledger.AccountID
	var books []*book
	for i, id := range awkwardAccounts {
		b := &book{id: id}
		books = append(books, b)
		own, common := sampleBlock(1), sampleBlock(2)
		own.ID, common.ID = pick(awkwardTexts, i)+" of", shared
		blocks := []creditledger.StoredBlock{created(own)}
		if i%2 == 0 {
			blocks = append(blocks, creditledger.StoredBlock{Block: common, New: true, Open: i%4 == 0})
			having = append(having, id)
		}
		if err := b.commit(ctx, s, b.next(1, blocks...)); err != nil {
			return err
		}
	}
	slices.SortFunc(having, creditledger.AccountID.Compare)
	for _, limit := range []int{0, 1, 2, len(having), math.MaxInt} {
		for i := -1; i < len(having); i++ {
			after, want := creditledger.AccountID{}, having
			if i >= 0 {
				after, want = having[i], having[i+1:]
			}
			want = want[:min(limit, len(want))]
			got, err := s.AccountsOfBlock(ctx, shared, after, limit)
			if err != nil || !slices.Equal(got, want) {
				return fmt.Errorf("AccountsOfBlock(%q, after %v, %d) = %v, %v, want %v", shared, after, limit, got, err, want)
			}
		}
	}
	for _, b := range books {
		own := b.blocks[0].ID
		var want []creditledger.AccountID
		for _, other := range books {
			if slices.ContainsFunc(other.blocks, func(x creditledger.StoredBlock) bool { return x.ID == own }) {
				want = append(want, other.id)
			}
		}
		slices.SortFunc(want, creditledger.AccountID.Compare)
		got, err := s.AccountsOfBlock(ctx, own, creditledger.AccountID{}, math.MaxInt)
		if err != nil || !slices.Equal(got, want) {
			return fmt.Errorf("AccountsOfBlock(%q) = %v, %v, want %v", own, got, err, want)
		}
	}
	for _, id := range []string{"K", "k ", "kk", "k\u0301", "none", awkwardTexts[len(awkwardTexts)-1]} {
		if got, err := s.AccountsOfBlock(ctx, id, creditledger.AccountID{}, 10); err != nil || len(got) > 0 {
			return fmt.Errorf("AccountsOfBlock(%q) = %v, %v, and nobody has it", id, got, err)
		}
	}
	return verifyAll(ctx, s, books...)
}

func hasExpiry(ctx context.Context, s creditledger.Store) error {
	b, other := &book{id: awkwardAccounts[0]}, &book{id: awkwardAccounts[1]}
	for i, book := range []*book{b, other} {
		var blocks []creditledger.StoredBlock
		for n := range uint64(6) {
			block := sampleBlock(n + 1)
			block.ExpiresAt = instant(1) + creditledger.Instant(1000*i) + creditledger.Instant(n/2) // two of each
			blocks = append(blocks, creditledger.StoredBlock{Block: block, New: true, Open: n%2 == 0})
		}
		if err := book.commit(ctx, s, book.next(1, blocks...)); err != nil {
			return err
		}
	}
	closed := b.blocks[0].Block
	if err := b.commit(ctx, s, b.next(1, again(closed, false))); err != nil {
		return err
	}
	for at := instant(1) - 2; at < instant(1)+6; at++ {
		want := at >= instant(1) && at < instant(1)+3
		if got, err := s.HasExpiry(ctx, b.id, at); err != nil || got != want {
			return fmt.Errorf("HasExpiry(%v, %v) = %t, %v, want %t", b.id, at, got, err, want)
		}
	}
	for _, id := range awkwardAccounts[1:] {
		if got, err := s.HasExpiry(ctx, id, instant(1)); err != nil || got {
			return fmt.Errorf("HasExpiry(%v, %v) = %t, %v, of another account's expiry", id, instant(1), got, err)
		}
	}
	return nil
}
