package creditledger

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestAmountJSON(t *testing.T) {
	for _, c := range []struct{ rule, json, want string }{
		{"a string", `"12.50"`, "12.5"},
		{"a number token", `12.50`, "12.5"},
		{"digits that a float would lose", `0.1000000000000000055`, ""},
		{"digits that a float would lose, in range", `99999999999999999999.999999999999999999`, widest},
		{"an exponent", `1e2`, "100"},
		{"an escaped string is the same string", `"\u0031\u002e5"`, "1.5"},
		{"64 escaped characters", `"0.` + strings.Repeat(`\u0030`, 58) + `1e50"`, "0.000000001"},
		{"an escape that is no digit", `"1\n"`, ""},
		{"half a surrogate", `"\ud800"`, ""},
		{"null", `null`, ""},
		{"true", `true`, ""},
		{"an object", `{}`, ""},
		{"an array", `["1"]`, ""},
		{"an empty string", `""`, ""},
	} {
		t.Run(c.rule, func(t *testing.T) {
			v := struct{ A Amount }{AmountOf(7)}
			err := json.Unmarshal([]byte(`{"A":`+c.json+`}`), &v)
			if c.want == "" {
				checkInvalidNumber(t, err, "amount", "")
				c.want = "7" // untouched
			} else if err != nil {
				t.Fatal(err)
			}
			if v.A.String() != c.want {
				t.Errorf("got %s, want %s", v.A, c.want)
			}
		})
	}
	t.Run("a lone quote, outside encoding/json", func(t *testing.T) {
		checkInvalidNumber(t, new(Amount).UnmarshalJSON([]byte(`"`)), "amount", notDecimal)
		checkInvalidNumber(t, new(Amount).UnmarshalJSON([]byte(`"12`)), "amount", notDecimal)
		checkInvalidNumber(t, new(Amount).UnmarshalJSON([]byte(`"\`)), "amount", notDecimal)
	})
	t.Run("as a map key", func(t *testing.T) {
		data, err := json.Marshal(map[Amount]Amount{MustAmount("1.50"): AmountOf(2)})
		if err != nil || string(data) != `{"1.5":"2"}` {
			t.Errorf("got %s, %v", data, err)
		}
	})
}

func TestAmountScan(t *testing.T) {
	for _, c := range []struct {
		rule string
		src  any
		want string
	}{
		{"text", "12.50", "12.5"},
		{"bytes", []byte("-3"), "-3"},
		{"an integer", int64(-1 << 63), "-9223372036854775808"},
		{"a float is refused, even a whole one", float64(1), ""},
		{"NULL is refused", nil, ""},
		{"true is refused", true, ""},
		{"numeric's NaN is refused", "NaN", ""},
		{"numeric's infinity is refused", []byte("Infinity"), ""},
		{"numeric with places beyond 18 is refused, even when they are 0", "1.0000000000000000000", ""},
	} {
		t.Run(c.rule, func(t *testing.T) {
			a := AmountOf(7)
			err := a.Scan(c.src)
			if c.want == "" {
				checkInvalidNumber(t, err, "amount", "")
				c.want = "7" // untouched
			} else if err != nil {
				t.Fatal(err)
			}
			if a.String() != c.want {
				t.Errorf("got %s, want %s", a, c.want)
			}
		})
	}
	t.Run("bytes are not kept", func(t *testing.T) {
		buf := []byte("12.5")
		var a Amount
		err := a.Scan(buf)
		copy(buf, "9999")
		if err != nil || a.String() != "12.5" {
			t.Errorf("got %s, %v", a, err)
		}
	})
}

func TestAmountBytes(t *testing.T) {
	for _, c := range []struct{ rule, text, bytes string }{
		{"zero", "0", "\x00"},
		{"zero with places", "0.00", "\x00"},
		{"a whole number", "1", "\x40\x01\x01"},
		{"zeros before the point are digits", "100", "\x40\x01\x64"},
		{"a fraction", "1.5", "\x41\x01\x0f"},
		{"the same number with a zero", "1.50", "\x41\x01\x0f"},
		{"a negative number", "-1.5", "\xc1\x01\x0f"},
		{"two bytes", "256", "\x40\x02\x01\x00"},
		{"the smallest", smallest, "\x52\x01\x01"},
		{"a word", "18446744073709551615", "\x40\x08\xff\xff\xff\xff\xff\xff\xff\xff"},
		{"more than a word", "18446744073709551616", "\x40\x09\x01\x00\x00\x00\x00\x00\x00\x00\x00"},
		{"the widest", "-" + widest, "\xd2\x10\x4b\x3b\x4c\xa8\x5a\x86\xc4\x7a\x09\x8a\x22\x3f\xff\xff\xff\xff"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			a := MustAmount(c.text)
			if got := appendAmount([]byte("in front"), a); string(got) != "in front"+c.bytes {
				t.Errorf("bytes %x", got)
			}
			got, rest, err := readAmount(c.bytes + "behind")
			if err != "" || string(rest) != "behind" || got.Cmp(a) != 0 {
				t.Errorf("read %s, rest %q, %s", got, rest, err)
			}
			checkAmountForm(t, got)
			for i := range c.bytes {
				if got, _, err := readAmount(c.bytes[:i]); err == "" || got != (Amount{}) {
					t.Errorf("the first %d bytes alone give %s, %s", i, got, err)
				}
			}
		})
	}
}

func TestAmountBytesRefused(t *testing.T) {
	for _, c := range []struct{ rule, bytes string }{
		{"nothing", ""},
		{"no length", "\x40"},
		{"bit 6 missing", "\x01\x01\x01"},
		{"only the sign: minus zero", "\x80"},
		{"bit 5 set", "\x60\x01\x01"},
		{"scale 19", "\x53\x01\x01"},
		{"scale 31", "\x5f\x01\x01"},
		{"length 0: another zero", "\x40\x00"},
		{"a zero byte alone: another zero", "\x40\x01\x00"},
		{"a leading zero byte", "\x40\x02\x00\x01"},
		{"a trailing zero after the point", "\x41\x01\x0a"},
		{"a trailing zero after the point, in two words", "\x41\x09\x0a\x00\x00\x00\x00\x00\x00\x00\x00"},
		{"10^20", "\x40\x09\x05\x6b\xc7\x5e\x2d\x63\x10\x00\x00"},
		{"10^20 at scale 18, and one", "\x52\x10\x4b\x3b\x4c\xa8\x5a\x86\xc4\x7a\x09\x8a\x22\x40\x00\x00\x00\x01"},
		{"16 bytes of ones", "\x52\x10" + strings.Repeat("\xff", 16)},
		{"17 bytes", "\x52\x11" + strings.Repeat("\x01", 17)},
		{"255 bytes", "\x52\xff" + strings.Repeat("\x01", 255)},
		{"cut short", "\x40\x02\x01"},
	} {
		t.Run(c.rule, func(t *testing.T) {
			got, rest, err := readAmount(c.bytes)
			if err == "" || len(rest) > 0 || got != (Amount{}) {
				t.Errorf("read %s, rest %x, error %q", got, rest, err)
			}
		})
	}
	t.Run("10^20 less the least is read", func(t *testing.T) {
		if _, _, err := readAmount("\x40\x09\x05\x6b\xc7\x5e\x2d\x63\x0f\xff\xff"); err != "" {
			t.Error(err)
		}
	})
}

func readAmount(data string) (Amount, []byte, string) {
	r := reader{data: []byte(data)}
	a := r.amount()
	return a, r.data, r.err
}
