package storetest

import (
	"context"
	"fmt"
	"math"
	"slices"

	"creditledger"
)

var accountCases = []Case{
	{"accounts/order", "Accounts returns every account once, in the order of AccountID.Compare.", onStore(accountsOrder)},
	{"accounts/pages", "Accounts returns up to limit accounts after the given one, which need not exist.", onStore(accountsPages)},
	{"due/order", "Due returns the accounts whose NextDue is at or before the instant, in the order of DueAccount.Compare.", onStore(dueOrder)},
	{"due/pages", "Due returns up to limit accounts after the given one, which need not be due.", onStore(duePages)},
	{"due/update", "Due follows the head: an account is due by its present NextDue and no earlier one.", onStore(dueUpdate)},
	{"due/many", "Due stays in order and complete when very many accounts are due.", onStore(dueMany)},
}

// everyAccount writes accounts with all the awkward names, in some other order, and
// returns them in order.
func everyAccount(ctx context.Context, s creditledger.Store, nextDue func(i int) creditledger.Instant) ([]creditledger.AccountID, error) {
	for i := range awkwardAccounts {
		b := &book{id: awkwardAccounts[i*8%len(awkwardAccounts)]}
		if err := b.commit(ctx, s, due(b.next(1), nextDue(i))); err != nil {
			return nil, err
		}
		if err := b.commit(ctx, s, b.next(1)); err != nil { // an account that is written twice must not be listed twice
			return nil, err
		}
	}
	return slices.SortedFunc(slices.Values(awkwardAccounts), creditledger.AccountID.Compare), nil
}

// someAccounts are accounts that nobody wrote.
var someAccounts = []creditledger.AccountID{{}, {Customer: "a"}, {Customer: "a", Currency: "c"},
	{Customer: "aa", Currency: "zzz"}, {Customer: "a\u00a0", Currency: "d"}, {Customer: "\U0010FFFF"}}

// listPages compares pages of a listing with the parts of a list in order, after every item of
// the list and after some others.
func listPages[T interface {
	comparable
	Compare(T) int
}](all, others []T, list func(after T, limit int) ([]T, error)) error {
	for _, after := range slices.Concat(others, all) {
		rest := slices.Clone(all)
		rest = slices.DeleteFunc(rest, func(d T) bool { return d.Compare(after) <= 0 })
		for _, limit := range []int{0, 1, 2, 5, len(all), math.MaxInt} {
			want := rest[:min(limit, len(rest))]
			got, err := list(after, limit)
			if err != nil || !slices.Equal(got, want) {
				return fmt.Errorf("after %v, limit %d: %v, %v, want %v", after, limit, got, err, want)
			}
		}
	}
	return nil
}

func noDue(int) creditledger.Instant { return 0 }

func accountsOrder(ctx context.Context, s creditledger.Store) error {
	if got, err := s.Accounts(ctx, creditledger.AccountID{}, 10); err != nil || len(got) > 0 {
		return fmt.Errorf("Accounts of an empty store = %v, %v", got, err)
	}
	all, err := everyAccount(ctx, s, noDue)
	if err != nil {
		return err
	}
	got, err := s.Accounts(ctx, creditledger.AccountID{}, math.MaxInt)
	if err != nil || !slices.Equal(got, all) {
		return fmt.Errorf("Accounts = %v, %v, want %v", got, err, all)
	}
	return nil
}

func accountsPages(ctx context.Context, s creditledger.Store) error {
	all, err := everyAccount(ctx, s, noDue)
	if err != nil {
		return err
	}
	return listPages(all, someAccounts, func(after creditledger.AccountID, limit int) ([]creditledger.AccountID, error) {
		return s.Accounts(ctx, after, limit)
	})
}

func dueOrder(ctx context.Context, s creditledger.Store) error {
	nextDue := make(map[creditledger.AccountID]creditledger.Instant)
	all, err := everyAccount(ctx, s, func(i int) creditledger.Instant {
		at := instant(0) + creditledger.Instant(i/2) // two accounts are due at each instant
		if i%4 == 3 {
			at = 0
		}
		nextDue[awkwardAccounts[i*8%len(awkwardAccounts)]] = at
		return at
	})
	if err != nil {
		return err
	}
	for by := instant(0) - 1; by < instant(0)+creditledger.Instant(len(all)); by++ {
		var want []creditledger.DueAccount
		for _, id := range all {
			if at := nextDue[id]; at != 0 && at <= by {
				want = append(want, creditledger.DueAccount{At: at, Account: id})
			}
		}
		slices.SortFunc(want, creditledger.DueAccount.Compare)
		got, err := s.Due(ctx, by, creditledger.DueAccount{}, math.MaxInt)
		if err != nil || !slices.Equal(got, want) {
			return fmt.Errorf("Due(by %v) = %v, %v, want %v", by, got, err, want)
		}
	}
	if got, err := s.Due(ctx, 0, creditledger.DueAccount{}, math.MaxInt); err != nil || len(got) > 0 {
		return fmt.Errorf("Due(by none) = %v, %v, want none", got, err)
	}
	return nil
}

func duePages(ctx context.Context, s creditledger.Store) error {
	const never, together = 5, 4 // the index of one that is never due, and how many are due at once
	var due []creditledger.DueAccount
	_, err := everyAccount(ctx, s, func(i int) creditledger.Instant {
		if i == never {
			return instant(0) + 1
		}
		at := instant(0) - creditledger.Instant(i/together)
		due = append(due, creditledger.DueAccount{At: at, Account: awkwardAccounts[i*8%len(awkwardAccounts)]})
		return at
	})
	if err != nil {
		return err
	}
	slices.SortFunc(due, creditledger.DueAccount.Compare)
	var others []creditledger.DueAccount
	for i, id := range someAccounts {
		others = append(others, creditledger.DueAccount{At: instant(0) - creditledger.Instant(i), Account: id})
	}
	others = append(others, creditledger.DueAccount{}, creditledger.DueAccount{At: instant(0) + 1}, creditledger.DueAccount{At: 1, Account: someAccounts[2]})
	return listPages(due, others, func(after creditledger.DueAccount, limit int) ([]creditledger.DueAccount, error) {
		return s.Due(ctx, instant(0), after, limit)
	})
}

func dueUpdate(ctx context.Context, s creditledger.Store) error {
	one, two := &book{id: awkwardAccounts[0]}, &book{id: awkwardAccounts[3]}
	if err := two.commit(ctx, s, due(two.next(1), 500)); err != nil {
		return err
	}
	for i, at := range []creditledger.Instant{500, 0, 700, 300, 300, 0, 1, instant(2), 0} {
		if err := one.commit(ctx, s, due(one.next(1), at)); err != nil {
			return err
		}
		for _, by := range []creditledger.Instant{1, 299, 300, 499, 500, 699, 700, instant(2)} {
			var want []creditledger.DueAccount
			if at != 0 && at <= by {
				want = append(want, creditledger.DueAccount{At: at, Account: one.id})
			}
			if by >= 500 {
				want = append(want, creditledger.DueAccount{At: 500, Account: two.id})
			}
			slices.SortFunc(want, creditledger.DueAccount.Compare)
			got, err := s.Due(ctx, by, creditledger.DueAccount{}, 10)
			if err != nil || !slices.Equal(got, want) {
				return fmt.Errorf("after change %d, to %d: Due(by %d) = %v, %v, want %v", i+1, at, by, got, err, want)
			}
		}
	}
	return nil
}

func dueMany(ctx context.Context, s creditledger.Store) error {
	const count, commits = 10_500, 3
	var all []creditledger.DueAccount
	for range commits {
		var list []creditledger.Change
		for range count / commits {
			n := len(all)
			b := &book{id: creditledger.AccountID{Customer: fmt.Sprintf("%05d", n*37%count), Currency: "credits"}}
			at := creditledger.Instant(1 + n%100)
			list = append(list, due(b.next(1), at))
			all = append(all, creditledger.DueAccount{At: at, Account: b.id})
		}
		if err := s.Commit(ctx, list); err != nil {
			return fmt.Errorf("Commit of %d accounts: %w", len(list), err)
		}
	}
	slices.SortFunc(all, creditledger.DueAccount.Compare)
	var got []creditledger.DueAccount
	after := creditledger.DueAccount{}
	for len(got) <= len(all) {
		page, err := s.Due(ctx, 100, after, 2000)
		if err != nil {
			return fmt.Errorf("Due(after %v): %w", after, err)
		}
		if len(page) == 0 {
			break
		}
		got = append(got, page...)
		after = page[len(page)-1]
	}
	if !slices.Equal(got, all) {
		return fmt.Errorf("Due, page after page: %d accounts, want all %d in order", len(got), len(all))
	}
	return nil
}
