package creditledger

import "encoding/json"

// verifyObject is a verification: violation is the sentence for people, broken its parts.
type verifyObject struct {
	OK        bool          `json:"ok"`
	Entries   uint64        `json:"entries"`
	Blocks    uint64        `json:"blocks"`
	Erased    uint64        `json:"erased,omitempty"`
	Lost      uint64        `json:"lost,omitempty"`
	Violation string        `json:"violation,omitempty"`
	Accounts  uint64        `json:"accounts"`
	Records   uint64        `json:"records"`
	Broken    *brokenObject `json:"broken,omitempty"`
}

type brokenObject struct {
	Customer string `json:"customer_id,omitempty"`
	Currency string `json:"currency,omitempty"`
	Record   uint64 `json:"record,omitempty"`
	Entry    uint64 `json:"ledger_sequence_number,omitempty"`
	Block    string `json:"block_id,omitempty"`
	Rule     string `json:"rule"`
	Detail   string `json:"detail"`
}

// MarshalJSON writes the verification in the words of operations files. Write it only for
// a verification that returned no error: with an error nothing is proved.
func (v Verification) MarshalJSON() ([]byte, error) {
	o := verifyObject{OK: v.Violation == nil, Entries: v.Entries, Blocks: v.Blocks, Erased: v.Erased, Lost: v.Lost, Accounts: v.Accounts, Records: v.Records}
	if b := v.Violation; b != nil {
		o.Violation = b.String()
		o.Broken = &brokenObject{b.Account.Customer, b.Account.Currency, b.Record, b.Entry, b.Block, b.Rule, b.Detail}
	}
	return plainJSON(o)
}

// UnmarshalJSON reads what MarshalJSON writes. On an error v stays as it was.
func (v *Verification) UnmarshalJSON(data []byte) error {
	var o verifyObject
	if err := json.Unmarshal(data, &o); err != nil {
		return badJSON("verification", err)
	}
	read := Verification{Accounts: o.Accounts, Records: o.Records, Entries: o.Entries, Blocks: o.Blocks, Erased: o.Erased, Lost: o.Lost}
	switch b := o.Broken; {
	case b != nil:
		read.Violation = &Violation{AccountID{b.Customer, b.Currency}, b.Record, b.Entry, b.Block, b.Rule, b.Detail}
	case !o.OK:
		return invalid("verification", "is not ok, and has no broken rule")
	}
	*v = read
	return nil
}
