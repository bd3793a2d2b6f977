package main

import (
	"regexp"
	"strings"
	"testing"
)

// TestShortIDs: the ids that tables cut are accepted where an id is asked for, and so is
// another part that only one id has.
func TestShortIDs(t *testing.T) {
	s := newSession(t)
	s.must("grant", "c", "10")
	shown := regexp.MustCompile(`…[0-9a-f]{8}`).FindString(s.must("blocks", "c"))
	whole := regexp.MustCompile(`[0-9a-f]{8}-\S+`).FindString(s.must("blocks", "c", "--precise"))
	if shown == "" || !strings.HasSuffix(whole, strings.TrimPrefix(shown, "…")) {
		t.Fatalf("shown %q, whole %q", shown, whole)
	}
	end := strings.TrimPrefix(shown, "…")
	for _, short := range []string{shown, "..." + end, end, whole[:18], whole[:3] + "…", whole} {
		if out := s.must("void", "c", short, "1", "--json"); !strings.Contains(out, whole) {
			t.Errorf("%s voids %s", short, out)
		}
	}
	if out := s.must("spend", "c", "1"); !strings.Contains(out, shown) {
		t.Error(out)
	}
	for _, args := range [][]string{{"amend", "c", shown, "1"}, {"void", "c", shown, "1", "--preview"}, {"extend", "c", shown, "--to", "2031-01-01"}} {
		s.must(args...)
	}
	s.must("grant", "c", "1", "--require-payment", "--currency", "w")
	s.must("activate", "c", regexp.MustCompile(`…[0-9a-f]{8}`).FindString(s.must("blocks", "c", "--currency", "w")), "--currency", "w")

	sale := []string{"purchase", "d", "10", "--cost-basis", "1", "--invoice-currency", "USD", "--net-terms", "1", "--auto-collection", "true"}
	s.must(sale...)
	bill := regexp.MustCompile(`…[0-9a-f]{8}`).FindString(s.must("invoice", "list", "d"))
	for _, args := range [][]string{{"show", bill}, {"credit", bill, "1 USD"}, {"uncredit", bill, "cn_…"}, {"start", bill, "--provider", "p", "--provider-id", "x"}, {"pay", bill, "--payment", "x"}, {"refund", bill, "1"}, {"show", "inv_..."}} {
		if out := s.must(append([]string{"invoice"}, args...)...); !strings.Contains(out, "INV-000001") {
			t.Errorf("%v: %s", args, out)
		}
	}
}

// TestShortIDsThatMeanSeveral: what is short for several ids is refused, with the list,
// and an id that a person chose never means a longer one.
func TestShortIDsThatMeanSeveral(t *testing.T) {
	s := newSession(t)
	for _, id := range []string{"promo-10", "promo-11", "deadbeef", "deadbeef00"} {
		s.must("grant", "c", "10", "--block-id", id)
	}
	for _, c := range []struct {
		id     string
		status int
		says   string
	}{
		{"promo…", statusUsage, "promo… is short for several ids: promo-10, promo-11"},
		{"...11", 0, ""},
		{"promo-1", statusRefused, `block "promo-1" not found`},
		{"deadbee", statusRefused, `block "deadbee" not found`},
		{"…", statusRefused, "not found"},
		{"deadbeef", 0, ""},
	} {
		_, stderr, status := s.run("void", "c", c.id, "10")
		if status != c.status || !strings.Contains(stderr, c.says) {
			t.Errorf("%s: status %d, %s", c.id, status, stderr)
		}
	}
	if out := s.must("blocks", "c", "--json"); strings.Contains(out, `"id":"deadbeef","balance":"10"`) || !strings.Contains(out, `"id":"deadbeef00","balance":"10"`) || !strings.Contains(out, `"id":"promo-10","balance":"10"`) {
		t.Errorf("another block was voided: %s", out)
	}
}
