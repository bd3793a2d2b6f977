package creditledger

// pool is the drawable blocks that share one set of filters, or have none.
type pool struct {
	blocks   blockList // drawdown order
	positive Amount    // Σ of their balances
}

// filteredPool is a pool of blocks that have filters, which are not to be changed.
type filteredPool struct {
	pool
	filters []Filter
}

func (p *pool) put(b *block) {
	p.blocks.insert(b)
	p.positive = mustAmount(p.positive.Add(b.Balance))
}

func (p *pool) take(b *block) {
	p.blocks.remove(b)
	p.positive = mustAmount(p.positive.Sub(b.Balance))
}

// poolOf is the pool that a block is drawn from, made when it is the first.
func (a *account) poolOf(b *block) *pool {
	if len(b.rare.Filters) == 0 {
		return &a.plain
	}
	key := string(appendFilters(nil, b.rare.Filters))
	p := a.filtered[key]
	if p == nil {
		p = &filteredPool{filters: b.rare.Filters, pool: pool{blocks: blockList{order: drawdownOrder}}}
		if a.filtered == nil {
			a.filtered = map[string]*filteredPool{}
		}
		a.filtered[key] = p
	}
	return &p.pool
}
