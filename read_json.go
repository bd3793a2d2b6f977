package creditledger

import "encoding/json"

// explainedObject is a block of an explanation, without its terms: an explanation may
// list a hundred thousand blocks. A list of blocks has their terms.
type explainedObject struct {
	ID     string `json:"id"`
	Use    Amount `json:"use"`
	Reason Reason `json:"reason"`
}

// MarshalJSON writes the id of the block, its use and the reason, in the words of
// operations files.
func (b ExplainedBlock) MarshalJSON() ([]byte, error) {
	return plainJSON(explainedObject{b.Block.ID, b.Use, b.Reason})
}

// UnmarshalJSON reads what MarshalJSON writes: of the block only the id. On an error b
// stays as it was.
func (b *ExplainedBlock) UnmarshalJSON(data []byte) error {
	var o explainedObject
	if err := json.Unmarshal(data, &o); err != nil {
		return badJSON("block", err)
	}
	*b = ExplainedBlock{Block: Block{ID: o.ID}, Use: o.Use, Reason: o.Reason}
	return nil
}

// MarshalJSON writes the explanation in the words of operations files.
func (e Explanation) MarshalJSON() ([]byte, error) {
	type object Explanation
	e.Blocks = append([]ExplainedBlock{}, e.Blocks...)
	return plainJSON(object(e))
}

// MarshalJSON writes the page in the words of operations files.
func (p BlockPage) MarshalJSON() ([]byte, error) {
	type object BlockPage
	p.Blocks = append([]Block{}, p.Blocks...)
	return plainJSON(object(p))
}

// MarshalJSON writes the page in the words of operations files.
func (p EntryPage) MarshalJSON() ([]byte, error) {
	type object EntryPage
	p.Entries = append([]Entry{}, p.Entries...)
	return plainJSON(object(p))
}
