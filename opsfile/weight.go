package opsfile

import (
	"context"
	"sync"

	"creditledger"
	"creditledger/invoice"
)

// maxWaiting bounds the memory of lines that have begun and are not answered yet, in
// bytes. So if nobody reads the output, the reading stops.
const maxWaiting = 32 << 20

// allowance counts the memory that one reader has taken and not given back.
type allowance struct {
	mu    sync.Mutex
	used  int
	freed chan struct{} // holds a token when something was given back
}

func newAllowance() *allowance { return &allowance{freed: make(chan struct{}, 1)} }

// take waits until there is room for n more, or until nothing but own is in use.
func (a *allowance) take(ctx context.Context, n, own int) error {
	for !a.tried(n, own) {
		select {
		case <-a.freed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

func (a *allowance) tried(n, own int) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.used > own && a.used+n > maxWaiting {
		return false
	}
	a.used += n
	return true
}

func (a *allowance) give(n int) {
	a.mu.Lock()
	a.used -= n
	a.mu.Unlock()
	select {
	case a.freed <- struct{}{}:
	default:
	}
}

// lineWeight is roughly the memory that a line takes: the request, which the ledger keeps
// until it is done, and the record.
func lineWeight(length int) int { return 1024 + 4*length }

const (
	objectWeight = 384
	moneyWeight  = 4096 // an invoice with its lines
)

// answerWeight is roughly the further memory that a line's answer takes until it is
// written.
func answerWeight(b *begunAnswer) int {
	switch {
	case b.pending != nil:
		return objectWeight * b.pending.Entries()
	case b.Err != nil:
		return objectWeight
	}
	switch result := b.Result.(type) {
	case *creditledger.Result:
		return objectWeight * len(result.Entries)
	case creditledger.EntryPage:
		weight := 0
		for i := range result.Entries {
			e := &result.Entries[i]
			weight += objectWeight + len(e.Description) + textsWeight(e.Metadata, e.Block.Filters)
		}
		return weight
	case []creditledger.Block:
		return blocksWeight(result)
	case creditledger.Explanation:
		weight := 0
		for i := range result.Blocks {
			weight += blockWeight(&result.Blocks[i].Block)
		}
		return weight
	case *invoice.InvoicePage:
		return moneyWeight * max(1, len(result.Invoices))
	case *invoice.State:
		weight := moneyWeight * (len(result.Open) + len(result.Drafts))
		for i := range result.Accounts {
			weight += blocksWeight(result.Accounts[i].Eligible) + blocksWeight(result.Accounts[i].Pending)
		}
		return weight
	}
	return moneyWeight
}

func blocksWeight(list []creditledger.Block) int {
	weight := 0
	for i := range list {
		weight += blockWeight(&list[i])
	}
	return weight
}

func blockWeight(b *creditledger.Block) int { return objectWeight + textsWeight(b.Metadata, b.Filters) }

func textsWeight(metadata map[string]string, filters []creditledger.Filter) int {
	weight := 0
	for k, v := range metadata {
		weight += 64 + len(k) + len(v)
	}
	for i := range filters {
		for _, v := range filters[i].Values {
			weight += 16 + len(v)
		}
	}
	return weight
}
