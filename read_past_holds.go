package creditledger

import "context"

// pastHolds goes back from the holds of the present to those of an instant. A record says
// how its operation left the hold, which record has the operation before on that hold,
// and which holds lapsed since the record before. So what was held then follows from what
// happened since.
type pastHolds struct {
	at    Instant
	open  map[string]*storedHold // the holds whose state is known
	since map[string]uint64      // for the other holds, the record that has their state; 0: not made yet
}

func newPastHolds(open []namedHold, at Instant) *pastHolds {
	p := &pastHolds{at: at, open: map[string]*storedHold{}, since: map[string]uint64{}}
	for i := range open {
		p.open[open[i].id] = &open[i].storedHold
	}
	return p
}

// undo goes back before a record of a later instant.
func (p *pastHolds) undo(rec *OpRecord) {
	if rec.At <= p.at {
		return
	}
	for i := len(rec.Effects) - 1; i >= 0; i-- {
		if h := rec.Effects[i].hold; h != nil {
			p.look(holdIDOf(operationAt(rec.Op, i)), h.last)
		}
	}
	for _, l := range rec.lapses {
		p.look(l.id, l.last)
	}
}

func (p *pastHolds) look(id string, record uint64) {
	delete(p.open, id)
	p.since[id] = record
}

// held reads the states that are not known yet, and adds up what was held: of each block,
// and in all.
func (p *pastHolds) held(ctx context.Context, l *Ledger, on AccountID) (ofBlock map[uint64]Amount, sum Amount, err error) {
	for id, seq := range p.since {
		if seq == 0 {
			continue
		}
		rec, err := l.record(ctx, on, seq)
		if err != nil {
			return nil, Amount{}, err
		}
		for i := range rec.Effects {
			if h := rec.Effects[i].hold; h != nil && holdIDOf(operationAt(rec.Op, i)) == id {
				p.open[id] = &h.storedHold
			}
		}
	}
	ofBlock = map[uint64]Amount{}
	for _, h := range p.open {
		if h.state != HoldOpen || h.until <= p.at {
			continue
		}
		if sum, err = sum.Add(h.unbacked); err != nil {
			return nil, Amount{}, err
		}
		for _, s := range h.slices {
			if sum, err = sum.Add(s.amount); err != nil {
				return nil, Amount{}, err
			}
			if ofBlock[s.block], err = ofBlock[s.block].Add(s.amount); err != nil {
				return nil, Amount{}, err
			}
		}
	}
	return ofBlock, sum, nil
}
