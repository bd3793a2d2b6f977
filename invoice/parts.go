package invoice

import "creditledger"

// part is what one step of a call asks of the ledger. decided looks at what came of
// it before anything is written: it runs while the account is locked, perhaps several
// times, and never reads.
type part struct {
	on      Account
	ops     []creditledger.Operation
	decided func([]creditledger.Result) error
}

// ask adds operations on an account to those that are committed with this call.
func (t *tx) ask(on Account, ops []creditledger.Operation, decided func([]creditledger.Result) error) error {
	if len(ops) > 0 {
		t.parts = append(t.parts, part{on: on, ops: ops, decided: decided})
	}
	return nil
}

// beginsAt runs a function before the part that was asked for as the n-th is told its
// results, each time.
func (t *tx) beginsAt(n int, begin func()) {
	if n == len(t.parts) {
		return
	}
	decided := t.parts[n].decided
	t.parts[n].decided = func(r []creditledger.Result) error {
		begin()
		return decided(r)
	}
}

// acts reports whether the parts are on several accounts.
func (t *tx) acts() bool {
	for i := range t.parts {
		if t.parts[i].on != t.parts[0].on {
			return true
		}
	}
	return false
}

// operations are those that were asked for on one account.
func (t *tx) operations(on Account) (batch creditledger.Batch) {
	for _, p := range t.parts {
		if p.on == on {
			batch = append(batch, p.ops...)
		}
	}
	return batch
}

// do asks the ledger for all parts: in one batch, or in an act if they are on several
// accounts.
func (t *tx) do(opts creditledger.DoOptions) (*creditledger.Result, error) {
	if t.acts() {
		var ops []creditledger.AccountOperation
		for _, p := range t.parts {
			for _, op := range p.ops {
				ops = append(ops, creditledger.AccountOperation{Account: p.on.id(), Operation: op})
			}
		}
		return t.s.ledger.DoAllWith(t.ctx, ops, opts)
	}
	on := t.parts[0].on
	return t.s.ledger.DoWith(t.ctx, on.id(), single(t.operations(on)), opts)
}

// single is a batch, or the one operation in it.
func single(batch creditledger.Batch) creditledger.Operation {
	if len(batch) == 1 {
		return batch[0]
	}
	return batch
}

// resultsOf are those of each operation.
func resultsOf(r *creditledger.Result) []creditledger.Result {
	if r.Results == nil {
		return []creditledger.Result{*r}
	}
	return r.Results
}

// decided gives every part its results.
func (t *tx) decided(r *creditledger.Result) error {
	results := resultsOf(r)
	for _, p := range t.parts {
		mine := results[:len(p.ops)]
		results = results[len(p.ops):]
		if p.decided == nil {
			continue
		}
		if err := p.decided(mine); err != nil {
			return err
		}
	}
	return nil
}
