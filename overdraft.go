package creditledger

import "errors"

// Overdraft says what becomes of the part of a decrement that no block covers.
type Overdraft uint8

// The overdraft policies.
const (
	OverdraftDefault    Overdraft = iota // the ledger's setting, or allow beside a limit; reject for a Hold and an ExtendHold, stop at zero for a Capture
	OverdraftAllow                       // take it from the last non-expiring unfiltered block, or a new overdraft block
	OverdraftReject                      // refuse the decrement
	OverdraftStopAtZero                  // take what there is and return the overage
)

// String returns the name used in operations files.
func (o Overdraft) String() string { return name(overdraftNames, o) }

// ParseOverdraft reads a policy by its name.
func ParseOverdraft(text string) (Overdraft, error) {
	return parseName(overdraftNames, OverdraftAllow, "overdraft", text)
}

// MarshalText gives the name, and nothing for OverdraftDefault.
func (o Overdraft) MarshalText() ([]byte, error) {
	return marshalName(overdraftNames, OverdraftAllow, "overdraft", o)
}

// UnmarshalText reads what MarshalText writes.
func (o *Overdraft) UnmarshalText(text []byte) error {
	return unmarshalName(o, overdraftNames, OverdraftAllow, "overdraft", text)
}

// overdraftBySetting marks a policy that the ledger took from its settings, in its own
// copy of a decrement. So a retry is recognised even if the setting has changed.
const overdraftBySetting Overdraft = 0x80

// or returns o without its mark, or another policy in the place of OverdraftDefault.
func (o Overdraft) or(other Overdraft) Overdraft {
	if o == OverdraftDefault {
		return other
	}
	return o &^ overdraftBySetting
}

// same reports whether the callers of two decrements may have meant the same. A caller
// that named no policy meant the setting.
func (o Overdraft) same(p Overdraft) bool {
	return o.or(OverdraftAllow) == p.or(OverdraftAllow) || o.bySetting() || p.bySetting()
}

func (o Overdraft) bySetting() bool { return o == OverdraftDefault || o&overdraftBySetting != 0 }

// code returns a policy as the journal has it. A decrement's default is written as the
// policy that it stood for.
func (o Overdraft) code() byte { return byte(o.or(OverdraftAllow) - OverdraftAllow) }

var overdraftNames = []string{"default", "allow", "reject", "stop_at_zero"}

// OverdraftLimit bounds an overdraft: the total may not fall below minus it. The zero
// OverdraftLimit is no bound.
type OverdraftLimit struct {
	amount Amount
	set    bool
}

// OverdraftLimitOf bounds an overdraft by a (≥ 0).
func OverdraftLimitOf(a Amount) OverdraftLimit { return OverdraftLimit{amount: a, set: true} }

// Amount returns the bound and whether there is one.
func (l OverdraftLimit) Amount() (Amount, bool) { return l.amount, l.set }

// String returns the bound; nothing when there is none.
func (l OverdraftLimit) String() string {
	if !l.set {
		return ""
	}
	return l.amount.String()
}

// MarshalText returns what String returns.
func (l OverdraftLimit) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText reads an amount; nothing is no bound. On an error l stays as it was.
func (l *OverdraftLimit) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*l = OverdraftLimit{}
		return nil
	}
	return l.read(ParseAmount(boundedText(text)))
}

// MarshalJSON returns the bound as a JSON string; null for none.
func (l OverdraftLimit) MarshalJSON() ([]byte, error) {
	if !l.set {
		return []byte("null"), nil
	}
	return l.amount.MarshalJSON()
}

// UnmarshalJSON reads a JSON string or number by its decimal text; null is no bound.
// On an error l stays as it was.
func (l *OverdraftLimit) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		*l = OverdraftLimit{}
		return nil
	}
	return l.read(ParseAmount(jsonNumberText(data)))
}

func (l *OverdraftLimit) read(a Amount, err error) error {
	if err != nil {
		var refused *InvalidError
		if errors.As(err, &refused) {
			return invalid("overdraft_limit", "%s", refused.Reason)
		}
		return err
	}
	*l = OverdraftLimitOf(a)
	return nil
}
