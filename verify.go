package creditledger

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// Verification is what Verify found.
type Verification struct {
	Accounts, Records, Entries, Blocks uint64     // looked at
	Erased                             uint64     // of the records, those of which texts are erased
	Lost                               uint64     // of the records, those of which texts are lost, as NoteLoss noted
	Violation                          *Violation // the first; nil when there is none, or reading failed first
}

// Checkpoint is where an account's journal ended at some moment: proof, kept
// elsewhere, of everything up to there.
type Checkpoint struct {
	Account AccountID
	Version uint64 // number of journal records
	Seal    Seal   // of the last one
}

// VerifyOptions are the choices of Verify. Nil means none of them.
type VerifyOptions struct {
	// Progress is called now and then with the number of records replayed, from any
	// goroutine but never twice at once.
	Progress func(records uint64)
	// Since holds checkpoints taken earlier: the history must have grown from each of
	// them and nothing before it may have changed.
	Since []Checkpoint
}

// Checkpoint returns where the account's journal ends.
func (l *Ledger) Checkpoint(ctx context.Context, on AccountID) (Checkpoint, error) {
	err := l.reading(ctx, &on)
	if err != nil {
		return Checkpoint{}, err
	}
	defer l.leave()
	state, err := l.store.Load(ctx, on, nil)
	if err != nil {
		return Checkpoint{}, err
	}
	return Checkpoint{Account: on, Version: state.Head.Version, Seal: state.Head.Seal}, nil
}

// Verify replays an account's journal from its first record and proves that every entry,
// seal, block, key and total in the store follows from it, and that the store has nothing
// else of the account. It reads the store, not the cache, once what was submitted before
// has landed. Beside writers it proves what is stored at one moment, and ends. A broken
// rule is a Violation, not an error; an error means that reading failed, and then nothing
// is proved. Memory grows with the number of blocks, not with the number of entries; the
// time with both.
func (l *Ledger) Verify(ctx context.Context, on AccountID, opts *VerifyOptions) (Verification, error) {
	err := l.reading(ctx, &on)
	if err != nil {
		return Verification{}, err
	}
	defer l.leave()
	if err := l.awaitBegunOn(ctx, on); err != nil {
		return Verification{}, err
	}
	run := newVerification(l, opts)
	res, err := run.account(ctx, on, false)
	return res, err
}

// VerifyAll verifies every account, several at a time, up to the first violation in
// the order of accounts, then the customers and the settings, and then that the store has nothing that is
// of no account.
func (l *Ledger) VerifyAll(ctx context.Context, opts *VerifyOptions) (Verification, error) {
	err := l.enter()
	if err != nil {
		return Verification{}, err
	}
	defer l.leave()
	if err := l.awaitBegun(ctx); err != nil {
		return Verification{}, err
	}
	run := newVerification(l, opts)
	var res Verification
	for _, step := range []func(context.Context, *Verification) error{run.accounts, run.gone, run.customers, run.settings, run.strays} {
		if err := step(ctx, &res); err != nil || res.Violation != nil {
			return res, err
		}
	}
	return res, nil
}

// verification is one call of Verify or VerifyAll.
type verification struct {
	ledger   *Ledger
	progress *progress
	since    map[AccountID][]Checkpoint // by account; VerifyAll drops those it has seen
}

func newVerification(l *Ledger, opts *VerifyOptions) *verification {
	run := &verification{ledger: l, since: map[AccountID][]Checkpoint{}}
	if opts == nil {
		return run
	}
	if opts.Progress != nil {
		run.progress = &progress{tell: opts.Progress}
	}
	for _, c := range opts.Since {
		on := c.Account.normal()
		run.since[on] = append(run.since[on], c)
	}
	return run
}

// accounts verifies every account that the store lists, and that it lists each once.
func (r *verification) accounts(ctx context.Context, res *Verification) error {
	var after AccountID
	for {
		page, err := r.ledger.store.Accounts(ctx, after, MaxPage)
		if err != nil {
			return err
		}
		for _, id := range page {
			if id.Compare(after) <= 0 {
				res.Violation = &Violation{Account: id, Rule: "accounts", Detail: fmt.Sprintf("it is listed after %s, out of order or twice", after)}
				return nil
			}
			after = id
		}
		parts, errs := r.each(ctx, page)
		for i := range parts {
			res.add(&parts[i])
			if errs[i] != nil || res.Violation != nil {
				return errs[i]
			}
			delete(r.since, page[i])
		}
		if len(page) < MaxPage {
			return nil
		}
	}
}

// gone returns the first account that has a checkpoint and that the store does not list.
func (r *verification) gone(_ context.Context, res *Verification) error {
	var gone []AccountID
	for id, points := range r.since {
		if slices.ContainsFunc(points, func(c Checkpoint) bool { return c.Version > 0 }) {
			gone = append(gone, id)
		}
	}
	if len(gone) > 0 {
		res.Violation = &Violation{Account: slices.MinFunc(gone, AccountID.Compare), Rule: "checkpoint", Detail: "the account is gone"}
	}
	return nil
}

// strays asks the store for rows that belong to no account.
func (r *verification) strays(ctx context.Context, res *Verification) error {
	err := r.ledger.store.CheckStrays(ctx)
	if res.Violation = violationOf(err, AccountID{}, 0); err != nil && res.Violation == nil {
		return fmt.Errorf("verify: %w", err)
	}
	return nil
}

// each verifies several accounts at once. It may leave out those behind the first with a
// violation.
func (r *verification) each(ctx context.Context, accounts []AccountID) ([]Verification, []error) {
	parts, errs := make([]Verification, len(accounts)), make([]error, len(accounts))
	var next atomic.Int64
	var broken atomic.Bool
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(accounts)) {
		workers.Go(func() {
			for !broken.Load() {
				i := int(next.Add(1)) - 1
				if i >= len(accounts) {
					return
				}
				parts[i], errs[i] = r.account(ctx, accounts[i], true)
				if errs[i] != nil || parts[i].Violation != nil {
					broken.Store(true)
				}
			}
		})
	}
	workers.Wait()
	return parts, errs
}

// account verifies one account. A listed account has to exist.
func (r *verification) account(ctx context.Context, on AccountID, listed bool) (Verification, error) {
	v := newVerifier(r, on, listed)
	err := v.run(ctx)
	res := Verification{Accounts: 1, Records: v.records, Entries: v.replay.head.Entries, Blocks: v.replay.head.Blocks, Erased: v.texts.erased, Lost: v.texts.lost}
	if res.Violation = violationOf(err, on, v.reading); err != nil && res.Violation == nil {
		return res, fmt.Errorf("verify %s: %w", on, err)
	}
	return res, nil
}

// progress counts records for VerifyOptions.Progress. A nil one does nothing.
type progress struct {
	tell func(records uint64)

	mu      sync.Mutex
	records uint64
}

// progressEvery is how many records pass between two calls of Progress.
const progressEvery = 1024

func (p *progress) add(records uint64) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	before := p.records
	p.records += records
	if before/progressEvery != p.records/progressEvery {
		p.tell(p.records)
	}
}

// add adds what the verification of one account found.
func (v *Verification) add(part *Verification) {
	v.Accounts += part.Accounts
	v.Records += part.Records
	v.Entries += part.Entries
	v.Blocks += part.Blocks
	v.Erased += part.Erased
	v.Lost += part.Lost
	v.Violation = part.Violation
}
