package creditledger_test

import (
	"errors"
	"testing"

	"creditledger"
)

// TestAKeyBelongsToOneAct: the first field in which an act differs from the one that its key was
// used for.
func TestAKeyBelongsToOneAct(t *testing.T) {
	w := newWorld(t).given(grant("A", "30"))
	for _, id := range []creditledger.AccountID{cus2, cus3} {
		if _, err := w.Do(ctx, id, grant("B", "30"), ""); err != nil {
			t.Fatal(err)
		}
	}
	w.all("act", cus1, spend("1"), cus2, spend("1"))
	sent := creditledger.Transfer{From: cus1, To: cus2, Amount: amount("2")}
	if _, err := w.Transfer(ctx, sent, "sent"); err != nil {
		t.Fatal(err)
	}
	elsewhere, back := sent, sent
	elsewhere.To = cus3
	back.From, back.To = sent.To, sent.From
	act := func(key creditledger.Key, list ...any) error {
		_, err := w.DoAll(ctx, on(list...), key)
		return err
	}
	transfer := func(key creditledger.Key, of creditledger.Transfer) error {
		_, err := w.Transfer(ctx, of, key)
		return err
	}
	for _, c := range []struct {
		what  string
		err   error
		field string
	}{
		{"one operation more", act("act", cus1, spend("1"), cus2, spend("1"), cus2, spend("1")), "operations"},
		{"one operation less", act("act", cus1, spend("1")), "operations"},
		{"the same on each other's account", act("act", cus2, spend("1"), cus1, spend("1")), "operations"},
		{"on another account", act("act", cus1, spend("1"), cus3, spend("1")), "operations"},
		{"a transfer under the key of an act", transfer("act", sent), "op"},
		{"an act under the key of a transfer", act("sent", cus1, spend("2"), cus2, grant("C", "2")), "op"},
		{"to somebody else", transfer("sent", elsewhere), "to"},
		{"the other way round", transfer("sent", back), "from"},
	} {
		var differs *creditledger.IdempotencyMismatchError
		if !errors.As(c.err, &differs) || differs.Field != c.field {
			t.Errorf("%s: %v, not a difference in %s", c.what, c.err, c.field)
		}
	}
	w.wholly()
}
