package opsfile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"creditledger"
)

// MalformedError is a line that is not one well-formed JSON object with a known op.
// It is a creditledger.ErrInvalid.
type MalformedError struct {
	Reason string
	Err    error // what the JSON reader said, if it was the one to refuse
}

func (e *MalformedError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("invalid request: %s: %v", e.Reason, e.Err)
	}
	return "invalid request: " + e.Reason
}

// Is matches creditledger.ErrInvalid.
func (e *MalformedError) Is(target error) bool { return target == creditledger.ErrInvalid }

// Unwrap returns what the JSON reader said.
func (e *MalformedError) Unwrap() error { return e.Err }

func invalid(field, format string, args ...any) error {
	return &creditledger.InvalidError{Field: field, Reason: fmt.Sprintf(format, args...)}
}

// byteOrderMark is invisible, and some editors put it in front of a text. JSON does not
// allow it.
const byteOrderMark = "\ufeff"

// Bounds of a line's shape. Nothing that is valid comes near them.
const (
	maxDepth   = 8
	maxMembers = 128  // of one object
	maxItems   = 4096 // of one array
)

type kind uint8

const (
	kindNull kind = iota
	kindBool
	kindNumber
	kindString
	kindArray
	kindObject
)

func (k kind) String() string {
	return [...]string{"null", "a boolean", "a number", "a string", "an array", "an object"}[k]
}

// value is a JSON value. Numbers keep their decimal text.
type value struct {
	kind    kind
	truth   bool     // of a boolean
	text    string   // of a string or a number
	items   []value  // of an array
	members []member // of an object, in the order given
}

type member struct {
	key   string
	value value
}

// decode reads a line that has to be one JSON object. A MalformedError says that the line
// is no object. An InvalidError says that it is an object with a fault that no operation
// may have: a key twice, half a surrogate pair, more depth or keys than anything valid; the
// members are returned with it, so that the answer can name the op.
func decode(line []byte) ([]member, error) {
	if bytes.HasPrefix(line, []byte(byteOrderMark)) {
		return nil, &MalformedError{Reason: "the line begins with a byte-order mark: save the file as UTF-8 without one"}
	}
	if !utf8.Valid(line) {
		return nil, &MalformedError{Reason: "the line is not valid UTF-8"}
	}
	var raw json.RawMessage
	if err := json.Unmarshal(line, &raw); err != nil {
		return nil, &MalformedError{Reason: "the line is not one JSON object", Err: err}
	}
	d := decoder{tokens: json.NewDecoder(bytes.NewReader(line))}
	d.tokens.UseNumber()
	v := d.value()
	if v.kind != kindObject {
		return nil, &MalformedError{Reason: "the line is " + v.kind.String() + ", not an object"}
	}
	if d.fault == nil && loneSurrogate(line) {
		d.fault = invalid("", `half a surrogate pair (\ud800 to \udfff) stands alone`)
	}
	return v.members, d.fault
}

// decoder builds a value from the tokens of a text that is known to be valid JSON, so
// that the token reader itself has nothing to object to.
type decoder struct {
	tokens *json.Decoder
	path   []string // of the value being read
	fault  error    // the first one
}

func (d *decoder) token() json.Token {
	t, err := d.tokens.Token()
	if err != nil && d.fault == nil {
		d.fault = invalid("", "the line cannot be read: %v", err)
	}
	return t
}

// refuse notes a fault. The reading goes on.
func (d *decoder) refuse(format string, args ...any) {
	if d.fault == nil {
		d.fault = invalid(joinPath(d.path), format, args...)
	}
}

// value reads the next value.
func (d *decoder) value() value {
	switch t := d.token().(type) {
	case bool:
		return value{kind: kindBool, truth: t}
	case json.Number:
		return value{kind: kindNumber, text: t.String()}
	case string:
		return value{kind: kindString, text: t}
	case json.Delim:
		if len(d.path) == maxDepth {
			d.refuse("is nested more than %d deep", maxDepth)
		}
		if t == '[' {
			return d.array()
		}
		return d.object()
	}
	return value{}
}

func (d *decoder) array() value {
	v := value{kind: kindArray}
	for d.tokens.More() {
		d.path = append(d.path, "["+strconv.Itoa(len(v.items))+"]")
		item := d.value()
		d.path = d.path[:len(d.path)-1]
		if len(v.items) == maxItems {
			d.refuse("has more than %d elements", maxItems)
			continue
		}
		v.items = append(v.items, item)
	}
	d.token() // the closing bracket
	return v
}

func (d *decoder) object() value {
	v := value{kind: kindObject}
	for d.tokens.More() {
		key, _ := d.token().(string)
		d.path = append(d.path, key)
		full := len(v.members) == maxMembers
		if !full && slices.ContainsFunc(v.members, func(m member) bool { return m.key == key }) {
			d.refuse("is given twice")
		}
		item := d.value()
		d.path = d.path[:len(d.path)-1]
		if full {
			d.refuse("has more than %d keys", maxMembers)
			continue
		}
		v.members = append(v.members, member{key: key, value: item})
	}
	d.token() // the closing brace
	return v
}

// joinPath names a key for a message, such as operations[2].amount. It quotes names that
// are not plain, and cuts long ones.
func joinPath(path []string) string {
	const limit = 64
	var b strings.Builder
	for i, key := range path {
		if i > 0 && !strings.HasPrefix(key, "[") {
			b.WriteByte('.')
		}
		if strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r == 0x7f || r > '~' }) {
			key = strconv.QuoteToASCII(key)
		}
		b.WriteString(key[:min(len(key), limit)])
	}
	return b.String()
}

// loneSurrogate reports whether a valid JSON text has an escaped surrogate that is not
// half of a pair. The JSON reader would silently put U+FFFD in its place. In valid JSON a
// backslash stands inside strings only, and something always follows it.
func loneSurrogate(line []byte) bool {
	for {
		i := bytes.IndexByte(line, '\\')
		if i < 0 {
			return false
		}
		line = line[i:]
		switch unit := escapedUnit(line); {
		case unit < 0:
			line = line[2:]
		case unit&0xfc00 == 0xdc00:
			return true
		case unit&0xfc00 == 0xd800:
			line = line[6:]
			if escapedUnit(line)&^0x3ff != 0xdc00 {
				return true
			}
			line = line[6:]
		default:
			line = line[6:]
		}
	}
}

// escapedUnit returns the UTF-16 unit of the \uXXXX that text begins with, -1 when it
// begins with something else.
func escapedUnit(text []byte) int {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return -1
	}
	n, err := strconv.ParseUint(string(text[2:6]), 16, 16)
	if err != nil {
		return -1
	}
	return int(n)
}
