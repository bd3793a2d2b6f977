package creditledger

import (
	"encoding/binary"
	"fmt"
)

// reader reads a canonical encoding. After the first error every method returns zero
// values, and finish returns the error.
type reader struct {
	data []byte
	err  string
}

func (r *reader) fail(format string, args ...any) {
	if r.err == "" {
		r.err = fmt.Sprintf(format, args...)
	}
	r.data = nil
}

// finish returns a CorruptError when anything was wrong or bytes are left.
func (r *reader) finish(what string) error {
	if r.err == "" && len(r.data) > 0 {
		r.fail("%d bytes too many", len(r.data))
	}
	if r.err != "" {
		return &CorruptError{Where: what, Reason: r.err}
	}
	return nil
}

// version reads the number of a format, and refuses one outside a range.
func (r *reader) version(first, last byte) byte {
	v := r.byte()
	if r.err == "" && (v < first || v > last) {
		r.fail("format version %d is not known to this release (it knows up to %d)", v, last)
	}
	return v
}

func (r *reader) byte() byte {
	if len(r.data) == 0 {
		r.fail("ends too early")
		return 0
	}
	b := r.data[0]
	r.data = r.data[1:]
	return b
}

func (r *reader) bytes(n int) []byte {
	if n > len(r.data) {
		r.fail("ends too early")
		return nil
	}
	b := r.data[:n]
	r.data = r.data[n:]
	return b
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.data)
	if n <= 0 || (n > 1 && r.data[n-1] == 0) {
		r.fail("bad number")
		return 0
	}
	r.data = r.data[n:]
	return v
}

func (r *reader) int32() int32 {
	v, n := binary.Varint(r.data)
	if n <= 0 || (n > 1 && r.data[n-1] == 0) || int64(int32(v)) != v {
		r.fail("bad number")
		return 0
	}
	r.data = r.data[n:]
	return int32(v)
}

// count reads the number of things that follow. Each is at least one byte long, which
// bounds the number.
func (r *reader) count() int {
	v := r.uvarint()
	if v > uint64(len(r.data)) {
		r.fail("ends too early")
		return 0
	}
	return int(v)
}

func (r *reader) text() string { return string(r.bytes(r.count())) }

// textLike reads a text. If it equals likely, it returns likely, which costs no memory.
func (r *reader) textLike(likely string) string {
	if text := r.bytes(r.count()); string(text) != likely {
		return string(text)
	}
	return likely
}

func (r *reader) enum(names []string, first byte) byte {
	b := r.byte()
	if r.err == "" && (b < first || int(b) >= len(names)) {
		r.fail("unknown code %d", b)
		return 0
	}
	return b
}

func (r *reader) bool() bool {
	b := r.byte()
	if b > 1 {
		r.fail("unknown code %d", b)
	}
	return b == 1
}
