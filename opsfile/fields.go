package opsfile

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"creditledger"
)

// fields hands out the values of an object key by key, each with the type that it must
// have, and keeps the first fault. A key that nobody asked for is unknown (finish). null
// is the same as absent.
type fields struct {
	path    []string // of the object: empty, or operations[2], …
	members []member
	asked   []string
	err     error

	customerOf func(externalID string) (creditledger.Customer, error) // nil: external ids are refused
}

// inside returns the fields of an object inside f.
func (f *fields) inside(name string, members []member) *fields {
	return &fields{path: append(f.path[:len(f.path):len(f.path)], name), members: members, customerOf: f.customerOf}
}

// refuse notes a fault of a key; the first one counts.
func (f *fields) refuse(key, format string, args ...any) {
	if f.err == nil {
		f.err = invalid(f.name(key), format, args...)
	}
}

// refuseAs notes an error of a parser of the core, under the name of the key.
func (f *fields) refuseAs(key string, err error) {
	var reason *creditledger.InvalidError
	if errors.As(err, &reason) {
		f.refuse(key, "%s", reason.Reason)
		return
	}
	f.refuse(key, "%v", err)
}

func (f *fields) name(key string) string {
	return joinPath(append(slices.Clip(f.path), key))
}

// find returns the value of a key, null included.
func (f *fields) find(key string) (value, bool) {
	f.asked = append(f.asked, key)
	for i := range f.members {
		if f.members[i].key == key {
			return f.members[i].value, true
		}
	}
	return value{}, false
}

// take returns the value of a key, which must be of one of the kinds. It returns nothing
// if the key is absent or null. It returns nothing and notes a fault if the value is of
// another kind.
func (f *fields) take(key string, kinds ...kind) (value, bool) {
	v, ok := f.find(key)
	if !ok || v.kind == kindNull {
		return value{}, false
	}
	if !slices.Contains(kinds, v.kind) {
		wanted := make([]string, len(kinds))
		for i, k := range kinds {
			wanted[i] = k.String()
		}
		f.refuse(key, "is %s, not %s", v.kind, strings.Join(wanted, " or "))
		return value{}, false
	}
	return v, true
}

// require notes a fault when a key is absent or null.
func (f *fields) require(key string) {
	for i := range f.members {
		if f.members[i].key == key && f.members[i].value.kind != kindNull {
			return
		}
	}
	f.refuse(key, "is missing")
}

// finish returns the first fault. A key that nobody asked for comes before all other
// faults, because it is often the misspelt name of a key that seems to be missing.
func (f *fields) finish() error {
	for _, m := range f.members {
		if !slices.Contains(f.asked, m.key) {
			return invalid(f.name(m.key), "is not a key of this operation")
		}
	}
	return f.err
}

// adopt finishes an object inside f, and takes over its fault.
func (f *fields) adopt(inner *fields) {
	if err := inner.finish(); err != nil && f.err == nil {
		f.err = err
	}
}

// text returns a string and whether it was given.
func (f *fields) text(key string) (string, bool) {
	v, ok := f.take(key, kindString)
	return v.text, ok
}

// id returns an id, which is empty only when it is absent. The core checks the other
// rules of ids.
func (f *fields) id(key string) string {
	s, ok := f.text(key)
	if ok && s == "" {
		f.refuse(key, "is empty")
	}
	return s
}

func (f *fields) requiredID(key string) string {
	f.require(key)
	return f.id(key)
}

const externalCustomer = "external_customer_id"

// namesCustomer reports whether a customer is named, by the one id or the other.
func (f *fields) namesCustomer() bool {
	own, given := f.find("customer_id")
	external, also := f.find(externalCustomer)
	return given && own.kind != kindNull || also && external.kind != kindNull
}

// customer returns the customer that customer_id names, or external_customer_id; none when
// both are absent.
func (f *fields) customer() string {
	id, external := f.id("customer_id"), f.id(externalCustomer)
	switch {
	case external == "":
		return id
	case id != "":
		f.refuse(externalCustomer, "goes without customer_id: give one of them")
	case f.customerOf == nil:
		f.refuse(externalCustomer, "is known to a ledger only, and this line is read without one")
	case f.err == nil:
		c, err := f.customerOf(external)
		if err != nil {
			f.err = err
		}
		return c.ID
	}
	return ""
}

func (f *fields) requiredCustomer() string {
	if !f.namesCustomer() {
		f.require("customer_id")
	}
	return f.customer()
}

func (f *fields) flag(key string) bool {
	v, _ := f.take(key, kindBool)
	return v.truth
}

// number returns the decimal text of a string or a number.
func (f *fields) number(key string) (string, bool) {
	v, ok := f.take(key, kindString, kindNumber)
	return v.text, ok
}

// amount returns an amount and whether it was given.
func (f *fields) amount(key string) (creditledger.Amount, bool) {
	text, ok := f.number(key)
	if !ok {
		return creditledger.Amount{}, false
	}
	a, err := creditledger.ParseAmount(text)
	if err != nil {
		f.refuseAs(key, err)
	}
	return a, err == nil
}

// positive returns a positive amount, 0 when absent.
func (f *fields) positive(key string) creditledger.Amount {
	a, ok := f.amount(key)
	if ok && a.Sign() <= 0 {
		f.refuse(key, "%s is not positive", a)
	}
	return a
}

func (f *fields) requiredAmount(key string) creditledger.Amount {
	f.require(key)
	return f.positive(key)
}

func (f *fields) costBasis(key string) creditledger.CostBasis {
	text, ok := f.number(key)
	if !ok {
		return creditledger.CostBasis{}
	}
	c, err := creditledger.ParseCostBasis(text)
	if err != nil {
		f.refuseAs(key, err)
	}
	return c
}

// integer returns a number without point or exponent between low and high, 0 when
// absent.
func (f *fields) integer(key string, low, high int64) int64 {
	v, ok := f.take(key, kindNumber)
	if !ok {
		return 0
	}
	n, err := strconv.ParseInt(v.text, 10, 64)
	if err != nil || n < low || n > high {
		f.refuse(key, "%s is not an integer from %d to %d", shorten(v.text), low, high)
	}
	return n
}

// when returns a date or a date-time, the zero When if absent.
func (f *fields) when(key string) creditledger.When {
	text, ok := f.text(key)
	if !ok {
		return creditledger.When{}
	}
	w, err := creditledger.ParseWhen(text)
	if err != nil {
		f.refuseAs(key, err)
	}
	return w
}

// target returns a date, a date-time or, for null, never. It must be given.
func (f *fields) target(key string) creditledger.When {
	v, ok := f.find(key)
	switch {
	case !ok:
		f.refuse(key, "is missing; null means never")
		return creditledger.When{}
	case v.kind == kindNull:
		return creditledger.Never()
	}
	return f.when(key)
}

// instant returns a date-time, none if absent.
func (f *fields) instant(key string) creditledger.Instant {
	text, ok := f.text(key)
	if !ok {
		return 0
	}
	i, err := creditledger.ParseInstant(text)
	if err != nil {
		f.refuseAs(key, err)
	}
	return i
}

// word returns one of a list of names, as parse reads it; zero if absent.
func word[T any](f *fields, key string, parse func(string) (T, error)) T {
	var none T
	text, ok := f.text(key)
	if !ok {
		return none
	}
	v, err := parse(text)
	if err != nil {
		f.refuseAs(key, err)
		return none
	}
	return v
}

// metadata returns the pairs of an operation's metadata; a null value is no pair.
func (f *fields) metadata(key string) map[string]string {
	v, ok := f.take(key, kindObject)
	if !ok {
		return nil
	}
	m := make(map[string]string, len(v.members))
	for _, pair := range v.members {
		switch pair.value.kind {
		case kindNull:
		case kindString:
			m[pair.key] = pair.value.text
		default:
			f.refuse(key, "%s is %s, not a string", joinPath([]string{pair.key}), pair.value.kind)
		}
	}
	return m
}

// shorten cuts a text of the input for a message.
func shorten(s string) string {
	const limit = 80
	if len(s) > limit {
		return strings.ToValidUTF8(s[:limit], "") + "…"
	}
	return s
}
