package uuid7

import (
	"testing"
	"time"
)

// TestNew: version 7, made from the time and the random bytes.
func TestNew(t *testing.T) {
	random := [10]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
	at := time.Date(2022, 2, 22, 19, 22, 22, 0, time.UTC)
	id := New(at.UnixMilli(), random)
	if id.String() != "017f22e2-79b0-7fff-bfff-ffffffffffff" { // the example of RFC 9562, its random bits set
		t.Errorf("got %s", id)
	}
	if text := string(AppendText(nil, id)); text != id.String() || len(text) != TextSize {
		t.Errorf("its text is %q", text)
	}
	epoch := New(0, [10]byte{})
	for _, ms := range []int64{-1, -1 << 40, -62135596800000} {
		if id := New(ms, [10]byte{}); id != epoch || id.Version() != 7 {
			t.Errorf("at %d: %s", ms, id)
		}
	}
}
