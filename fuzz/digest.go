package fuzz

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	cl "creditledger"
)

// Digest says in one line what a store holds: the SHA-256 of the canonical bytes of
// all heads, blocks, journal records and customers, in order. Stores of any kind that
// hold the same operations have the same digest.
func Digest(ctx context.Context, s cl.Store) (string, error) {
	const page = 500
	var data []byte
	for after := (cl.AccountID{}); ; {
		ids, err := s.Accounts(ctx, after, page)
		if err != nil {
			return "", err
		}
		for _, id := range ids {
			account, err := AccountBytes(ctx, s, id)
			if err != nil {
				return "", err
			}
			data = append(data, account...)
		}
		if len(ids) < page {
			break
		}
		after = ids[len(ids)-1]
	}
	for after := ""; ; {
		records, err := s.Documents(ctx, "customer", "", after, page)
		if err != nil {
			return "", err
		}
		for _, r := range records {
			data = fmt.Appendf(data, "%q %d %q", r.Key, r.Version, r.Value)
		}
		if len(records) < page {
			break
		}
		after = records[len(records)-1].Key
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]), nil
}

// AccountBytes is everything a store holds of one account, canonically. It also
// checks that the store's own answers agree with each other.
func AccountBytes(ctx context.Context, s cl.Store, id cl.AccountID) ([]byte, error) {
	const page = 500
	state, err := s.Load(ctx, id, nil)
	if err != nil {
		return nil, err
	}
	data := fmt.Appendf(nil, "%q %q", id.Customer, id.Currency)
	data = cl.AppendHead(data, &state.Head)
	open := slices.SortedFunc(slices.Values(state.Blocks), func(a, b cl.Block) int { return int(a.Number) - int(b.Number) })
	for from := uint64(1); from <= state.Head.Blocks; from += page {
		blocks, err := s.Blocks(ctx, id, from, page)
		if err != nil {
			return nil, err
		}
		for i := range blocks {
			b := cl.AppendBlock(nil, &blocks[i])
			if len(open) > 0 && open[0].Number == blocks[i].Number {
				if string(cl.AppendBlock(nil, &open[0])) != string(b) {
					return nil, fmt.Errorf("%s: block %d is one thing in Load, another in Blocks", id, blocks[i].Number)
				}
				open = open[1:]
				b = append(b, "open"...)
			}
			data = append(data, b...)
		}
	}
	if len(open) > 0 {
		return nil, fmt.Errorf("%s: open block %d is not among the blocks", id, open[0].Number)
	}
	for from := uint64(1); from <= state.Head.Version; from += page {
		records, err := s.Journal(ctx, id, from, page, false)
		if err != nil {
			return nil, err
		}
		for _, r := range records {
			data = fmt.Appendf(data, "record %d ", r.Seq)
			data = append(data, r.Bytes...)
		}
	}
	return data, nil
}
