package creditledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
)

// Verification is what Verify found.
type Verification struct {
	OK                                 bool
	Accounts, Records, Entries, Blocks uint64     // looked at
	Violation                          *Violation // the first, when not OK
}

// Violation names the first record, entry or block that breaks a rule.
type Violation struct {
	Account AccountID
	Record  uint64 // sequence number of the journal record, 0 when it is not about one
	Entry   uint64 // sequence number of the entry, 0 when it is not about one
	Block   string // id of the block, empty when it is not about one
	Rule    string // in a few words; docs/semantics.md, "Invariants"
	Detail  string
}

// String says where and what, on one line.
func (v *Violation) String() string {
	var b strings.Builder
	b.WriteString(v.Account.String())
	if v.Record != 0 {
		fmt.Fprintf(&b, ", record %d", v.Record)
	}
	if v.Entry != 0 {
		fmt.Fprintf(&b, ", entry %d", v.Entry)
	}
	if v.Block != "" {
		fmt.Fprintf(&b, ", block %s", quote(v.Block))
	}
	fmt.Fprintf(&b, ": %s: %s", v.Rule, v.Detail)
	return b.String()
}

// Error lets a Violation travel as an error inside the verifier.
func (v *Violation) Error() string { return v.String() }

// Verify replays an account's journal from its first record and proves that every
// entry, seal, block, key and total in the store follows from it. It reads the store,
// not the cache, and may run beside writers; progress, when not nil, is called now
// and then with the number of records replayed. A broken rule is a Violation, not an
// error; errors are trouble with reading. Memory grows with the number of blocks, not
// with the number of entries.
func (l *Ledger) Verify(ctx context.Context, on AccountID, progress func(records uint64)) (Verification, error) {
	leave, err := l.reading(ctx, &on)
	if err != nil {
		return Verification{}, err
	}
	defer leave()
	res := Verification{}
	err = l.verify(ctx, on, &res, progress)
	return res.finish(), err
}

// VerifyAll verifies every account, up to the first violation.
func (l *Ledger) VerifyAll(ctx context.Context, progress func(records uint64)) (Verification, error) {
	leave, err := l.enter()
	if err != nil {
		return Verification{}, err
	}
	defer leave()
	var res Verification
	var after AccountID
	for {
		accounts, err := l.store.Accounts(ctx, after, MaxPage)
		if err != nil {
			return res, err
		}
		for _, id := range accounts {
			if err := l.verify(ctx, id, &res, progress); err != nil || res.Violation != nil {
				return res.finish(), err
			}
		}
		if len(accounts) < MaxPage {
			return res.finish(), nil
		}
		after = accounts[len(accounts)-1]
	}
}

func (v Verification) finish() Verification {
	v.OK = v.Violation == nil
	return v
}

// verify adds one account to res. Damage that the store itself reports is a
// violation too.
func (l *Ledger) verify(ctx context.Context, on AccountID, res *Verification, progress func(uint64)) error {
	v := verifier{ledger: l, id: on, res: res, progress: progress, sums: map[uint64]Amount{}}
	err := v.run(ctx)
	res.Accounts++
	if v.replay != nil {
		res.Entries += v.replay.head.Entries
		res.Blocks += v.replay.head.Blocks
	}
	var violation *Violation
	var corrupt *CorruptError
	switch {
	case errors.As(err, &violation):
		res.Violation = violation
		return nil
	case errors.As(err, &corrupt):
		res.Violation = &Violation{Account: on, Record: v.reading, Rule: "readable", Detail: err.Error()}
		return nil
	case err != nil:
		return fmt.Errorf("verify %s: %w", on, err)
	}
	return nil
}

// verifier replays one account beside the store.
type verifier struct {
	ledger   *Ledger
	id       AccountID
	res      *Verification
	progress func(uint64)

	replay  *account          // what the journal says so far; its closed blocks are all kept
	blocks  []*Block          // every block, by number less one
	sums    map[uint64]Amount // Σ of the entries' effects on each block, apart from the replay
	reading uint64            // the record being read
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
		state, err := v.ledger.store.Load(ctx, v.id, 0)
		if err != nil {
			return err
		}
		if err := v.journal(ctx, state.Head.Version); err != nil {
			return err
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
			if v.res.Records++; v.progress != nil && v.res.Records%1024 == 0 {
				v.progress(v.res.Records)
			}
		}
	}
	v.reading = 0
	return nil
}

func (v *verifier) violation(rule, format string, args ...any) *Violation {
	return &Violation{Account: v.id, Record: v.reading, Rule: rule, Detail: fmt.Sprintf(format, args...)}
}

// record holds one stored record to its place in the chain and replays it.
func (v *verifier) record(ctx context.Context, stored *JournalRecord) error {
	head := &v.replay.head
	v.reading = head.Version + 1
	if stored.Seq != v.reading {
		return v.violation("sequence", "record %d stands in its place", stored.Seq)
	}
	rec, err := decodeStored(v.id, stored)
	if err != nil {
		return err
	}
	switch {
	case rec.Prev != head.Seal:
		return v.violation("seal", "it follows %s, the record before is sealed %s", rec.Prev, head.Seal)
	case rec.At < head.LastAt:
		return v.violation("time", "%s is before the record before, %s", rec.At, head.LastAt)
	case rec.FirstEntry != head.Entries+1:
		return v.violation("sequence", "its first entry is %d, not %d", rec.FirstEntry, head.Entries+1)
	}
	if rec.Key != "" {
		switch seq, err := v.ledger.store.KeySeq(ctx, v.id, rec.Key); {
		case err != nil:
			return err
		case seq != rec.Seq:
			return v.violation("idempotency", "its key %s is stored for record %d", quote(string(rec.Key)), seq)
		}
	}
	return v.redo(rec, SealOf(stored.Bytes))
}

// redo decides the record's operation again and holds the record to the outcome.
func (v *verifier) redo(rec *OpRecord, seal Seal) error {
	a := v.replay
	a.moveTo(rec.At)
	total := a.total
	if _, ok := rec.Op.(expire); ok {
		c := &change{}
		materialise(a, c)
		if len(c.lines) == 0 || c.lines[len(c.lines)-1].At != rec.At {
			return v.violation("expiry", "nothing expired at %s", rec.At)
		}
		total = c.lines[len(c.lines)-1].Ending
		if err := v.apply(rec, 0, rec.Op, c); err != nil {
			return err
		}
	} else if err := v.redoOperations(rec); err != nil {
		return err
	} else {
		total = a.total
	}
	a.head.Version, a.head.Seal, a.head.LastAt = rec.Seq, seal, rec.At
	a.head.NextDue, a.head.Total = a.nextDue(), total
	return nil
}

func (v *verifier) redoOperations(rec *OpRecord) error {
	if len(v.replay.lapsed) > 0 {
		l := v.replay.lapsed[0]
		return v.violation("expiry", "block %s expired %s and no entry says so", quote(l.block.ID), l.line.At)
	}
	for i, op := range operations(rec.Op) {
		c := &change{}
		if err := step(v.replay, op, c); err != nil {
			return v.violation("replay", "the operation would be refused: %v", err)
		}
		if err := v.apply(rec, i, op, c); err != nil {
			return err
		}
	}
	return nil
}

// apply compares what a record says with what the replay gives, and takes it over.
func (v *verifier) apply(rec *OpRecord, i int, op Operation, c *change) error {
	stored := &rec.Effects[i]
	if len(stored.Lines) != len(c.lines) {
		return v.violation("replay", "it has %d entries, the operation gives %d", len(stored.Lines), len(c.lines))
	}
	for j := range c.lines {
		if field := lineDifference(&stored.Lines[j], &c.lines[j]); field != "" {
			e := v.violation("replay", "%s is not what the operation gives", field)
			e.Entry = v.replay.head.Entries + uint64(j) + 1
			return e
		}
	}
	if (c.created != nil) != (stored.NewBlockID != "") {
		return v.violation("replay", "it says it made block %s", quote(stored.NewBlockID))
	}
	if c.created != nil {
		if c.created.ID != "" && c.created.ID != stored.NewBlockID {
			return v.violation("replay", "it made block %s, asked was %s", quote(stored.NewBlockID), quote(c.created.ID))
		}
		if v.replay.find(stored.NewBlockID) != nil {
			return v.violation("replay", "it made block %s, which there was already", quote(stored.NewBlockID))
		}
		c.created.ID = stored.NewBlockID
		v.blocks = append(v.blocks, c.created)
	}
	before := v.replay.total
	v.replay.apply(c)
	if err := checkChange(v.replay, op, c, before); err != nil {
		return v.violation("invariant", "%v", err)
	}
	for j := range c.lines {
		if err := c.lines[j].effect(v.sums, false); err != nil {
			return v.violation("conservation", "%v", err)
		}
	}
	return nil
}

func lineDifference(a, b *Line) string {
	return firstDifference(
		field{"entry type", a.Type == b.Type},
		field{"created_at", a.At == b.At},
		field{"block", a.Block == b.Block},
		field{"amount", a.Amount.Cmp(b.Amount) == 0},
		field{"starting balance", a.Starting.Cmp(b.Starting) == 0},
		field{"ending balance", a.Ending.Cmp(b.Ending) == 0},
		field{"void amount", a.VoidAmount.Cmp(b.VoidAmount) == 0},
		field{"new block", a.NewBlock == b.NewBlock},
		field{"new block expiry", a.NewExpiry == b.NewExpiry})
}

// compare holds everything the store derived from the journal to the replay. It
// reports that the account moved when a difference may be due to a writer.
func (v *verifier) compare(ctx context.Context, state *State) (moved bool, err error) {
	err = v.compareState(ctx, state)
	if err == nil {
		err = v.balances(state.Head.LastAt)
	}
	now, loadErr := v.ledger.store.Load(ctx, v.id, 0)
	if loadErr != nil {
		return false, loadErr
	}
	if now.Head.Version != state.Head.Version {
		return true, nil
	}
	return false, err
}

func (v *verifier) compareState(ctx context.Context, state *State) error {
	if !bytes.Equal(AppendHead(nil, &state.Head), AppendHead(nil, &v.replay.head)) {
		return v.violation("head", "the stored head %+v is not the end of the journal %+v", state.Head, v.replay.head)
	}
	open := map[uint64]bool{}
	for i := range state.Blocks {
		b := &state.Blocks[i]
		if err := v.compareBlock(b); err != nil {
			return err
		}
		if v.replay.closed[b.ID].block != nil || open[b.Number] {
			return v.blockViolation(b, "it is listed as open and should not be")
		}
		open[b.Number] = true
	}
	if len(open) != v.replay.open.len() {
		return v.violation("blocks", "%d blocks are listed as open, %d should be", len(open), v.replay.open.len())
	}
	next := uint64(1)
	for {
		page, err := v.ledger.store.Blocks(ctx, v.id, next, MaxPage)
		if err != nil {
			return err
		}
		for i := range page {
			b := &page[i]
			if b.Number != next {
				return v.blockViolation(b, fmt.Sprintf("it stands in the place of block number %d", next))
			}
			if err := v.compareBlock(b); err != nil {
				return err
			}
			if byID, err := v.ledger.store.Block(ctx, v.id, b.ID); err != nil || byID.Number != b.Number {
				return v.blockViolation(b, "its id does not lead to it")
			}
			next++
		}
		if len(page) < MaxPage {
			break
		}
	}
	if next != v.replay.head.Blocks+1 {
		return v.violation("blocks", "%d blocks are stored, the journal made %d", next-1, v.replay.head.Blocks)
	}
	return nil
}

func (v *verifier) blockViolation(b *Block, detail string) *Violation {
	return &Violation{Account: v.id, Block: b.ID, Rule: "blocks", Detail: detail}
}

func (v *verifier) compareBlock(b *Block) error {
	if b.Number == 0 || b.Number > uint64(len(v.blocks)) {
		return v.blockViolation(b, fmt.Sprintf("the journal made no block number %d", b.Number))
	}
	if !bytes.Equal(AppendBlock(nil, b), AppendBlock(nil, v.blocks[b.Number-1])) {
		return v.blockViolation(b, "it is not what the journal gives")
	}
	return nil
}

// balances proves invariants 1 and 5 by plain sums, apart from the code that decided
// the operations: what all entries did to a block is what it holds, and what the
// eligible blocks hold is the total.
func (v *verifier) balances(at Instant) error {
	var total Amount
	for _, b := range v.blocks {
		if v.sums[b.Number].Cmp(b.Balance) != 0 {
			return v.blockViolation(b, fmt.Sprintf("its entries add up to %s, it holds %s", v.sums[b.Number], b.Balance))
		}
		if !b.Eligible(at) {
			continue
		}
		var err error
		if total, err = total.Add(b.Balance); err != nil {
			return v.violation("conservation", "%v", err)
		}
	}
	if total.Cmp(v.replay.head.Total) != 0 {
		return v.violation("conservation", "the eligible blocks hold %s, the head says %s", total, v.replay.head.Total)
	}
	return nil
}
