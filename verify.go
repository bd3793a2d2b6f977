package creditledger

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
)

// Verification is what Verify found.
type Verification struct {
	OK                                 bool
	Accounts, Records, Entries, Blocks uint64     // looked at
	Violation                          *Violation // the first, when not OK
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

// Verify replays an account's journal from its first record and proves that every
// entry, seal, block, key and total in the store follows from it. It reads the store,
// not the cache, and may run beside writers. A broken rule is a Violation, not an
// error; errors are trouble with reading. Memory grows with the number of blocks, not
// with the number of entries.
func (l *Ledger) Verify(ctx context.Context, on AccountID, opts *VerifyOptions) (Verification, error) {
	err := l.reading(ctx, &on)
	if err != nil {
		return Verification{}, err
	}
	defer l.leave()
	res, err := l.verify(ctx, on, opts, opts.progress())
	return res.finish(), err
}

// VerifyAll verifies every account, several at a time, up to the first violation in
// the order of accounts, and then that the store has nothing that is of no account.
func (l *Ledger) VerifyAll(ctx context.Context, opts *VerifyOptions) (Verification, error) {
	err := l.enter()
	if err != nil {
		return Verification{}, err
	}
	defer l.leave()
	var res Verification
	seen := map[AccountID]bool{}
	progress := opts.progress()
	var after AccountID
	for {
		accounts, err := l.store.Accounts(ctx, after, MaxPage)
		if err != nil {
			return res, err
		}
		for _, id := range accounts {
			seen[id] = opts != nil && len(opts.Since) > 0
		}
		parts, errs := l.verifyEach(ctx, accounts, opts, progress)
		for i := range parts {
			res.add(&parts[i])
			if errs[i] != nil || res.Violation != nil {
				return res.finish(), errs[i]
			}
		}
		if len(accounts) < MaxPage {
			break
		}
		after = accounts[len(accounts)-1]
	}
	if opts != nil {
		for _, c := range opts.Since {
			if c.Version > 0 && !seen[c.Account.normal()] {
				res.Violation = &Violation{Account: c.Account, Rule: "checkpoint", Detail: "the account is gone"}
				return res.finish(), nil
			}
		}
	}
	if s, ok := l.store.(IndexedStore); ok {
		err := s.CheckIndexes(ctx)
		if res.Violation = violationOf(err, AccountID{}, 0); err != nil && res.Violation == nil {
			return res, fmt.Errorf("verify: %w", err)
		}
	}
	return res.finish(), nil
}

// verifyEach verifies accounts beside each other. Those behind the first that is not
// in order may be left out.
func (l *Ledger) verifyEach(ctx context.Context, accounts []AccountID, opts *VerifyOptions, progress *progress) ([]Verification, []error) {
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
				parts[i], errs[i] = l.verify(ctx, accounts[i], opts, progress)
				if errs[i] != nil || parts[i].Violation != nil {
					broken.Store(true)
				}
			}
		})
	}
	workers.Wait()
	return parts, errs
}

// progress counts records for VerifyOptions.Progress. A nil one does nothing.
type progress struct {
	tell func(records uint64)

	mu      sync.Mutex
	records uint64
}

// progressEvery is how many records pass between two calls of Progress.
const progressEvery = 1024

func (o *VerifyOptions) progress() *progress {
	if o == nil || o.Progress == nil {
		return nil
	}
	return &progress{tell: o.Progress}
}

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

// add counts in what the verification of one account found.
func (v *Verification) add(part *Verification) {
	v.Accounts += part.Accounts
	v.Records += part.Records
	v.Entries += part.Entries
	v.Blocks += part.Blocks
	v.Violation = part.Violation
}

func (v Verification) finish() Verification {
	v.OK = v.Violation == nil
	return v
}

// verify verifies one account.
func (l *Ledger) verify(ctx context.Context, on AccountID, opts *VerifyOptions, progress *progress) (Verification, error) {
	v := verifier{ledger: l, id: on, progress: progress, sums: map[uint64]Amount{}, since: map[uint64]Seal{}}
	if opts != nil {
		for _, c := range opts.Since {
			if c.Account.normal() == on {
				v.since[c.Version] = c.Seal
			}
		}
	}
	err := v.run(ctx)
	res := Verification{Accounts: 1, Records: v.records}
	if v.replay != nil {
		res.Entries, res.Blocks = v.replay.head.Entries, v.replay.head.Blocks
	}
	if res.Violation = violationOf(err, on, v.reading); err != nil && res.Violation == nil {
		return res, fmt.Errorf("verify %s: %w", on, err)
	}
	return res, nil
}

// verifier replays one account beside the store.
type verifier struct {
	ledger   *Ledger
	id       AccountID
	progress *progress
	since    map[uint64]Seal // checkpoints by version

	head    Head              // the store's, that the journal is read up to
	replay  *account          // what the journal says so far; its closed blocks are all kept
	blocks  []*block          // every block, by number less one
	sums    map[uint64]Amount // Σ of the entries' effects on each block, apart from the replay
	reading uint64            // the record being read
	records uint64            // replayed
	keys    uint64            // of them have an idempotency key

	// Memory that each record and each block uses again.
	rec              OpRecord
	changes          []*change
	used             int    // of the changes, by the record being replayed
	stored, replayed []byte // a block's two forms, for comparing
}

func (v *verifier) newChange() *change {
	if v.used == len(v.changes) {
		v.changes = append(v.changes, new(change))
	}
	v.used++
	c := v.changes[v.used-1]
	*c = change{}
	return c.begin()
}

// maxChases bounds how often the verifier runs after an account that is being
// written.
const maxChases = 1000

func (v *verifier) run(ctx context.Context) error {
	replay, err := newAccount(v.id, &State{})
	if err != nil {
		return err
	}
	v.replay = replay
	for range maxChases {
		state, err := v.ledger.store.Load(ctx, v.id, nil)
		if err != nil {
			return err
		}
		v.head = state.Head
		if err := v.journal(ctx, state.Head.Version); err != nil {
			return err
		}
		for version := range v.since {
			if version > state.Head.Version {
				return v.violation("checkpoint", "the journal ends at record %d, the checkpoint is at %d", state.Head.Version, version)
			}
		}
		moved, err := v.compare(ctx, state)
		if err != nil || !moved {
			return err
		}
	}
	return &ConflictError{Accounts: []AccountID{v.id}}
}

// journal replays the records up to a version.
func (v *verifier) journal(ctx context.Context, version uint64) error {
	for v.replay.head.Version < version {
		v.reading = v.replay.head.Version + 1
		limit := int(min(version-v.replay.head.Version, 512))
		records, err := v.ledger.store.Journal(ctx, v.id, v.reading, limit, false)
		if err != nil {
			return err
		}
		if len(records) == 0 {
			return v.violation("sequence", "the record is missing, the head is at %d", version)
		}
		for i := range records {
			if err := v.record(ctx, &records[i]); err != nil {
				return err
			}
			v.records++
		}
		v.progress.add(uint64(len(records)))
	}
	v.reading = 0
	return nil
}

func (v *verifier) violation(rule, format string, args ...any) *Violation {
	return &Violation{Account: v.id, Record: v.reading, Rule: rule, Detail: fmt.Sprintf(format, args...)}
}

// record holds one stored record to its place in the chain and replays it.
func (v *verifier) record(ctx context.Context, stored *JournalRecord) error {
	v.reading = v.replay.head.Version + 1
	if stored.Seq != v.reading {
		return v.violation("sequence", "record %d stands in its place", stored.Seq)
	}
	rec := &v.rec
	if err := rec.decodeStored(v.id, stored); err != nil {
		return err
	}
	if rec.Key != "" {
		switch seq, err := v.ledger.store.KeySeq(ctx, v.id, rec.Key); {
		case err != nil:
			return err
		case seq != rec.Seq:
			return v.violation("idempotency", "its key %s is stored for record %d", quote(string(rec.Key)), seq)
		}
		v.keys++
	}
	seal := SealOf(stored.Bytes)
	v.used = 0
	changes, err := replay(v.replay, rec, seal, v.newChange)
	if err != nil {
		return v.blame(ctx, rec, seal, err)
	}
	for _, c := range changes {
		if c.created != nil {
			v.blocks = append(v.blocks, c.created)
		}
		for j := range c.lines {
			if err := c.lines[j].effect(v.sums, false); err != nil {
				return v.violation("conservation", "%v", err)
			}
		}
	}
	if want, ok := v.since[rec.Seq]; ok && want != seal {
		return v.violation("checkpoint", "it is sealed %s, the checkpoint says %s", seal, want)
	}
	return nil
}

// blame finds out which of two records was touched when the second does not follow
// the first: the first, if what comes after the second still knows its seal.
func (v *verifier) blame(ctx context.Context, rec *OpRecord, seal Seal, err error) error {
	broken, ok := err.(*Violation)
	if !ok || broken.Rule != ruleSeal || rec.Seq == 1 {
		return err
	}
	known := v.head.Seal
	if rec.Seq < v.head.Version {
		records, err := v.ledger.store.Journal(ctx, v.id, rec.Seq+1, 1, false)
		if err != nil {
			return err
		}
		if len(records) == 0 {
			return broken
		}
		next, err := decodeStored(v.id, &records[0])
		if err != nil {
			return broken
		}
		known = next.Prev
	}
	if known == seal {
		broken.Record--
		broken.Detail = fmt.Sprintf("it is sealed %s, the record after it follows %s", v.replay.head.Seal, rec.Prev)
	}
	return broken
}
