package creditledger

// RecordID names a record of an upper layer: customers, invoices and whatever comes
// later. Kind is a short lower-case word of 1 to 64 bytes, Key has 1 to 1024 bytes.
type RecordID struct {
	Kind string
	Key  string
}

// Record is a record of an upper layer. The store does not look into Value.
type Record struct {
	RecordID
	Version uint64 // 1 when first put, one more with every put that does not say otherwise
	Value   []byte
}

// Seal returns the SHA-256 of the value: what a put that replaces the record names as Prev.
// That of a record that is not there, which has no version, is zero.
func (r *Record) Seal() Seal {
	if r.Version == 0 {
		return Seal{}
	}
	return SealOf(r.Value)
}

// RecordPut stores a record if what is stored is still what the put was computed from: the
// version Expect (0: there is none) with a value of seal Prev. A version alone does not
// tell: a database that an older dump or a standby that lags brought back reaches it a
// second time, with another value.
type RecordPut struct {
	RecordID
	Expect  uint64
	Prev    Seal   // Record.Seal of the record it was computed from; zero if there was none
	Version uint64 // the version it gets, more than Expect; 0: one more. For copies of a ledger
	Value   []byte
}

// Next returns the version that the record gets.
func (p *RecordPut) Next() uint64 {
	if p.Version == 0 {
		return p.Expect + 1
	}
	return p.Version
}
