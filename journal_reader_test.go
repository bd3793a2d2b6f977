package creditledger

import (
	"encoding/binary"
	"errors"
	"reflect"
	"strings"
	"testing"
)

func TestReader(t *testing.T) {
	type read = func(*reader) any
	date := func(d uint64) string { return string(binary.AppendUvarint([]byte{whenDate}, d)) }
	uvarint, int32s := read(func(r *reader) any { return r.uvarint() }), read(func(r *reader) any { return r.int32() })
	instant, someInstant := read(func(r *reader) any { return r.instant() }), read(func(r *reader) any { return r.someInstant() })
	boolean, metadata := read(func(r *reader) any { return r.bool() }), read(func(r *reader) any { return r.metadata() })
	filters, whens := read(func(r *reader) any { return r.filters() }), read(func(r *reader) any { return r.when() })
	text, enum := read(func(r *reader) any { return r.text() }), read(func(r *reader) any { return r.enum(repayNames, 1) })
	for _, c := range []struct {
		rule string
		read read
		data string
		want any // nil: refused
	}{
		{"a number", uvarint, "\x05", uint64(5)},
		{"the largest number", uvarint, strings.Repeat("\xff", 9) + "\x01", uint64(1<<64 - 1)},
		{"a number in too many bytes", uvarint, "\x85\x00", nil},
		{"a number beyond 64 bits", uvarint, strings.Repeat("\xff", 9) + "\x02", nil},
		{"a number that does not end", uvarint, "\x85", nil},
		{"no number", uvarint, "", nil},
		{"a signed number", int32s, "\x01", int32(-1)},
		{"the smallest signed number", int32s, "\xff\xff\xff\xff\x0f", int32(-1 << 31)},
		{"the largest signed number", int32s, "\xfe\xff\xff\xff\x0f", int32(1<<31 - 1)},
		{"below 32 bits", int32s, "\x81\x80\x80\x80\x10", nil},
		{"beyond 32 bits", int32s, "\x80\x80\x80\x80\x10", nil},
		{"a signed number in too many bytes", int32s, "\x81\x00", nil},
		{"no instant", instant, "\x00", Instant(0)},
		{"an instant that has to be there", someInstant, "\x00", nil},
		{"the last instant", instant, "\x80\x80\x80\xaf\xfc\x8f\xb5\xb3\x04", nil},
		{"true", boolean, "\x01", true},
		{"neither true nor false", boolean, "\x02", nil},
		{"a text", text, "\x02ab", "ab"},
		{"a text longer than what follows", text, "\x03ab", nil},
		{"a text of an absurd length", text, strings.Repeat("\xff", 9) + "\x01ab", nil},
		{"a value of an enumeration", enum, "\x02", byte(2)},
		{"a value below the first", enum, "\x00", nil},
		{"a value beyond the last", enum, "\x03", nil},
		{"no metadata", metadata, "\x00", map[string]string(nil)},
		{"metadata in order", metadata, "\x02\x01a\x01x\x01b\x01y", map[string]string{"a": "x", "b": "y"}},
		{"metadata out of order", metadata, "\x02\x01b\x01y\x01a\x01x", nil},
		{"a key twice", metadata, "\x02\x01a\x01x\x01a\x01y", nil},
		{"the empty key twice", metadata, "\x02\x00\x01x\x00\x01y", nil},
		{"more pairs than bytes", metadata, "\x7f\x01a", nil},
		{"filters", filters, "\x01\x00\x01\x01\x01a", []Filter{{Operator: FilterExcludes, Values: []string{"a"}}}},
		{"an unknown field", filters, "\x01\x05\x01\x01\x01a", nil},
		{"an unknown operator", filters, "\x01\x00\x02\x01\x01a", nil},
		{"more filters than bytes", filters, "\x7f", nil},
		{"more values than bytes", filters, "\x01\x00\x01\x7f\x01a", nil},
		{"nothing given", whens, "\x00", When{}},
		{"an instant", whens, "\x01\x07", AtInstant(7)},
		{"an instant that is none", whens, "\x01\x00", nil},
		{"a date", whens, date(20260228) + "\x07", When{date: 20260228, instant: 7}},
		{"a date without its instant", whens, date(20260228) + "\x00", nil},
		{"a day that does not exist", whens, date(20260229) + "\x07", nil},
		{"a year that does not exist", whens, date(100000101) + "\x07", nil},
		{"a date beyond 32 bits", whens, date(1<<32+20260228) + "\x07", nil},
		{"a date that does not exist", whens, "\x02\x01\x07", nil},
		{"never", whens, "\x03", Never()},
		{"an unknown kind of date", whens, "\x04", nil},
	} {
		t.Run(c.rule, func(t *testing.T) {
			r := &reader{data: []byte(c.data)}
			got := c.read(r)
			err := r.finish("test")
			if c.want == nil {
				if !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), "test: ") {
					t.Errorf("%x gives %v, %v", c.data, got, err)
				}
				return
			}
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("%x gives %v, %v, want %v", c.data, got, err, c.want)
			}
		})
	}
}

// TestNewerFormat: a form that this release does not know is refused by its version.
func TestNewerFormat(t *testing.T) {
	for name, check := range map[string]func() error{
		"head":     func() error { return errOf(DecodeHead(append([]byte{3}, encodeHead(Head{})[1:]...))) },
		"block":    func() error { return errOf(DecodeBlock(append([]byte{3}, encodeBlock(Block{})[1:]...))) },
		"customer": func() error { return errOf(decodeCustomer(append([]byte{4}, encodeCustomer(Customer{})[1:]...))) },
		"record": func() error {
			return errOf(DecodeRecord(append([]byte{4}, AppendRecord(nil, sampleRecords(t)[0].rec)[1:]...)))
		},
	} {
		want := "format version 3 is not known to this release (it knows up to 2)"
		if name == "record" || name == "customer" {
			want = "format version 4 is not known to this release (it knows up to 3)"
		}
		if err := check(); !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	data := AppendRecord(nil, sampleRecords(t)[0].rec)
	data[1] = 2
	if _, err := DecodeRecord(data); !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), "drawdown policy 2 is not known") {
		t.Errorf("another policy: %v", err)
	}
}
