package storetest_test

import (
	"bytes"
	"cmp"
	"errors"
	"slices"
	"strings"

	"creditledger"
	"creditledger/store"
)

var blockMistakes = []mistake{
	{"cuts a block's instants to milliseconds", "load/fields", blocksOf(func(b *creditledger.StoredBlock) { b.EffectiveAt = milliseconds(b.EffectiveAt) })},
	{"takes amounts for floats", "load/fields", blocksOf(func(b *creditledger.StoredBlock) {
		if len(b.Balance.String()) > 17 {
			b.Balance = creditledger.AmountOf(1 << 53)
		}
	})},
	{"rounds amounts to two places", "load/fields", blocksOf(func(b *creditledger.StoredBlock) {
		whole, places, _ := strings.Cut(b.Balance.String(), ".")
		b.Balance = creditledger.MustAmount(whole + "." + (places + "00")[:2])
	})},
	{"strips the digits of a cost basis", "load/fields", blocksOf(func(b *creditledger.StoredBlock) {
		if b.CostBasis.IsSet() {
			b.CostBasis = creditledger.MustCostBasis(b.CostBasis.Amount().String())
		}
	})},
	{"takes no cost basis for 0", "load/fields", blocksOf(func(b *creditledger.StoredBlock) {
		if !b.CostBasis.IsSet() {
			b.CostBasis = creditledger.MustCostBasis("0")
		}
	})},
	{"forgets metadata", "load/fields", blocksOf(func(b *creditledger.StoredBlock) { b.Metadata = nil })},
	{"sorts the values of filters", "load/fields", blocksOf(func(b *creditledger.StoredBlock) {
		b.Filters = slices.Clone(b.Filters)
		for i := range b.Filters {
			b.Filters[i].Values = slices.Sorted(slices.Values(b.Filters[i].Values))
		}
	})},
	{"keeps priorities in 16 bits", "load/fields", blocksOf(func(b *creditledger.StoredBlock) { b.Priority = int32(int16(b.Priority)) })},
	{"finds a block of any account", "blocks/not found", func() *broken {
		return &broken{block: func(s store.Store, ctx ctxt, id account, blockID string) (block, error) {
			all, err := s.Accounts(ctx, account{}, everything)
			for _, other := range append([]account{id}, all...) {
				if b, err := s.Block(ctx, other, blockID); err == nil {
					return b, nil
				}
			}
			return block{}, errors.Join(err, &creditledger.NotFoundError{Kind: "block", ID: blockID})
		}}
	}},
	{"returns a zero block for none", "blocks/not found", func() *broken {
		return &broken{block: func(s store.Store, ctx ctxt, id account, blockID string) (block, error) {
			b, err := s.Block(ctx, id, blockID)
			if errors.Is(err, creditledger.ErrNotFound) {
				err = nil
			}
			return b, err
		}}
	}},
	{"finds open blocks only", "blocks/by id", func() *broken {
		return &broken{block: func(s store.Store, ctx ctxt, id account, blockID string) (block, error) {
			state, err := s.Load(ctx, id, nil)
			if err != nil {
				return block{}, err
			}
			for _, b := range state.Blocks {
				if b.ID == blockID {
					return b, nil
				}
			}
			return block{}, &creditledger.NotFoundError{Kind: "block", ID: blockID}
		}}
	}},
	{"finds blocks by ids in lower case", "blocks/by id", blocksOf(func(b *creditledger.StoredBlock) {
		if b.ID == "K" {
			b.ID = "k"
		}
	})},
	{"returns named blocks in the order of their numbers", "blocks/by ids", func() *broken {
		return &broken{ids: func(s store.Store, ctx ctxt, id account, ids []string) ([]block, error) {
			list, err := s.BlocksByID(ctx, id, ids)
			slices.SortFunc(list, func(a, b block) int { return cmp.Compare(a.Number, b.Number) })
			return list, err
		}}
	}},
	{"returns a named block once", "blocks/by ids", func() *broken {
		return &broken{ids: func(s store.Store, ctx ctxt, id account, ids []string) ([]block, error) {
			list, err := s.BlocksByID(ctx, id, ids)
			return slices.CompactFunc(list, func(a, b block) bool { return a.ID == b.ID }), err
		}}
	}},
	{"refuses all named blocks for one that is missing", "blocks/by ids", func() *broken {
		return &broken{ids: func(s store.Store, ctx ctxt, id account, ids []string) ([]block, error) {
			list, err := s.BlocksByID(ctx, id, ids)
			if err == nil && len(list) < len(ids) {
				err = &creditledger.NotFoundError{Kind: "block"}
			}
			return list, err
		}}
	}},
	{"returns a zero block for a named one that is missing", "blocks/by ids", func() *broken {
		return &broken{ids: func(s store.Store, ctx ctxt, id account, ids []string) ([]block, error) {
			list, err := s.BlocksByID(ctx, id, ids)
			return append(list, make([]block, len(ids)-len(list))...), err
		}}
	}},
	{"begins a page of blocks behind its first", "blocks/pages", func() *broken {
		return &broken{blocks: func(s store.Store, ctx ctxt, id account, from uint64, limit int) ([]block, error) {
			return s.Blocks(ctx, id, from+1, limit)
		}}
	}},
	{"returns a block more than the limit", "blocks/pages", func() *broken {
		return &broken{blocks: func(s store.Store, ctx ctxt, id account, from uint64, limit int) ([]block, error) {
			return s.Blocks(ctx, id, from, limit+min(1, everything-limit))
		}}
	}},
	{"orders blocks as text", "blocks/pages", func() *broken {
		return &broken{blocks: func(s store.Store, ctx ctxt, id account, from uint64, limit int) ([]block, error) {
			list, err := s.Blocks(ctx, id, from, limit)
			slices.SortFunc(list, func(a, b block) int { return cmp.Compare(a.ID, b.ID) })
			return list, err
		}}
	}},
	{"returns numbered blocks in ascending order", "blocks/by number", func() *broken {
		return &broken{numbers: func(s store.Store, ctx ctxt, id account, numbers []uint64) ([]block, error) {
			return s.BlocksByNumber(ctx, id, slices.Sorted(slices.Values(numbers)))
		}}
	}},
	{"leaves missing numbers out", "blocks/number not found", func() *broken {
		return &broken{numbers: func(s store.Store, ctx ctxt, id account, numbers []uint64) (list []block, err error) {
			for _, n := range numbers {
				if b, err := s.BlocksByNumber(ctx, id, []uint64{n}); err == nil {
					list = append(list, b...)
				}
			}
			return list, nil
		}}
	}},
}

// reading is a store that reads the journal from elsewhere.
func reading(f func(from uint64, limit int, reverse bool) (uint64, int, bool)) func() *broken {
	return func() *broken {
		return &broken{journal: func(s store.Store, ctx ctxt, id account, from uint64, limit int, reverse bool) ([]record, error) {
			from, limit, reverse = f(from, limit, reverse)
			return s.Journal(ctx, id, from, limit, reverse)
		}}
	}
}

var journalMistakes = []mistake{
	{"reads a record more", "journal/forward", reading(func(from uint64, limit int, reverse bool) (uint64, int, bool) {
		return from, limit + min(1, everything-limit), reverse
	})},
	{"reads a record less, but one", "journal/reverse", reading(func(from uint64, limit int, reverse bool) (uint64, int, bool) {
		if limit > 1 {
			limit--
		}
		return from, limit, reverse
	})},
	{"reads everything when the limit is 0", "journal/forward", reading(func(from uint64, limit int, reverse bool) (uint64, int, bool) {
		if limit == 0 {
			limit = everything
		}
		return from, limit, reverse
	})},
	{"begins forward behind the first", "journal/forward", reading(func(from uint64, limit int, reverse bool) (uint64, int, bool) {
		if !reverse && from+1 != 0 {
			from++
		}
		return from, limit, reverse
	})},
	{"begins reverse before the first", "journal/reverse", reading(func(from uint64, limit int, reverse bool) (uint64, int, bool) {
		if reverse && from > 0 {
			from--
		}
		return from, limit, reverse
	})},
	{"takes reverse from 0 for reverse from the end", "journal/reverse", reading(func(from uint64, limit int, reverse bool) (uint64, int, bool) {
		if reverse && from == 0 {
			from--
		}
		return from, limit, reverse
	})},
	{"never reads in reverse", "journal/reverse", reading(func(from uint64, limit int, _ bool) (uint64, int, bool) {
		return from, limit, false
	})},
	{"reads the first page and turns it round", "journal/reverse", func() *broken {
		return &broken{journal: func(s store.Store, ctx ctxt, id account, from uint64, limit int, reverse bool) ([]record, error) {
			if !reverse {
				return s.Journal(ctx, id, from, limit, false)
			}
			list, err := s.Journal(ctx, id, 0, limit, false)
			list = slices.DeleteFunc(list, func(r record) bool { return r.Seq > from })
			slices.Reverse(list)
			return list, err
		}}
	}},
	{"takes journal bytes for text", "journal/bytes", changing(func(_ store.Store, _ ctxt, c *change) {
		for i := range c.Journal {
			c.Journal[i].Bytes = bytes.ToValidUTF8(c.Journal[i].Bytes, []byte("\uFFFD"))
		}
	})},
	{"ends journal bytes at a zero", "journal/bytes", changing(func(_ store.Store, _ ctxt, c *change) {
		for i := range c.Journal {
			c.Journal[i].Bytes, _, _ = bytes.Cut(c.Journal[i].Bytes, []byte{0})
		}
	})},
	{"keeps 64 KiB of a journal record", "journal/bytes", changing(func(_ store.Store, _ ctxt, c *change) {
		for i := range c.Journal {
			c.Journal[i].Bytes = c.Journal[i].Bytes[:min(1<<16, len(c.Journal[i].Bytes))]
		}
	})},
}

// asking is a store that looks for another key.
func asking(f func(id account, key creditledger.Key) (account, creditledger.Key)) func() *broken {
	return func() *broken {
		return &broken{keySeq: func(s store.Store, ctx ctxt, id account, key creditledger.Key) (uint64, error) {
			id, key = f(id, key)
			return s.KeySeq(ctx, id, key)
		}}
	}
}

// holding is a store that looks for a block otherwise.
func holding(f func(s store.Store, ctx ctxt, blockID string, after account, limit int) ([]account, error)) func() *broken {
	return func() *broken { return &broken{holders: f} }
}

var findingMistakes = []mistake{
	{"finds the first account of a block only", "finding/accounts of a block", holding(func(s store.Store, ctx ctxt, blockID string, after account, limit int) ([]account, error) {
		return s.AccountsOfBlock(ctx, blockID, after, min(limit, 1))
	})},
	{"lists the accounts of a block from the one given", "finding/accounts of a block", holding(func(s store.Store, ctx ctxt, blockID string, after account, limit int) ([]account, error) {
		after.Currency = strings.TrimSuffix(after.Currency, "s")
		return s.AccountsOfBlock(ctx, blockID, after, limit)
	})},
	{"finds blocks without regard to case", "finding/accounts of a block", holding(func(s store.Store, ctx ctxt, blockID string, after account, limit int) ([]account, error) {
		return s.AccountsOfBlock(ctx, strings.ToLower(blockID), after, limit)
	})},
	{"knows only the expiries of open blocks", "finding/expiry", func() *broken {
		return &broken{expiry: func(s store.Store, ctx ctxt, id account, at instant) (bool, error) {
			state, err := s.Load(ctx, id, nil)
			return err == nil && slices.ContainsFunc(state.Blocks, func(b block) bool { return b.ExpiresAt == at }), err
		}}
	}},
	{"knows expiries over all accounts", "finding/expiry", func() *broken {
		return &broken{expiry: func(s store.Store, ctx ctxt, id account, at instant) (bool, error) {
			all, err := s.Accounts(ctx, account{}, 1000)
			for _, id := range all {
				if has, err := s.HasExpiry(ctx, id, at); has || err != nil {
					return has, err
				}
			}
			return false, err
		}}
	}},
}

var textMistakes = []mistake{
	{"forgets texts", "journal/texts", changing(func(_ store.Store, _ ctxt, c *change) {
		for i := range c.Journal {
			c.Journal[i].Texts = nil
		}
	})},
	{"keeps texts that are taken away", "journal/texts", changing(func(_ store.Store, _ ctxt, c *change) {
		c.Texts = slices.DeleteFunc(c.Texts, func(t creditledger.RecordTexts) bool { return len(t.Texts) == 0 })
	})},
	{"takes texts away that are to be replaced", "journal/texts", changing(func(_ store.Store, _ ctxt, c *change) {
		for i := range c.Texts {
			c.Texts[i].Texts = nil
		}
	})},
	{"does not look at the version before it takes texts away", "journal/texts", changing(func(s store.Store, ctx ctxt, c *change) {
		if len(c.Texts) > 0 {
			rebase(s, ctx, c)
		}
	})},
	{"shows records without texts", "snapshot/all", func() *broken {
		return &broken{snapshot: func(s store.Store, ctx ctxt, id account, g func(creditledger.Snapshot) error) error {
			return s.Snapshot(ctx, id, func(snap creditledger.Snapshot) error { return g(textless{snap}) })
		}}
	}},
}

// textless is a snapshot that shows no texts.
type textless struct{ creditledger.Snapshot }

func (t textless) Journal(ctx ctxt, from uint64, limit int) ([]record, error) {
	list, err := t.Snapshot.Journal(ctx, from, limit)
	for i := range list {
		list[i].Texts = nil
	}
	return list, err
}

var keyMistakes = []mistake{
	{"forgets the keys", "keys/found", changing(func(_ store.Store, _ ctxt, c *change) { c.Keys = nil })},
	{"ties all keys of a change to its last record", "keys/found", changing(func(_ store.Store, _ ctxt, c *change) {
		for i := range c.Keys {
			c.Keys[i].Seq = c.Head.Version
		}
	})},
	{"looks for keys in lower case", "keys/unknown", asking(func(id account, key creditledger.Key) (account, creditledger.Key) {
		return id, creditledger.Key(strings.ToLower(string(key)))
	})},
	{"looks for keys without space around", "keys/found", asking(func(id account, key creditledger.Key) (account, creditledger.Key) {
		return id, creditledger.Key(strings.TrimSpace(string(key)))
	})},
	{"looks for keys by customer", "keys/unknown", asking(func(id account, key creditledger.Key) (account, creditledger.Key) {
		return account{Customer: id.Customer, Currency: "credits"}, key
	})},
	{"has no key without an error", "keys/unknown", func() *broken {
		return &broken{keySeq: func(s store.Store, ctx ctxt, id account, key creditledger.Key) (uint64, error) {
			seq, err := s.KeySeq(ctx, id, key)
			if err == nil && seq == 0 {
				err = &creditledger.NotFoundError{Kind: "key", ID: string(key)}
			}
			return seq, err
		}}
	}},
}

// duly is a store with another Due.
func duly(f func(s store.Store, ctx ctxt, by instant, after dueAccount, limit int) ([]dueAccount, error)) func() *broken {
	return func() *broken { return &broken{due: f} }
}

var dueMistakes = []mistake{
	{"leaves out what is due at the instant", "due/order", duly(func(s store.Store, ctx ctxt, by instant, after dueAccount, limit int) ([]dueAccount, error) {
		return s.Due(ctx, by-1, after, limit)
	})},
	{"has due what is never due", "due/order", changing(func(_ store.Store, _ ctxt, c *change) {
		if c.Account != (account{}) && c.Head.NextDue == 0 {
			c.Head.NextDue = 1
		}
	})},
	{"orders due accounts by account", "due/order", duly(func(s store.Store, ctx ctxt, by instant, after dueAccount, limit int) ([]dueAccount, error) {
		list, err := s.Due(ctx, by, after, limit)
		slices.SortStableFunc(list, func(a, b dueAccount) int { return a.Account.Compare(b.Account) })
		return list, err
	})},
	{"pages due accounts by instant alone", "due/pages", duly(func(s store.Store, ctx ctxt, by instant, after dueAccount, limit int) ([]dueAccount, error) {
		list, err := s.Due(ctx, by, dueAccount{}, everything)
		list = slices.DeleteFunc(list, func(d dueAccount) bool { return d.At <= after.At })
		return list[:min(limit, len(list))], err
	})},
	{"begins due accounts with the one before", "due/pages", duly(func(s store.Store, ctx ctxt, by instant, after dueAccount, limit int) ([]dueAccount, error) {
		list, err := s.Due(ctx, by, dueAccount{}, everything)
		list = slices.DeleteFunc(list, func(d dueAccount) bool { return d.Compare(after) < 0 })
		return list[:min(limit, len(list))], err
	})},
	{"does not look at the limit of due accounts", "due/pages", duly(func(s store.Store, ctx ctxt, by instant, after dueAccount, _ int) ([]dueAccount, error) {
		return s.Due(ctx, by, after, everything)
	})},
	{"keeps an account due as it first was", "due/update", func() *broken {
		first := make(map[account]instant)
		return changing(func(_ store.Store, _ ctxt, c *change) {
			if first[c.Account] == 0 {
				first[c.Account] = c.Head.NextDue
			}
			if c.Account != (account{}) {
				c.Head.NextDue = first[c.Account]
			}
		})()
	}},
	{"keeps ten thousand due accounts", "due/many", duly(func(s store.Store, ctx ctxt, by instant, after dueAccount, limit int) ([]dueAccount, error) {
		list, err := s.Due(ctx, by, dueAccount{}, 10_000)
		list = slices.DeleteFunc(list, func(d dueAccount) bool { return d.Compare(after) <= 0 })
		return list[:min(limit, len(list))], err
	})},
}
