package creditledger

import (
	"errors"
	"fmt"
	"strings"
)

// Violation names the first record, entry or block that breaks a rule.
type Violation struct {
	Account AccountID // the zero AccountID when it is about none
	Record  uint64    // sequence number of the journal record, 0 when it is not about one
	Entry   uint64    // sequence number of the entry, 0 when it is not about one
	Block   string    // id of the block, empty when it is not about one
	Rule    string    // in a few words; docs/semantics.md, "Invariants"
	Detail  string
}

// String says where and what, on one line.
func (v *Violation) String() string {
	var b strings.Builder
	if v.Account == (AccountID{}) {
		b.WriteString("the store")
	} else {
		b.WriteString(v.Account.String())
	}
	if v.Record != 0 {
		fmt.Fprintf(&b, ", record %d", v.Record)
	}
	if v.Entry != 0 {
		fmt.Fprintf(&b, ", entry %d", v.Entry)
	}
	if v.Block != "" {
		fmt.Fprintf(&b, ", block %s", quote(v.Block))
	}
	fmt.Fprintf(&b, ": %s: %s", v.Rule, v.Detail)
	return b.String()
}

// Error lets a Violation travel as an error inside the verifier.
func (v *Violation) Error() string { return v.String() }

// violationOf returns the violation in an error, nil if reading failed. Damage that a
// store reports is a violation of what was being read.
func violationOf(err error, on AccountID, record uint64) *Violation {
	var broken *Violation
	var corrupt *CorruptError
	switch {
	case errors.As(err, &broken):
		return broken
	case errors.As(err, &corrupt):
		return &Violation{Account: on, Record: record, Rule: "readable", Detail: err.Error()}
	}
	return nil
}
