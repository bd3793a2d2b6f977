package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"creditledger"
	"creditledger/store/internal/changes"
)

// verdict is what judge finds out about a transaction that failed.
type verdict struct {
	applied bool // it is stored
	refuted bool // it is not stored, and never will be
	moved   creditledger.ConflictError
	late    []creditledger.AccountID // whose head is not where the change was computed from
	invalid error                    // the changes break what their caller guarantees, or an account is damaged
}

// judge reads everything that the transaction depends on, and whether an earlier try
// of it is stored.
func (t *transaction) judge(ctx context.Context, c client) (verdict, error) {
	b := &pgx.Batch{}
	t.queueJudge(b)
	results := c.SendBatch(ctx, b)
	v, err := t.hear(results)
	if closing := results.Close(); err == nil {
		err = closing
	}
	return v, err
}

func (t *transaction) queueJudge(b *pgx.Batch) {
	for _, p := range t.parts {
		if p.certain {
			continue
		}
		b.Queue(t.sql.judgeJournal, p.at.args(bounded(p.change.Version+1))...)
		for _, k := range p.change.Keys {
			b.Queue(t.sql.keySeq, p.at.args(string(k.Key))...)
		}
		for i := range p.change.Blocks {
			block := &p.change.Blocks[i]
			b.Queue(t.sql.blockNumber, p.at.args(block.ID)...)
			b.Queue(t.sql.blockRow, p.at.args(bounded(block.Number))...)
		}
		// Heads come last: if a head has not moved by now, nothing read before was newer.
		b.Queue(t.sql.judgeHead, p.at.args()...)
	}
	for i := range t.puts {
		b.Queue(t.sql.judgeRecord, t.puts[i].Kind, []byte(t.puts[i].Key))
	}
}

func (t *transaction) hear(results pgx.BatchResults) (v verdict, err error) {
	moved := map[creditledger.AccountID]bool{}
	for _, p := range t.parts {
		if p.certain {
			continue
		}
		same, err := p.hear(results, &v)
		if err != nil {
			return v, err
		}
		moved[p.change.Account] = !same
	}
	put := map[creditledger.DocumentID]bool{}
	for i := range t.puts {
		u := &t.puts[i]
		stored, token, err := nextRecord(results)
		if err != nil {
			return v, err
		}
		put[u.DocumentID] = !changes.Follows(u.DocumentPut, &stored)
		if stored.Version > u.Expect && stored.Version <= u.Next() {
			v.saw(bytes.Equal(token, u.token))
		}
	}
	for i := range t.list { // in the caller's order
		if c := &t.list[i]; moved[c.Account] {
			v.moved.Accounts = append(v.moved.Accounts, c.Account)
		}
		for j := range t.list[i].Documents {
			if id := t.list[i].Documents[j].DocumentID; put[id] {
				v.moved.Documents = append(v.moved.Documents, id)
			}
		}
	}
	return v, nil
}

// saw notes whether the transaction wrote what stands where it writes to.
func (v *verdict) saw(ours bool) {
	v.applied = v.applied || ours
	v.refuted = v.refuted || !ours
}

// hear reads the server's answers about one account.
func (p *part) hear(results pgx.BatchResults, v *verdict) (same bool, err error) {
	c := p.change
	var record []byte
	found, err := nextRow(results, &record)
	if err != nil {
		return false, err
	}
	free := true
	for _, k := range c.Keys {
		var seq int64
		used, err := nextRow(results, &seq)
		if err != nil {
			return false, err
		}
		if used {
			v.moved.Keys = append(v.moved.Keys, creditledger.AccountKey{Account: c.Account, Key: k.Key})
		}
		free = free && !used
	}
	stored := make([]bool, len(c.Blocks))
	for i := range c.Blocks {
		var number int64
		used, err := nextRow(results, &number)
		if err != nil {
			return false, err
		}
		free = free && !(used && c.Blocks[i].New)
		var data []byte
		var balance, capacity *string
		if stored[i], err = nextRow(results, &data, &balance, &capacity); err != nil {
			return false, err
		}
	}
	var version, last int64
	var seal []byte
	if _, err = nextRow(results, &version, &seal, &last); err != nil {
		return false, err
	}
	if same = p.follows(uint64(version), seal); !same {
		v.late = append(v.late, c.Account)
	}
	switch {
	case found && !same:
		v.saw(bytes.Equal(record, c.Journal[0].Bytes))
	case found && v.invalid == nil:
		v.invalid = corrupt(p.at, fmt.Sprintf("its head ends at record %d, and its journal goes on", c.Version))
	}
	for i := 0; same && free && v.invalid == nil && i < len(c.Blocks); i++ {
		if n := c.Blocks[i].Number; stored[i] && c.Blocks[i].New && n > uint64(last) {
			v.invalid = corrupt(p.at, fmt.Sprintf("its head says that it has %d blocks, and there is block %d", last, n))
		} else {
			v.invalid = changes.CheckNumber(c.Account, &c.Blocks[i], stored[i])
		}
	}
	return same && free, nil
}

// everything returns the conflict for a transaction that the server refuses although
// nothing has moved.
func (t *transaction) everything() *creditledger.ConflictError {
	e := &creditledger.ConflictError{}
	for i := range t.list {
		if t.list[i].Account != (creditledger.AccountID{}) {
			e.Accounts = append(e.Accounts, t.list[i].Account)
		}
		for _, u := range t.list[i].Documents {
			e.Documents = append(e.Documents, u.DocumentID)
		}
	}
	return e
}

// answer turns a verdict into the answer of Commit. Without an answer, the transaction
// may be tried again. unknown is why an earlier attempt may be stored.
func (v *verdict) answer(unknown error) (answer error, final bool) {
	conflict := len(v.moved.Accounts)+len(v.moved.Documents) > 0
	switch {
	case unknown != nil && v.applied:
		return nil, true
	case unknown != nil && conflict && !v.refuted:
		// Others have overwritten what would tell.
		return &creditledger.OutcomeUnknownError{Err: fmt.Errorf("commit: %w", discreet(unknown))}, true
	case conflict:
		return &v.moved, true
	case v.invalid != nil:
		return v.invalid, true
	}
	return nil, false
}

// confirm writes once more to an account or record of a transaction that was found
// stored. A commit that is visible may still be unknown to the standbys; one that
// comes after it waits for both.
func (s *Store) confirm(ctx context.Context, t *transaction) error {
	b := &script{}
	b.queue(anyRows, s.sql.begin)
	if len(t.parts) > 0 {
		b.part = &t.parts[0].change.Account
		b.alterRow(s.sql.touchHead, t.parts[0].at.args()...)
	} else {
		b.alterRow(s.sql.touchRecord, t.puts[0].Kind, []byte(t.puts[0].Key))
	}
	return s.onConnection(ctx, func(ctx context.Context, c *pgx.Conn) error {
		if err := s.check(ctx, c); err != nil {
			return err
		}
		return s.send(ctx, c, b)
	})
}

// confirmStored is the end of a commit that was found stored.
func (s *Store) confirmStored(ctx context.Context, t *transaction, unknown error) error {
	for attempt := 0; ; attempt++ {
		err := s.confirm(ctx, t)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil || classify(err) == refused {
			return &creditledger.OutcomeUnknownError{Err: fmt.Errorf("commit: %w", discreet(errors.Join(unknown, err)))}
		}
		pause(ctx, attempt)
	}
}
