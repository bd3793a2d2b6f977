package creditledger

import (
	"bytes"
	"context"
	"fmt"
)

// compare compares everything that the store derived from the journal with the replay,
// which has reached the end of the journal.
func (v *verifier) compare(ctx context.Context, s Snapshot) error {
	state, err := s.State(ctx)
	if err != nil {
		return err
	}
	for _, step := range []func() error{
		func() error { return v.compareEnd(&state.Head) },
		func() error { return v.compareHead(&state.Head) },
		v.compareTexts,
		func() error { return v.compareOpen(state.Blocks) },
		func() error { return v.compareBlocks(ctx, s) },
		func() error { return v.compareBlockIDs(ctx, s) },
		func() error { return v.compareKeys(ctx, s) },
		func() error { return v.compareOpenRows(state.Rows) },
		func() error { return v.compareRows(ctx, s) },
		func() error { return s.Check(ctx) },
		func() error { return v.balances(state.Head.LastAt) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// compareEnd checks that the journal ends where the head says, and not before a
// checkpoint.
func (v *verifier) compareEnd(head *Head) error {
	last := v.replay.head.Version
	switch {
	case last > head.Version:
		v.reading = head.Version + 1
		return v.violation("sequence", "the journal goes on to record %d, the head says that %d is the last", last, head.Version)
	case last < head.Version:
		v.reading = last + 1
		return v.violation("sequence", "the record is missing, the head is at %d", head.Version)
	case v.listed && last == 0:
		return v.violation("accounts", "it is listed, and nothing of it can be read: its rows are under another name or place, or gone")
	}
	for version := range v.since {
		if version > last {
			return v.violation("checkpoint", "the journal ends at record %d, the checkpoint is at %d", last, version)
		}
	}
	return nil
}

func (v *verifier) compareHead(head *Head) error {
	if seal := v.replay.head.Seal; seal != head.Seal {
		v.reading = v.replay.head.Version
		return v.violation(ruleSeal, "it is sealed %s, the head says %s", seal, head.Seal)
	}
	if !bytes.Equal(AppendHead(nil, head), AppendHead(nil, &v.replay.head)) {
		return v.violation("head", "the stored head %+v is not the end of the journal %+v", *head, v.replay.head)
	}
	return nil
}

// compareOpen compares the blocks that are listed as open with those that should be.
func (v *verifier) compareOpen(blocks []Block) error {
	open := map[uint64]bool{}
	for i := range blocks {
		b := &blocks[i]
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
	return nil
}

// compareBlocks compares all stored blocks with those that the journal made.
func (v *verifier) compareBlocks(ctx context.Context, s Snapshot) error {
	for from, next := uint64(0), uint64(1); ; from = next { // no block has number 0
		page, err := s.Blocks(ctx, from, MaxPage)
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
			next++
		}
		if len(page) == MaxPage {
			continue
		}
		if next != v.replay.head.Blocks+1 {
			return v.violation("blocks", "%d blocks are stored, the journal made %d", next-1, v.replay.head.Blocks)
		}
		return nil
	}
}

func (v *verifier) blockViolation(b *Block, detail string) *Violation {
	return &Violation{Account: v.id, Block: b.ID, Rule: "blocks", Detail: detail}
}

func (v *verifier) compareBlock(b *Block) error {
	if !b.Held.IsZero() {
		return v.blockViolation(b, "it says what of it is held, which no store keeps")
	}
	if b.Number == 0 || b.Number > uint64(len(v.blocks)) {
		return v.blockViolation(b, fmt.Sprintf("the journal made no block number %d", b.Number))
	}
	replayed := v.blocks[b.Number-1].whole()
	v.stored, v.replayed = AppendBlock(v.stored[:0], b), AppendBlock(v.replayed[:0], &replayed)
	if !bytes.Equal(v.stored, v.replayed) {
		return v.blockViolation(b, "it is not what the journal gives")
	}
	return nil
}

// compareOpenRows compares the rows that are listed as open with those that should be.
func (v *verifier) compareOpenRows(rows []Row) error {
	open := map[rowName]bool{}
	for i := range rows {
		r := &rows[i]
		replayed := v.rows[rowName{r.Kind, r.Key}]
		switch {
		case replayed == nil || !replayed.Open || open[rowName{r.Kind, r.Key}]:
			return v.rowViolation(r, "it is listed as open and should not be")
		case !bytes.Equal(r.Value, replayed.Value):
			return v.rowViolation(r, "it is not what the journal gives")
		}
		open[rowName{r.Kind, r.Key}] = true
	}
	var missing *StoredRow // the first of them, so that the answer is always the same
	for name, r := range v.rows {
		if r.Open && !open[name] && (missing == nil || name.before(rowName{missing.Kind, missing.Key})) {
			missing = r
		}
	}
	if missing != nil {
		return v.rowViolation(&missing.Row, "it is not listed as open and should be")
	}
	return nil
}

// compareRows compares all stored rows with those that the journal gives.
func (v *verifier) compareRows(ctx context.Context, s Snapshot) error {
	n := 0
	for after := (rowName{}); ; {
		page, err := s.Rows(ctx, after.kind, after.key, MaxPage)
		if err != nil {
			return err
		}
		for i := range page {
			r := &page[i]
			name := rowName{r.Kind, r.Key}
			replayed := v.rows[name]
			switch {
			case !after.before(name):
				return standsStill("rows of " + v.id.String())
			case replayed == nil:
				return v.rowViolation(&r.Row, "the journal gives no such row")
			case replayed.Open != r.Open || !bytes.Equal(replayed.Value, r.Value):
				return v.rowViolation(&r.Row, "it is not what the journal gives")
			}
			after = name
			n++
		}
		if len(page) == MaxPage {
			continue
		}
		if n != len(v.rows) {
			return v.violation("rows", "%d rows are stored, the journal gives %d", n, len(v.rows))
		}
		return nil
	}
}

func (v *verifier) rowViolation(r *Row, detail string) *Violation {
	return v.violation("rows", "row %q of kind %d: %s", r.Key, r.Kind, detail)
}

// balances proves invariants 1 and 5 by plain sums, without the code that decides
// operations: the effects of all entries on a block add up to its balance, and the
// balances of the eligible blocks to the total.
func (v *verifier) balances(at Instant) error {
	var total Amount
	for _, b := range v.blocks {
		if v.sums[b.Number].Cmp(b.Balance) != 0 {
			whole := b.whole()
			return v.blockViolation(&whole, fmt.Sprintf("its entries add up to %s, it holds %s", v.sums[b.Number], b.Balance))
		}
		counts := b.Balance
		switch {
		case b.Expired(at):
			counts = b.rare.held // what holds keep of an expired block goes on counting
		case !b.Eligible(at):
			continue
		}
		var err error
		if total, err = total.Add(counts); err != nil {
			return v.violation("conservation", "%v", err)
		}
	}
	if total.Cmp(v.replay.head.Total) != 0 {
		return v.violation("conservation", "the eligible blocks hold %s, the head says %s", total, v.replay.head.Total)
	}
	return nil
}
