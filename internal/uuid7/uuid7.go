// Package uuid7 makes UUIDs of version 7 (RFC 9562) from a given time and given
// randomness, so that the same input gives the same id.
package uuid7

import (
	"encoding/hex"

	"github.com/google/uuid"
)

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
	from := 0
	for _, to := range []int{4, 6, 8, 10, 16} {
		if from > 0 {
			dst = append(dst, '-')
		}
		dst = hex.AppendEncode(dst, id[from:to])
		from = to
	}
	return dst
}
