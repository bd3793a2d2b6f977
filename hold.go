package creditledger

import "encoding/json"

// HoldState tells what became of a hold.
type HoldState uint8

// The states of a hold.
const (
	HoldOpen     HoldState = iota // it keeps credits until it is captured, released or lapses
	HoldCaptured                  // closed by a capture, in time or after it had lapsed
	HoldReleased                  // closed by a release
	HoldLapsed                    // its time is over
)

// String returns the name used in operations files.
func (s HoldState) String() string { return name(holdStateNames, s) }

// MarshalText gives the name.
func (s HoldState) MarshalText() ([]byte, error) {
	return marshalName(holdStateNames, HoldOpen, "state", s)
}

// UnmarshalText reads what MarshalText writes.
func (s *HoldState) UnmarshalText(text []byte) error {
	return unmarshalName(s, holdStateNames, HoldOpen, "state", text)
}

var holdStateNames = []string{"open", "captured", "released", "lapsed"}

// HoldInfo is a hold as it was at some instant: credits of an account that are set aside
// for one purpose. Amounts are in credits. A HoldInfo that the ledger returns is the
// caller's own. Rule: docs/semantics/holds.md.
type HoldInfo struct {
	ID        string
	State     HoldState
	Amount    Amount      // set aside in all, extensions included
	Held      Amount      // of that, what it still keeps: the slices and what is unbacked
	Slices    []HoldSlice // in the order in which they are captured
	Unbacked  Amount      // promised under an overdraft policy that allows it, and covered by no block
	Captured  Amount      // what captures took of it; neither what was above it nor a capture after it had lapsed
	Until     Instant     // it lapses then, unless it was closed before
	ItemID    string
	PriceID   string
	CreatedAt Instant
}

// HoldSlice is what a hold keeps of one block.
type HoldSlice struct {
	BlockID string `json:"block_id"`
	Amount  Amount `json:"amount"`
}

type holdObject struct {
	ID        string      `json:"id"`
	State     HoldState   `json:"state"`
	Amount    Amount      `json:"amount"`
	Held      Amount      `json:"held"`
	Slices    []HoldSlice `json:"slices"`
	Unbacked  Amount      `json:"unbacked"`
	Captured  Amount      `json:"captured"`
	Until     Instant     `json:"until"`
	ItemID    *string     `json:"item_id"`
	PriceID   *string     `json:"price_id"`
	CreatedAt Instant     `json:"created_at"`
}

// MarshalJSON writes the hold in the words of operations files.
func (h HoldInfo) MarshalJSON() ([]byte, error) {
	return plainJSON(holdObject{
		ID: h.ID, State: h.State, Amount: h.Amount, Held: h.Held, Slices: append([]HoldSlice{}, h.Slices...),
		Unbacked: h.Unbacked, Captured: h.Captured, Until: h.Until,
		ItemID: optional(h.ItemID), PriceID: optional(h.PriceID), CreatedAt: h.CreatedAt,
	})
}

// UnmarshalJSON reads what MarshalJSON writes. On an error h stays as it was.
func (h *HoldInfo) UnmarshalJSON(data []byte) error {
	var o holdObject
	if err := json.Unmarshal(data, &o); err != nil {
		return badJSON("hold", err)
	}
	*h = HoldInfo{
		ID: o.ID, State: o.State, Amount: o.Amount, Held: o.Held, Slices: orNone(o.Slices),
		Unbacked: o.Unbacked, Captured: o.Captured, Until: o.Until,
		ItemID: orZero(o.ItemID), PriceID: orZero(o.PriceID), CreatedAt: o.CreatedAt,
	}
	return nil
}
