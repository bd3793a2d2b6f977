package creditledger

import "iter"

// pool has the blocks that may be drawn from and share one set of filters, or have none.
type pool struct {
	blocks   blockList // drawdown order
	positive Amount    // Σ of the free parts of the blocks
}

// filteredPool is a pool of blocks with filters. Nobody changes the filters.
type filteredPool struct {
	pool
	filters []Filter
	key     string // the filters as text
	at      int    // in pools.list
}

// pools has the filtered pools of an account that are not empty. A decrement looks at
// each of them, so empty ones are dropped, and they are kept in a list, which is faster
// to walk than a map.
type pools struct {
	list  []*filteredPool // in no order that matters
	byKey map[string]*filteredPool
}

// of returns the pool with the given filters, and makes it if there is none.
func (p *pools) of(filters []Filter) *filteredPool {
	key := string(appendFilters(nil, filters))
	f := p.byKey[key]
	if f == nil {
		f = &filteredPool{filters: filters, key: key, at: len(p.list), pool: pool{blocks: blockList{order: drawdownOrder}}}
		if p.byKey == nil {
			p.byKey = map[string]*filteredPool{}
		}
		p.byKey[key] = f
		p.list = append(p.list, f)
	}
	return f
}

// drop removes a pool. An empty map goes too, because it would keep its memory.
func (p *pools) drop(f *filteredPool) {
	last := len(p.list) - 1
	if last == 0 {
		*p = pools{}
		return
	}
	p.list[f.at], p.list[last].at = p.list[last], f.at
	p.list[last] = nil
	p.list = p.list[:last]
	delete(p.byKey, f.key)
}

func (p *pool) add(b *block) {
	p.blocks.insert(b)
	p.positive = mustAmount(p.positive.Add(b.free()))
}

func (p *pool) remove(b *block) {
	p.blocks.remove(b)
	p.positive = mustAmount(p.positive.Sub(b.free()))
}

// drawable returns the pools that a charge may draw from.
func (a *account) drawable(c Charge) iter.Seq[*pool] {
	return func(yield func(*pool) bool) {
		if a.plain.blocks.len() > 0 && !yield(&a.plain) {
			return
		}
		for _, p := range a.filtered.list {
			if matches(p.filters, c) && !yield(&p.pool) {
				return
			}
		}
	}
}

// poolOf returns the pool that a block belongs to, and makes it if there is none.
func (a *account) poolOf(b *block) *pool {
	if len(b.rare.Filters) == 0 {
		return &a.plain
	}
	return &a.filtered.of(b.rare.Filters).pool
}

// removeFromPool takes a block out of its pool.
func (a *account) removeFromPool(b *block) {
	if len(b.rare.Filters) == 0 {
		a.plain.remove(b)
		return
	}
	f := a.filtered.of(b.rare.Filters)
	if f.remove(b); f.blocks.len() == 0 {
		a.filtered.drop(f)
	}
}
