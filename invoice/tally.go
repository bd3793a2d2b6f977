package invoice

import (
	"encoding/json"

	"creditledger"
)

// The records of a customer stand in no journal. So by itself nothing would miss a record
// that is gone, or notice one that was set back to an earlier state. Each put is counted
// twice, in one commit: in the record itself, and in one record of the customer.
// Verification adds the former up and compares.

// tally tells how many puts there were since it began. A tally may begin anew, because
// recovery left it out. So it is named by the instant at which it began, and puts that
// were counted under another name do not matter.
type tally struct {
	Began creditledger.Instant `json:"began"`
	Puts  uint64               `json:"puts"`
}

// counted reports whether records of a kind are in the tally of their customer. Numbers
// belong to a seller, and are proved by being dense. Settings belong to no customer.
func counted(kind string) bool {
	return kind != kindNumber && kind != kindTally && kind != kindSettings
}

// tallyOf returns how often a record was put since puts are counted.
func tallyOf(rec *creditledger.Document) (tally, error) {
	e, err := unwrap(rec)
	if err != nil || e.Counted == nil {
		return tally{}, err
	}
	return *e.Counted, nil
}

// tallied encodes a record for another put, and counts the put.
func tallied(all *tally, was tally, value any) ([]byte, error) {
	if was.Began != all.Began {
		was = tally{Began: all.Began}
	}
	was.Puts++
	all.Puts++
	data, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	return json.Marshal(envelope{Format: countedFormat, Counted: &was, Data: data})
}
