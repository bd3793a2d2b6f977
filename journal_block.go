package creditledger

import "encoding/binary"

const (
	headFormat1 = 1
	headFormat2 = 2 // has rows
	blockFormat = 1
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
	dst = append(dst, blockFormat, flags, byte(b.Status), byte(b.Source))
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
	return appendMetadata(dst, b.Metadata)
}

// DecodeBlock reads what AppendBlock wrote. It refuses anything else with a CorruptError.
func DecodeBlock(data []byte) (Block, error) {
	r := reader{data: data}
	r.version(blockFormat, blockFormat)
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
	return b, r.finish("block")
}
