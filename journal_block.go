package creditledger

import "encoding/binary"

const (
	headFormat1  = 1
	headFormat2  = 2 // has rows
	blockFormat1 = 1
	blockFormat2 = 2 // tagged fields
)

// AppendHead appends the binary form of h.
func AppendHead(dst []byte, h *Head) []byte {
	format := byte(headFormat1)
	if h.Rows != 0 {
		format = headFormat2
	}
	dst = append(dst, format)
	dst = binary.AppendUvarint(dst, h.Version)
	dst = binary.AppendUvarint(dst, h.Entries)
	dst = binary.AppendUvarint(dst, h.Blocks)
	if h.Rows != 0 {
		dst = binary.AppendUvarint(dst, h.Rows)
	}
	dst = binary.AppendUvarint(dst, uint64(h.LastAt))
	dst = binary.AppendUvarint(dst, uint64(h.NextDue))
	dst = appendAmount(dst, h.Total)
	return append(dst, h.Seal[:]...)
}

// DecodeHead reads what AppendHead wrote. It refuses anything else with a CorruptError.
func DecodeHead(data []byte) (Head, error) {
	r := reader{data: data}
	format := r.version(headFormat1, headFormat2)
	h := Head{Version: r.uvarint(), Entries: r.uvarint(), Blocks: r.uvarint()}
	if format == headFormat2 {
		if h.Rows = r.uvarint(); h.Rows == 0 {
			r.fail("format 2 without rows")
		}
	}
	h.LastAt, h.NextDue, h.Total, h.Seal = r.instant(), r.instant(), r.amount(), r.seal()
	return h, r.finish("head")
}

const (
	blockOverdraft = 1 << iota
	blockHasCostBasis
)

// AppendBlock appends the binary form of b.
func AppendBlock(dst []byte, b *Block) []byte {
	var flags byte
	if b.Overdraft {
		flags |= blockOverdraft
	}
	if b.CostBasis.IsSet() {
		flags |= blockHasCostBasis
	}
	format := byte(blockFormat1)
	if b.Paid || !b.Lapsed.IsZero() || b.Refill != nil {
		format = blockFormat2
	}
	dst = append(dst, format, flags, byte(b.Status), byte(b.Source))
	dst = appendText(dst, b.ID)
	dst = binary.AppendUvarint(dst, b.Number)
	dst = binary.AppendUvarint(dst, uint64(b.CreatedAt))
	dst = binary.AppendUvarint(dst, uint64(b.EffectiveAt))
	dst = binary.AppendUvarint(dst, uint64(b.ExpiresAt))
	dst = binary.AppendUvarint(dst, uint64(b.ActivatedAt))
	dst = appendAmount(dst, b.Initial)
	dst = appendAmount(dst, b.Balance)
	dst = appendAmount(dst, b.Capacity)
	if b.CostBasis.IsSet() {
		dst = appendCostBasis(dst, b.CostBasis)
	}
	dst = binary.AppendVarint(dst, int64(b.Priority))
	dst = appendFilters(dst, b.Filters)
	dst = appendText(dst, b.InvoiceID)
	dst = appendText(dst, b.ParentID)
	dst = appendMetadata(dst, b.Metadata)
	if format == blockFormat1 {
		return dst
	}
	return appendBlockFields(dst, b)
}

// appendBlockFields appends what few blocks have.
func appendBlockFields(dst []byte, b *Block) []byte {
	list := beginFields(dst)
	if b.Paid {
		list.tag(fieldPaid)
	}
	if !b.Lapsed.IsZero() {
		list.tag(fieldLapsed)
		list.dst = appendAmount(list.dst, b.Lapsed)
	}
	if b.Refill != nil {
		list.tag(fieldRefill)
		list.dst = appendRefill(list.dst, b.Refill)
	}
	return list.dst
}

func (r *reader) blockFields(b *Block) {
	for tag := range r.fields() {
		switch tag {
		case fieldPaid:
			b.Paid = true
		case fieldLapsed:
			if b.Lapsed = r.amount(); b.Lapsed.Sign() <= 0 {
				r.fail("it lost nothing")
			}
		case fieldRefill:
			b.Refill = r.refill()
		default:
			r.unknownField(tag)
		}
	}
	if r.err == "" && !b.Paid && b.Lapsed.IsZero() && b.Refill == nil {
		r.fail("no fields in format %d", blockFormat2)
	}
}

func appendRefill(dst []byte, f *Refill) []byte {
	dst = appendAmount(dst, f.Repaid)
	dst = binary.AppendUvarint(dst, uint64(f.EffectiveAt))
	dst = binary.AppendUvarint(dst, uint64(f.ExpiresAt))
	if f.CostBasis.IsSet() {
		dst = appendCostBasis(append(dst, 1), f.CostBasis)
	} else {
		dst = append(dst, 0)
	}
	dst = binary.AppendVarint(dst, int64(f.Priority))
	return append(dst, byte(f.Source))
}

func (r *reader) refill() *Refill {
	f := &Refill{Repaid: r.amount(), EffectiveAt: r.someInstant(), ExpiresAt: r.instant()}
	if r.bool() {
		f.CostBasis = r.costBasis()
	}
	f.Priority, f.Source = r.int32(), Source(r.enum(sourceNames, 0))
	if f.Repaid.Sign() <= 0 {
		r.fail("nothing was repaid")
	}
	return f
}

// DecodeBlock reads what AppendBlock wrote. It refuses anything else with a CorruptError.
func DecodeBlock(data []byte) (Block, error) {
	r := reader{data: data}
	format := r.version(blockFormat1, blockFormat2)
	flags := r.byte()
	if flags&^(blockOverdraft|blockHasCostBasis) != 0 {
		r.fail("unknown flags")
	}
	b := Block{
		Overdraft:   flags&blockOverdraft != 0,
		Status:      BlockStatus(r.enum(blockStatusNames, 0)),
		Source:      Source(r.enum(sourceNames, 0)),
		ID:          r.text(),
		Number:      r.uvarint(),
		CreatedAt:   r.instant(),
		EffectiveAt: r.instant(),
		ExpiresAt:   r.instant(),
		ActivatedAt: r.instant(),
		Initial:     r.amount(),
		Balance:     r.amount(),
		Capacity:    r.amount(),
	}
	if flags&blockHasCostBasis != 0 {
		b.CostBasis = r.costBasis()
	}
	b.Priority = r.int32()
	b.Filters = r.filters()
	b.InvoiceID = r.text()
	b.ParentID = r.text()
	b.Metadata = r.metadata()
	if format >= blockFormat2 {
		r.blockFields(&b)
	}
	return b, r.finish("block")
}
