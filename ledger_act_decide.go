package creditledger

import (
	"context"
	"errors"
)

// errMuchDue is why an act is not decided yet: more is due on its accounts than may be
// written in one commit, or grants of schedules are.
var errMuchDue = errors.New("more is due on the accounts of an act than is written in one commit")

// advance moves the accounts to the instant of the act: the latest of the clock and what
// was last written on any of them.
func (a *joint) advance() error {
	at, err := a.ledger.now()
	if err != nil {
		return err
	}
	for _, p := range a.parts {
		at = max(at, p.slot.account.head.LastAt)
	}
	a.at = at
	for _, p := range a.parts {
		if !p.slot.account.grantsBy(at) { // else they are decided on the way
			p.slot.account.moveTo(at)
		}
	}
	return nil
}

// decide decides all parts, or leaves all accounts as they were.
func (a *joint) decide() (*Result, error) {
	for _, p := range a.parts {
		p.decision = newDecision(a.ledger, &p.request, p.slot.account)
		p.decision.at = a.at
		p.slot.deciding = true // a panic is noticed on each of them
	}
	var res *Result
	err := a.step()
	if err == nil {
		res = a.seal()
		err = a.bring(res)
	}
	if err != nil {
		for _, p := range a.parts {
			p.decision.takeBack()
		}
	}
	for _, p := range a.parts {
		p.slot.deciding = false
	}
	if err != nil {
		return nil, err
	}
	return res, nil
}

// bring asks for the documents that the act brings along. They are stored with the first
// of its records.
func (a *joint) bring(res *Result) (err error) {
	if a.attach == nil {
		return nil
	}
	first := a.parts[0].decision
	if first.puts, err = a.attach(res); err != nil {
		return err
	}
	return checkPuts(first.puts)
}

// step decides and applies the operations, in their order.
func (a *joint) step() error {
	for _, p := range a.parts {
		p.decision.operations()
	}
	for i, at := range a.order {
		p := a.parts[at.part]
		err := p.request.undated()
		if err == nil {
			err = p.decision.checkClock(at.operation)
		}
		if err != nil {
			return a.refused(i, err)
		}
	}
	a.muchDue = false
	if err := a.begin(); err != nil {
		return err
	}
	for i, at := range a.order {
		p := a.parts[at.part]
		if a.transfer != nil && i == 1 {
			p.receive(a.on(0))
		}
		if err := p.decision.do(at.operation); err != nil {
			return a.refused(i, err)
		}
		if n := a.entries(); n > MaxBatchEntries {
			return a.refused(i, &LimitError{Entries: n})
		}
	}
	if a.muchDue {
		return errMuchDue
	}
	return nil
}

// begin writes down what is due on each account.
func (a *joint) begin() error {
	due := 0
	for _, p := range a.parts {
		if err := p.decision.begin(); err != nil {
			return err
		}
		for _, c := range p.decision.changes {
			due += len(c.lines)
		}
		if p.decision.passed || len(p.decision.pieces) > 0 || due > a.ledger.expiries {
			a.muchDue = true
		}
	}
	return nil
}

// entries counts what the operations wrote so far.
func (a *joint) entries() (n int) {
	for _, p := range a.parts {
		n += int(p.slot.account.head.Entries - p.decision.entries)
	}
	return n
}

// receive gives the receiver's part of a transfer what the sender's sent.
func (p *part) receive(from *part) {
	op := p.request.op.(arrive)
	op.Parcels = parcels(from.decision.changes[len(from.decision.changes)-1])
	p.request.op = op
	p.decision.operations()
}

// seal makes the records of the parts, each of which knows the others, and moves the heads
// on.
func (a *joint) seal() *Result {
	header := act{}
	for _, at := range a.order {
		header.order = append(header.order, at.part)
	}
	records := make([]*OpRecord, len(a.parts))
	for i, p := range a.parts {
		d := p.decision
		records[i] = d.draft(p.request.op, a.key, d.account.at, d.entries, d.changes[d.first:])
		header.parts = append(header.parts, actPart{account: records[i].Account, seq: records[i].Seq})
	}
	header.id = records[0].ID
	digests := make([]Seal, len(a.parts))
	for i, rec := range records {
		own := header
		own.index = i
		rec.act = &own
		digests[i] = rec.digestOfPart()
	}
	for i := range digests {
		header.parts[i].digest = digests[i] // in the list that all of them share
	}
	results := make([]*Result, len(a.parts))
	for i, p := range a.parts {
		d := p.decision
		d.finish(records[i], d.changes[d.first:])
		results[i] = resultFrom(records[i], d.ops, d.changes[d.first:], d.account.at)
	}
	a.told = records[0].actKey()
	return gathered(records[0], results)
}

// actKey is the key of a record's act: the caller's, or the one that the ledger made.
func (r *OpRecord) actKey() Key {
	if r.Key != "" {
		return r.Key
	}
	return r.act.key()
}

// gathered is what the caller is told of an act: the results of its operations, in their
// order. One of its records tells the rest.
func gathered(rec *OpRecord, parts []*Result) *Result {
	res := &Result{Key: rec.actKey(), At: rec.At}
	next := make([]int, len(parts))
	for _, i := range rec.act.order {
		of := parts[i]
		one := *of
		if of.Results != nil {
			one = of.Results[next[i]]
		}
		next[i]++
		one.Key, one.Replayed = "", false
		res.Results = append(res.Results, one)
		res.Entries = append(res.Entries, one.Entries...)
	}
	return res
}

// sweep writes down what is due on the act's accounts at its instant, which may be later than
// the present.
func (a *joint) sweep(ctx context.Context) error {
	for _, p := range a.parts {
		w, err := a.ledger.sweepAccount(ctx, p.request.account, a.at)
		if err == nil {
			_, err = a.ledger.landed(ctx, w)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
