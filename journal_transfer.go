package creditledger

import "encoding/binary"

// The two parts of a transfer in the journal. Rule: docs/format.md, "Operations".

func appendAccount(dst []byte, id AccountID) []byte {
	return appendText(appendText(dst, id.Customer), id.Currency)
}

func appendSend(dst []byte, op *send) []byte {
	return appendText(appendAmount(appendAccount(dst, op.To), op.Amount), op.BlockID)
}

func appendArrive(dst []byte, op *arrive) []byte {
	dst = binary.AppendUvarint(appendAccount(dst, op.From), uint64(len(op.Parcels)))
	for i := range op.Parcels {
		p := &op.Parcels[i]
		dst = appendAmount(appendText(dst, p.BlockID), p.Amount)
		dst = appendInstant(appendInstant(dst, p.EffectiveAt), p.ExpiresAt)
		if p.CostBasis.IsSet() {
			dst = appendCostBasis(append(dst, 1), p.CostBasis)
		} else {
			dst = append(dst, 0)
		}
		dst = appendFilters(binary.AppendVarint(dst, int64(p.Priority)), p.Filters)
	}
	return dst
}

// transfer reads what appendSend or appendArrive wrote.
func (c *operationCodec) transfer(r *reader, code byte) Operation {
	other := AccountID{Customer: r.text(), Currency: r.text()}
	if code == opSend {
		op := send{To: other, Amount: r.amount(), BlockID: r.text()}
		op.Description, op.Metadata = c.readEnd(r)
		return op
	}
	op := arrive{From: other}
	n := r.count()
	for i := 0; i < n && r.err == ""; i++ {
		p := parcel{BlockID: r.text(), Amount: r.amount(), EffectiveAt: r.someInstant(), ExpiresAt: r.instant()}
		switch r.byte() {
		case 0:
		case 1:
			p.CostBasis = r.costBasis()
		default:
			r.fail("unknown flags")
		}
		p.Priority = r.int32()
		p.Filters = r.filters()
		op.Parcels = append(op.Parcels, p)
	}
	op.Description, op.Metadata = c.readEnd(r)
	return op
}
