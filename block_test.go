package creditledger

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestEligible(t *testing.T) {
	const from, until = Instant(1000), Instant(2000)
	block := func(status BlockStatus, effective, expires Instant) Block {
		return Block{Status: status, EffectiveAt: effective, ExpiresAt: expires, ActivatedAt: effective}
	}
	for _, c := range []struct {
		rule  string
		block Block
		at    Instant
		want  bool
	}{
		{"just before it becomes effective", block(BlockActive, from, until), from - 1, false},
		{"at the instant it becomes effective", block(BlockActive, from, until), from, true},
		{"just after", block(BlockActive, from, until), from + 1, true},
		{"just before its expiry", block(BlockActive, from, until), until - 1, true},
		{"at its expiry, which is exclusive", block(BlockActive, from, until), until, false},
		{"just after its expiry", block(BlockActive, from, until), until + 1, false},
		{"without an expiry, for ever", block(BlockActive, from, 0), lastInstant, true},
		{"without an expiry, not before it is effective", block(BlockActive, from, 0), from - 1, false},
		{"for one microsecond only", block(BlockActive, from, from+1), from, true},
		{"gone after one microsecond", block(BlockActive, from, from+1), from + 1, false},
		{"never, when it expires as it becomes effective", block(BlockActive, from, from), from, false},
		{"not while its invoice is unpaid", block(BlockPendingPayment, from, until), from, false},
		{"not while unpaid, without an expiry", block(BlockPendingPayment, from, 0), until, false},
	} {
		t.Run(c.rule, func(t *testing.T) {
			if got := c.block.Eligible(c.at); got != c.want {
				t.Errorf("eligible at %d: %t", c.at, got)
			}
		})
	}
}

func TestExpired(t *testing.T) {
	for _, c := range []struct {
		rule        string
		expires, at Instant
		want        bool
	}{
		{"before", 2000, 1999, false},
		{"at the instant", 2000, 2000, true},
		{"after", 2000, 2001, true},
		{"never", 0, lastInstant, false},
	} {
		b := Block{ExpiresAt: c.expires}
		if got := b.Expired(c.at); got != c.want {
			t.Errorf("%s: %t", c.rule, got)
		}
	}
}

func sign(n int) int {
	switch {
	case n < 0:
		return -1
	case n > 0:
		return 1
	}
	return 0
}

func checkNames[T interface {
	~uint8
	fmt.Stringer
}](t *testing.T, kind string, values []T, parse func(string) (T, error), want string) {
	t.Helper()
	names := strings.Fields(want)
	for i, v := range values {
		if v.String() != names[i] {
			t.Errorf("%s %d is called %s, want %s", kind, v, v, names[i])
		}
		if parse == nil {
			continue
		}
		if got, err := parse(names[i]); err != nil || got != v {
			t.Errorf("%s %s reads back as %v, %v", kind, v, got, err)
		}
	}
	unknown := slices.Max(values) + 1
	if got, want := unknown.String(), fmt.Sprintf("unknown(%d)", uint8(unknown)); got != want {
		t.Errorf("%s beyond the last is called %s, want %s", kind, got, want)
	}
	if parse == nil {
		return
	}
	for _, text := range []string{"", "x", strings.ToUpper(names[0]), names[0] + " ", "default", "unknown(1)"} {
		got, err := parse(text)
		var invalid *InvalidError
		if !errors.As(err, &invalid) || got != 0 || !strings.Contains(err.Error(), strings.Join(names, ", ")) {
			t.Errorf("%s %q gives %v, %v; want an InvalidError that lists the names", kind, text, got, err)
		}
	}
}
