package creditledger

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
)

// Cursor marks where the next page of a list starts. It is bound to the account, the
// order and the filters of the query that gave it, not to the limit. Empty: the first
// page, or the end.
type Cursor string

// MarshalJSON writes the cursor as text, and null for the end.
func (c Cursor) MarshalJSON() ([]byte, error) {
	if c == "" {
		return []byte("null"), nil
	}
	return json.Marshal(string(c))
}

const cursorMark = 8 // bytes of the fingerprint in front of a cursor

// newCursor seals a position with the fingerprint of the query it belongs to.
func newCursor(query, position []byte) Cursor {
	sum := sha256.Sum256(append(query, position...))
	return Cursor(base64.RawURLEncoding.EncodeToString(append(sum[:cursorMark:cursorMark], position...)))
}

// position checks that a cursor belongs to the query and returns its position.
func (c Cursor) position(query []byte) ([]byte, error) {
	const maxCursor = 512
	if len(c) > maxCursor {
		return nil, invalid("cursor", "is not one of this ledger's")
	}
	data, err := base64.RawURLEncoding.Strict().DecodeString(string(c))
	if err != nil || len(data) < cursorMark || base64.RawURLEncoding.EncodedLen(len(data)) != len(c) { // the length differs if there are line breaks, which decoding skips
		return nil, invalid("cursor", "is not one of this ledger's")
	}
	position := data[cursorMark:]
	sum := sha256.Sum256(append(query, position...))
	if string(sum[:cursorMark]) != string(data[:cursorMark]) {
		return nil, invalid("cursor", "belongs to a query on another account, in another order or with other filters")
	}
	return position, nil
}
