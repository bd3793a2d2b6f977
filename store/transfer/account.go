package transfer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"

	"creditledger"
)

// checkAccounts refuses a target with an account that is not the beginning of the
// source's, and counts the source's.
func (c *copier) checkAccounts(ctx context.Context) error {
	if err := c.each(ctx, c.to, c.checkAccount); err != nil {
		return err
	}
	return c.each(ctx, c.from, func(ctx context.Context, id creditledger.AccountID) error {
		last, err := c.from.Journal(ctx, id, math.MaxUint64, 1, true)
		if err != nil {
			return err
		}
		c.note(func(p *Progress, _ *Report) {
			p.AllAccounts++
			if len(last) > 0 {
				p.AllJournal += last[0].Seq
			}
		})
		return nil
	})
}

// checkAccount compares the last record of the target's journal with the one that
// stands there in the source: it holds the seal of all before it.
func (c *copier) checkAccount(ctx context.Context, id creditledger.AccountID) error {
	last, err := c.to.Journal(ctx, id, math.MaxUint64, 1, true)
	if err != nil || len(last) == 0 {
		return err
	}
	same, err := c.from.Journal(ctx, id, last[0].Seq, 1, false)
	if err != nil {
		return err
	}
	if len(same) == 0 || same[0].Seq != last[0].Seq {
		return &TargetError{Account: id, Reason: fmt.Sprintf("has %d journal records, the source fewer or none", last[0].Seq)}
	}
	if !madeFrom(&last[0], creditledger.SealOf(same[0].Bytes)) {
		return &TargetError{Account: id, Reason: fmt.Sprintf("has another history: its journal record %d is not the source's", last[0].Seq)}
	}
	c.note(func(p *Progress, _ *Report) { p.Arrived += last[0].Seq })
	return nil
}

func (c *copier) copyAccounts(ctx context.Context) error { return c.each(ctx, c.from, c.copyAccount) }

// rounds is how often a copy imports the rest of an account that others keep writing to.
const rounds = 4

// copyAccount imports what the target does not have of an account's journal, and compares
// the ends of both.
func (c *copier) copyAccount(ctx context.Context, id creditledger.AccountID) error {
	state, err := c.to.Load(ctx, id, nil)
	if err != nil {
		return err
	}
	version := state.Head.Version
	for wanted, round := uint64(0), 0; ; round++ {
		if version, err = c.importFrom(ctx, id, version); err != nil {
			return err
		}
		if version < wanted {
			return &creditledger.CorruptError{Where: "account " + id.String() + " of the source",
				Reason: fmt.Sprintf("its journal ends at record %d, its head says %d", version, wanted)}
		}
		source, err := c.from.Load(ctx, id, nil)
		if err != nil {
			return err
		}
		wanted = source.Head.Version
		switch {
		case version > wanted: // although the head was read last
			return &creditledger.CorruptError{Where: "account " + id.String() + " of the source",
				Reason: fmt.Sprintf("its journal goes on to record %d, its head says that %d is the last", version, wanted)}
		case version == 0:
			return &creditledger.CorruptError{Where: "account " + id.String() + " of the source",
				Reason: "it is listed, and nothing of it can be read"}
		case version == wanted:
			return c.arrived(ctx, id, &source.Head)
		case round == rounds:
			return fmt.Errorf("%w: account %s", ErrSourceMoved, id)
		}
	}
}

// importFrom appends the source's records after a version to the target's, and
// returns the version it has then.
func (c *copier) importFrom(ctx context.Context, id creditledger.AccountID, version uint64) (uint64, error) {
	for {
		page, err := c.from.Journal(ctx, id, version+1, journalPage, false)
		if err != nil {
			return version, err
		}
		if err := c.ledger.ImportAnew(ctx, id, page); err != nil {
			return version, err
		}
		n := uint64(len(page))
		version += n
		if n > 0 {
			c.note(func(p *Progress, r *Report) { p.Journal += n; p.Arrived += n; r.NewJournal += n })
		}
		if n < journalPage {
			return version, nil
		}
	}
}

// arrived compares the heads of both: seal, counts, instants and total.
func (c *copier) arrived(ctx context.Context, id creditledger.AccountID, source *creditledger.Head) error {
	target, err := c.to.Load(ctx, id, nil)
	if err != nil {
		return err
	}
	head := target.Head
	if head.Seal != source.Seal {
		last, err := c.to.Journal(ctx, id, head.Version, 1, true)
		if err != nil {
			return err
		}
		if len(last) == 1 && madeFrom(&last[0], source.Seal) {
			head.Seal = source.Seal
		}
	}
	if !bytes.Equal(creditledger.AppendHead(nil, source), creditledger.AppendHead(nil, &head)) {
		return &creditledger.CorruptError{Where: "account " + id.String() + " of the source",
			Reason: "its head does not follow from its journal"}
	}
	c.note(func(p *Progress, r *Report) {
		p.Accounts++
		r.Accounts++
		r.Journal += source.Version
	})
	return nil
}

// compareAccounts checks that neither store has an account that the other lacks. The
// accounts of the source have been compared before.
func (c *copier) compareAccounts(ctx context.Context) error {
	var here, there uint64
	count := func(n *uint64) func(creditledger.AccountID) error {
		return func(creditledger.AccountID) error { *n++; return nil }
	}
	if err := errors.Join(eachAccount(ctx, c.from, count(&here)), eachAccount(ctx, c.to, count(&there))); err != nil {
		return err
	}
	switch {
	case here != c.report.Accounts:
		return fmt.Errorf("%w: it has %d accounts by now, %d were copied", ErrSourceMoved, here, c.report.Accounts)
	case there != here:
		return fmt.Errorf("%w: it has %d accounts by now, the source %d", ErrTarget, there, here)
	}
	return nil
}

// madeFrom reports whether a record of the target is the record with a given seal in the
// source, or was made from it.
func madeFrom(record *creditledger.JournalRecord, seal creditledger.Seal) bool {
	if creditledger.SealOf(record.Bytes) == seal {
		return true
	}
	rec, err := creditledger.DecodeRecord(record.Bytes)
	return err == nil && rec.Was == seal
}
