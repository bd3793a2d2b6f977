// Package uuid7 makes UUIDs of version 7 (RFC 9562) from a given time and given
// randomness, so that the same input gives the same id.
package uuid7

import "github.com/google/uuid"

// TextSize is the number of bytes of an id as text.
const TextSize = 36

// New makes an id from a Unix time in milliseconds and ten random bytes. A time before
// 1970 counts as 1970.
func New(unixMilli int64, random [10]byte) uuid.UUID {
	ms := max(unixMilli, 0)
	var id uuid.UUID
	for i := range 6 {
		id[i] = byte(ms >> (40 - 8*i))
	}
	copy(id[6:], random[:])
	id[6] = id[6]&0x0f | 0x70
	id[8] = id[8]&0x3f | 0x80
	return id
}

// AppendText appends the usual text of an id.
func AppendText(dst []byte, id uuid.UUID) []byte {
	const digits = "0123456789abcdef"
	text := [TextSize]byte{8: '-', 13: '-', 18: '-', 23: '-'}
	for i, b := range id {
		at := places[i]
		text[at], text[at+1] = digits[b>>4], digits[b&0x0f]
	}
	return append(dst, text[:]...)
}

// places is where the digits of each byte stand in the text.
var places = [16]uint8{0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34}
