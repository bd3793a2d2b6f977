package creditledger

import (
	"strings"
	"testing"
)

func TestAccountID(t *testing.T) {
	for _, c := range []struct {
		id   AccountID
		want string
	}{
		{AccountID{"cus_1", "credits"}, "cus_1/credits"},
		{AccountID{"a b", "USD"}, `"a b"/USD`},
		{AccountID{"a/b", "USD"}, `"a/b"/USD`},
		{AccountID{`a"b\`, "é"}, `"a\"b\\"/"é"`},
		{AccountID{"", ""}, `""/""`},
		{AccountID{"x\n\x1b[31m", "\xff"}, `"x\n\x1b[31m"/"\xff"`},
		{AccountID{strings.Repeat("a", 80), "c"}, strings.Repeat("a", 80) + "/c"},
		{AccountID{strings.Repeat("a", 81), "c"}, `"` + strings.Repeat("a", 80) + `"…/c`},
	} {
		if got := c.id.String(); got != c.want {
			t.Errorf("%#v is shown as %s, want %s", c.id, got, c.want)
		}
	}
	ids := []AccountID{{"a", "x"}, {"a", "y"}, {"a\x00", ""}, {"ab", "a"}, {"b", "a"}, {"é", "a"}}
	for i, a := range ids {
		for j, b := range ids {
			if got, want := a.Compare(b), sign(i-j); got != want {
				t.Errorf("%v to %v: %d, want %d", a, b, got, want)
			}
		}
	}
	if got := (AccountID{Customer: "c"}).normal(); got != (AccountID{"c", "credits"}) {
		t.Errorf("without a currency: %v", got)
	}
	if got := (AccountID{"c", "USD"}).normal(); got.Currency != "USD" {
		t.Errorf("with a currency: %v", got)
	}
}

func TestCheckAccount(t *testing.T) {
	for what, text := range badIDs {
		checkField(t, checkAccount(AccountID{Customer: text, Currency: "c"}), "customer_id")
		checkField(t, checkAccount(AccountID{Customer: "c", Currency: text}), "currency")
		if checkOptionalID("idempotency_key", text) == nil {
			t.Errorf("a key that is %s", what)
		}
	}
	for _, text := range goodIDs {
		if err := checkAccount(AccountID{Customer: text, Currency: text}); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
	checkField(t, checkAccount(AccountID{Currency: "c"}), "customer_id")
	checkField(t, checkAccount(AccountID{Customer: "c"}), "currency")
}
