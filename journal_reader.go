package creditledger

import (
	"encoding/binary"
	"fmt"
)

// reader takes a canonical encoding apart. After the first thing that is wrong every
// method returns zero values; finish tells.
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

// version reads a format, which is one of a range.
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

// count reads how many things follow, each at least one byte long.
func (r *reader) count() int {
	v := r.uvarint()
	if v > uint64(len(r.data)) {
		r.fail("ends too early")
		return 0
	}
	return int(v)
}

func (r *reader) text() string { return string(r.bytes(r.count())) }

// textLike is text that is probably the same as one at hand, and is that one then.
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
