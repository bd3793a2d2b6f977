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

// object is an operation that has fields.
type object[T Operation] interface {
	*T
	fields([]field) []field
}

// writeObject writes an operation that the ledger would take.
func writeObject(op Operation, fields []field) ([]byte, error) {
	if err := checkOperation(op); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.WriteString(`{"op":"` + op.Name() + `"`)
	for _, f := range fields {
		if f.value.isDefault() {
			continue
		}
		data, err := json.Marshal(f.value.json())
		if err != nil {
			return nil, err
		}
		b.WriteString(`,"` + f.key + `":`)
		b.Write(data)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// readObject reads an operation that the ledger would take. On an error op stays as it
// was.
func readObject[T Operation, P object[T]](data []byte, op P) error {
	var read T
	if err := readFields(data, read.Name(), P(&read).fields(nil)); err != nil {
		return err
	}
	if err := checkOperation(read); err != nil {
		return err
	}
	*op = read
	return nil
}

// readFields reads what writeObject writes. Keys are matched exactly.
func readFields(data []byte, name string, fields []field) error {
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
	for _, f := range fields {
		value, ok := given[f.key]
		if !ok {
			continue
		}
		delete(given, f.key)
		if string(value) == "null" { // as if it were left out
			switch v := f.value.(type) {
			case single[expiry]:
				*v.at = expiry(Never())
			case *metadataChange:
				v.ClearMetadata = true
			}
			continue
		}
		dec := json.NewDecoder(bytes.NewReader(value))
		dec.DisallowUnknownFields()
		if err := dec.Decode(f.value.json()); err != nil {
			return badJSON(f.key, err)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(given)) {
		return invalid("op", "%s is not a key of %s", quote(key), name)
	}
	return nil
}

// badJSON makes an InvalidError of a key from an error of encoding/json or of a value. An
// error that already names a place inside the value is left as it is.
func badJSON(key string, err error) error {
	if refused, ok := err.(*InvalidError); ok {
		return invalid(key, "%s", refused.Reason)
	}
	if errors.Is(err, ErrInvalid) {
		return err
	}
	return invalid(key, "%v", err)
}

// checkJSON refuses what encoding/json would silently read as something else: text that
// is not UTF-8, half a surrogate pair, and a key that an object has twice.
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
		i++ // over the escaped character
	}
	return false
}

// checkKeys reads valid JSON to its end and refuses a key that stands twice.
func checkKeys(dec *json.Decoder) error {
	var open []map[string]bool // keys of the objects around the next token; nil for a list
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
