package creditledger

// DocumentID names a document: a customer, an invoice, or whatever else a layer above the
// ledger keeps. Kind is a short lower-case word of 1 to 64 bytes, Key has 1 to 1024 bytes.
type DocumentID struct {
	Kind string
	Key  string
}

// Document is what a layer above the ledger, such as package invoice, stores in the ledger's
// store, alone or in one commit with an operation. Neither the ledger nor the store looks
// into Value.
type Document struct {
	DocumentID
	Version uint64 // 1 when first put, one more with every put that does not say otherwise
	Value   []byte
}

// Seal returns the SHA-256 of the value, which a put that replaces the document names as
// Prev. That of a document that is not there, which has no version, is zero.
func (d *Document) Seal() Seal {
	if d.Version == 0 {
		return Seal{}
	}
	return SealOf(d.Value)
}

// DocumentPut stores a document if what is stored is still what the put was computed from: the
// version Expect (0: there is none) with a value of seal Prev. A version alone does not
// tell: a database that an older dump or a standby that lags brought back reaches it a
// second time, with another value.
type DocumentPut struct {
	DocumentID
	Expect  uint64
	Prev    Seal   // Document.Seal of what it was computed from; zero if there was none
	Version uint64 // the version it gets, more than Expect; 0: one more. For copies of a ledger
	Value   []byte
}

// Next returns the version that the document gets.
func (p *DocumentPut) Next() uint64 {
	if p.Version == 0 {
		return p.Expect + 1
	}
	return p.Version
}
