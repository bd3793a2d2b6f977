package storetest_test

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"creditledger"
	"creditledger/store"
)

// listing is a store with another Accounts.
func listing(f func(s store.Store, ctx ctxt, after account, limit int) ([]account, error)) func() *broken {
	return func() *broken { return &broken{accounts: f} }
}

var accountMistakes = []mistake{
	{"orders accounts in lower case", "accounts/order", listing(func(s store.Store, ctx ctxt, after account, limit int) ([]account, error) {
		list, err := s.Accounts(ctx, after, limit)
		slices.SortFunc(list, func(a, b account) int {
			return cmp.Compare(strings.ToLower(a.Customer)+"\x00"+a.Currency, strings.ToLower(b.Customer)+"\x00"+b.Currency)
		})
		return list, err
	})},
	{"orders accounts by both names run together", "accounts/order", listing(func(s store.Store, ctx ctxt, after account, limit int) ([]account, error) {
		list, err := s.Accounts(ctx, after, limit)
		slices.SortFunc(list, func(a, b account) int {
			return cmp.Compare(a.Customer+"|"+a.Currency, b.Customer+"|"+b.Currency)
		})
		return list, err
	})},
	{"lists customers", "accounts/order", listing(func(s store.Store, ctx ctxt, after account, limit int) ([]account, error) {
		list, err := s.Accounts(ctx, after, limit)
		return slices.CompactFunc(list, func(a, b account) bool { return a.Customer == b.Customer }), err
	})},
	{"begins accounts with the one before", "accounts/pages", listing(func(s store.Store, ctx ctxt, after account, limit int) ([]account, error) {
		list, err := s.Accounts(ctx, account{}, everything)
		list = slices.DeleteFunc(list, func(id account) bool { return id.Compare(after) < 0 })
		return list[:min(limit, len(list))], err
	})},
	{"begins anew after an account it does not know", "accounts/pages", listing(func(s store.Store, ctx ctxt, after account, limit int) ([]account, error) {
		list, err := s.Accounts(ctx, account{}, everything)
		i := slices.Index(list, after)
		return list[i+1:][:min(limit, len(list)-i-1)], err
	})},
	{"does not look at the limit of accounts", "accounts/pages", listing(func(s store.Store, ctx ctxt, after account, _ int) ([]account, error) {
		return s.Accounts(ctx, after, everything)
	})},
}

// filing is a store with another Records.
func filing(f func(s store.Store, ctx ctxt, kind, prefix, after string, limit int) ([]creditledger.Document, error)) func() *broken {
	return func() *broken { return &broken{records: f} }
}

// listingKinds is a store that makes something else of its kinds.
func listingKinds(f func([]string) []string) func() *broken {
	return func() *broken {
		return &broken{kinds: func(s store.Store, ctx ctxt) ([]string, error) {
			kinds, err := s.(store.Kinder).Kinds(ctx)
			return f(kinds), err
		}}
	}
}

var recordMistakes = []mistake{
	{"gives every record version 1", "records/get", func() *broken {
		return &broken{record: func(s store.Store, ctx ctxt, id creditledger.DocumentID) (creditledger.Document, error) {
			r, err := s.Document(ctx, id)
			r.Version = min(r.Version, 1)
			return r, err
		}}
	}},
	{"counts the versions of records itself", "records/versions", changing(func(s store.Store, ctx ctxt, c *change) {
		for i := range c.Documents {
			c.Documents[i].Version = 0
		}
	})},
	{"lists a kind for every record", "records/kinds", listingKinds(func(kinds []string) []string { return append(kinds, kinds...) })},
	{"lists kinds by their length", "records/kinds", listingKinds(func(kinds []string) []string {
		slices.SortStableFunc(kinds, func(a, b string) int { return len(a) - len(b) })
		return kinds
	})},
	{"keeps the first value of a record", "records/get", changing(func(s store.Store, ctx ctxt, c *change) {
		for i := range c.Documents {
			if r, err := s.Document(ctx, c.Documents[i].DocumentID); err == nil {
				c.Documents[i].Value = r.Value
			}
		}
	})},
	{"returns a zero record for none", "records/not found", func() *broken {
		return &broken{record: func(s store.Store, ctx ctxt, id creditledger.DocumentID) (creditledger.Document, error) {
			r, err := s.Document(ctx, id)
			if errors.Is(err, creditledger.ErrNotFound) {
				return creditledger.Document{DocumentID: id}, nil
			}
			return r, err
		}}
	}},
	{"runs kind and key together", "records/not found", func() *broken {
		return &broken{record: func(s store.Store, ctx ctxt, id creditledger.DocumentID) (creditledger.Document, error) {
			r, err := s.Document(ctx, id)
			if id.Kind == "kin" {
				return s.Document(ctx, creditledger.DocumentID{Kind: "kind", Key: strings.TrimPrefix(id.Key, "d")})
			}
			return r, err
		}}
	}},
	{"does not look at the prefix", "records/pages", filing(func(s store.Store, ctx ctxt, kind, _, after string, limit int) ([]creditledger.Document, error) {
		return s.Documents(ctx, kind, "", after, limit)
	})},
	{"takes a prefix for a pattern", "records/pages", filing(func(s store.Store, ctx ctxt, kind, prefix, after string, limit int) ([]creditledger.Document, error) {
		return s.Documents(ctx, kind, strings.TrimRight(prefix, "%_"), after, limit)
	})},
	{"does not look at the kind", "records/pages", filing(func(s store.Store, ctx ctxt, kind, prefix, after string, limit int) ([]creditledger.Document, error) {
		list, err := s.Documents(ctx, kind, prefix, after, limit)
		more, errMore := s.Documents(ctx, kind+"k", prefix, after, limit)
		return append(list, more...), errors.Join(err, errMore)
	})},
	{"begins records with the one before", "records/pages", filing(func(s store.Store, ctx ctxt, kind, prefix, after string, limit int) ([]creditledger.Document, error) {
		list, err := s.Documents(ctx, kind, prefix, "", everything)
		list = slices.DeleteFunc(list, func(r creditledger.Document) bool { return r.Key < after })
		return list[:min(limit, len(list))], err
	})},
	{"returns a record more than the limit", "records/pages", filing(func(s store.Store, ctx ctxt, kind, prefix, after string, limit int) ([]creditledger.Document, error) {
		return s.Documents(ctx, kind, prefix, after, limit+min(1, everything-limit))
	})},
	{"orders records in lower case", "records/pages", filing(func(s store.Store, ctx ctxt, kind, prefix, after string, limit int) ([]creditledger.Document, error) {
		list, err := s.Documents(ctx, kind, prefix, after, limit)
		slices.SortStableFunc(list, func(a, b creditledger.Document) int {
			return cmp.Compare(strings.ToLower(a.Key), strings.ToLower(b.Key))
		})
		return list, err
	})},
}
