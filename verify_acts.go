package creditledger

import (
	"bytes"
	"context"
)

// proveActs compares the replayed parts of acts with the other parts, which are in other
// accounts. The replay of a part compares it with what the act says about it (checkAct).
// proveActs checks that the other parts exist and say the same about the act. If all
// accounts are verified, each part looks at the next one only, so that together they look
// at every part. If one account is verified by itself, it looks at all parts.
func (v *verifier) proveActs(ctx context.Context) error {
	for _, seq := range v.acts {
		v.reading = seq
		rec, err := v.ledger.record(ctx, v.id, seq)
		if err != nil {
			return err
		}
		n := len(rec.act.parts)
		looks := n - 1
		if v.listed {
			looks = min(looks, 1)
		}
		for i := 1; i <= looks; i++ {
			if err := v.proveFellow(ctx, rec, (rec.act.index+i)%n); err != nil {
				return err
			}
		}
		v.reading = 0
	}
	v.acts = v.acts[:0]
	return nil
}

// proveFellow reads another part of a record's act and compares the two.
func (v *verifier) proveFellow(ctx context.Context, rec *OpRecord, i int) error {
	part := &rec.act.parts[i]
	other, err := v.fellow(ctx, rec, i)
	switch {
	case err != nil:
		return err
	case !rec.act.same(other.act) || other.act.index != i || other.digestOfPart() != part.digest:
		return v.violation(ruleAct, "part %d of its act, record %d of %s, is not what it was", i+1, part.seq, part.account)
	case other.At != rec.At:
		return v.violation(ruleAct, "part %d of its act was at %s, it was at %s", i+1, other.At, rec.At)
	case isPartOfTransfer(rec.Op), isPartOfTransfer(other.Op):
		return v.proveTransfer(ctx, rec, other)
	}
	return nil
}

// fellow reads the record of another part of an act.
func (v *verifier) fellow(ctx context.Context, rec *OpRecord, i int) (*OpRecord, error) {
	part := &rec.act.parts[i]
	records, err := v.ledger.store.Journal(ctx, part.account, part.seq, 1, false)
	if err != nil {
		return nil, err
	}
	if len(records) == 0 || records[0].Seq != part.seq {
		return nil, v.violation(ruleAct, "part %d of its act, record %d of %s, is missing", i+1, part.seq, part.account)
	}
	other := new(OpRecord)
	if err := other.decode(part.account, records[0].Bytes); err != nil {
		return nil, v.violation(ruleAct, "part %d of its act, record %d of %s, cannot be read: %v", i+1, part.seq, part.account, err)
	}
	return other, nil
}

// proveTransfer checks that one of two records sent what arrived with the other. If all
// accounts are verified, only the receiver's side compares the amounts and terms.
func (v *verifier) proveTransfer(ctx context.Context, rec, other *OpRecord) error {
	sender, receiver := rec, other
	_, arrives := rec.Op.(arrive)
	if _, sends := other.Op.(send); arrives || sends {
		sender, receiver = other, rec
	}
	sent, left := sender.Op.(send)
	op, arrived := receiver.Op.(arrive)
	switch {
	case !left || sent.To != receiver.Account:
		return v.violation(ruleAct, "%s did not send what arrived", sender.Account)
	case !arrived || op.From != sender.Account:
		return v.violation(ruleAct, "what %s sent did not arrive at %s", sender.Account, receiver.Account)
	case v.listed && rec == sender:
		return nil
	}
	return v.proveParcels(ctx, sender, op.Parcels)
}

// proveParcels checks that what arrived is what left the sender's blocks, on the same
// terms.
func (v *verifier) proveParcels(ctx context.Context, sender *OpRecord, parcels []parcel) error {
	var numbers []uint64
	var amounts []Amount
	for i := range sender.Effects[0].Lines {
		if l := &sender.Effects[0].Lines[i]; l.Type == EntryVoid {
			numbers, amounts = append(numbers, l.Block), append(amounts, l.Amount)
		}
	}
	if len(numbers) != len(parcels) {
		return v.violation(ruleAct, "credits of %d blocks arrived, and those of %d were sent", len(parcels), len(numbers))
	}
	for from := 0; from < len(numbers); from += MaxPage {
		until := min(from+MaxPage, len(numbers))
		blocks, err := v.ledger.store.BlocksByNumber(ctx, sender.Account, numbers[from:until])
		if err != nil {
			return v.violation(ruleAct, "the blocks that were sent cannot be read: %v", err)
		}
		for i := range blocks {
			b := blocks[i].kept()
			sent := appendArrive(nil, &arrive{Parcels: []parcel{parcelOf(&b, amounts[from+i])}})
			if !bytes.Equal(sent, appendArrive(nil, &arrive{Parcels: parcels[from+i : from+i+1]})) {
				return v.violation(ruleAct, "what arrived of block %s is not what was sent", quote(parcels[from+i].BlockID))
			}
		}
	}
	return nil
}
