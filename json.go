package creditledger

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// member is a key of an object and what it stands for.
type member struct {
	key   string
	value any  // pointer to it
	none  bool // it is the default, which is left out
}

// object is an operation that has members.
type object[T Operation] interface {
	*T
	members() []member
}

// writeObject writes an operation that the ledger would take.
func writeObject(op Operation, members []member) ([]byte, error) {
	if err := checkOperation(op); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.WriteString(`{"op":"` + op.Name() + `"`)
	for _, m := range members {
		if m.none {
			continue
		}
		data, err := json.Marshal(m.value)
		if err != nil {
			return nil, err
		}
		b.WriteString(`,"` + m.key + `":`)
		b.Write(data)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// readObject reads an operation that the ledger would take. On an error op stays as it
// was.
func readObject[T Operation, P object[T]](data []byte, op P) error {
	var read T
	if err := readMembers(data, read.Name(), P(&read).members()); err != nil {
		return err
	}
	if err := checkOperation(read); err != nil {
		return err
	}
	*op = read
	return nil
}

// readMembers reads what writeObject writes. Keys are matched exactly.
func readMembers(data []byte, name string, members []member) error {
	if err := checkJSON(data); err != nil {
		return err
	}
	var given map[string]json.RawMessage
	if err := json.Unmarshal(data, &given); err != nil || given == nil {
		return invalid("op", "is not a JSON object")
	}
	if op, ok := given["op"]; ok && string(op) != `"`+name+`"` {
		return invalid("op", "is not %s", name)
	}
	delete(given, "op")
	for _, m := range members {
		value, ok := given[m.key]
		if !ok {
			continue
		}
		delete(given, m.key)
		if string(value) == "null" { // as if it were left out
			switch v := m.value.(type) {
			case *expiry:
				*v = expiry(Never())
			case *metadataChange:
				*v.clear = true
			}
			continue
		}
		dec := json.NewDecoder(bytes.NewReader(value))
		dec.DisallowUnknownFields()
		if err := dec.Decode(m.value); err != nil {
			return badJSON(m.key, err)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(given)) {
		return invalid("op", "%s is not a key of %s", quote(key), name)
	}
	return nil
}

// expiry is a When that may be null, which means never.
type expiry When

// MarshalJSON writes null for Never.
func (e *expiry) MarshalJSON() ([]byte, error) {
	if (*When)(e).IsNever() {
		return []byte("null"), nil
	}
	return json.Marshal((*When)(e))
}

// UnmarshalText reads a When.
func (e *expiry) UnmarshalText(text []byte) error { return (*When)(e).UnmarshalText(text) }

// pairs are metadata, where null is no pair at all.
type pairs map[string]string

// UnmarshalJSON leaves out the pairs that are null.
func (p *pairs) UnmarshalJSON(data []byte) error {
	var given map[string]*string
	if err := json.Unmarshal(data, &given); err != nil {
		return err
	}
	for k, v := range given {
		if v == nil {
			continue
		}
		if *p == nil {
			*p = pairs{}
		}
		(*p)[k] = *v
	}
	return nil
}

// badJSON is an InvalidError of a key for what encoding/json, or a value, refused.
func badJSON(key string, err error) error {
	var refused *InvalidError
	if errors.As(err, &refused) {
		return invalid(key, "%s", refused.Reason)
	}
	return invalid(key, "%v", err)
}

// checkJSON refuses what encoding/json would read as something else than it says: text
// that is not UTF-8, half a surrogate pair, and a key that stands twice in an object.
func checkJSON(data []byte) error {
	switch {
	case !json.Valid(data):
		return invalid("op", "is not JSON")
	case !utf8.Valid(data):
		return invalid("op", "is not valid UTF-8")
	case hasHalfPair(data):
		return invalid("op", "has half a surrogate pair")
	}
	return checkKeys(json.NewDecoder(bytes.NewReader(data)))
}

// hasHalfPair looks for an escape of half a surrogate pair in valid JSON.
func hasHalfPair(data []byte) bool {
	const escape = len(`\u0000`)
	unit := func(at int) rune {
		if at+escape > len(data) || data[at] != '\\' || data[at+1] != 'u' {
			return 0
		}
		v, _ := strconv.ParseUint(string(data[at+2:at+escape]), 16, 16)
		return rune(v)
	}
	for i := 0; i < len(data); i++ {
		if data[i] != '\\' {
			continue
		}
		if first := unit(i); utf16.IsSurrogate(first) {
			if utf16.DecodeRune(first, unit(i+escape)) == utf8.RuneError {
				return true
			}
			i += escape
		}
		i++ // over what is escaped
	}
	return false
}

// checkKeys reads valid JSON to its end and refuses a key that stands twice.
func checkKeys(dec *json.Decoder) error {
	var open []map[string]bool // keys of the objects about the next token; nil for a list
	wantsKey := false
	for {
		t, err := dec.Token()
		if err != nil {
			return nil // the end
		}
		switch t := t.(type) {
		case json.Delim:
			switch t {
			case '{':
				open = append(open, map[string]bool{})
			case '[':
				open = append(open, nil)
			default:
				open = open[:len(open)-1]
			}
			wantsKey = len(open) > 0 && open[len(open)-1] != nil
			continue
		case string:
			if wantsKey {
				if open[len(open)-1][t] {
					return invalid("op", "has the key %s twice", quote(t))
				}
				open[len(open)-1][t] = true
				wantsKey = false
				continue
			}
		}
		wantsKey = len(open) > 0 && open[len(open)-1] != nil
	}
}
