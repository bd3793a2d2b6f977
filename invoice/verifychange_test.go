package invoice

import (
	"strings"
	"testing"

	"creditledger"
)

// TestVerifyFindsChanges: a pending change is the current one of its account, and the
// current one is there.
func TestVerifyFindsChanges(t *testing.T) {
	swap := func(from, to string) func(string) string {
		return func(text string) string { return strings.Replace(text, from, to, 1) }
	}
	for _, c := range []struct {
		name   string
		kind   string
		change func(id string) func(text string) string
		says   string
	}{
		{"as it is", "", nil, ""},
		{"the current one is not there", kindChangeNow, func(id string) func(string) string { return swap(id, "gone") }, "change gone: it is the current one of"},
		{"the change is another account's", kindChange, func(string) func(string) string { return swap(`"customer_id":"cus"`, `"customer_id":"eve"`) }, "is another account's"},
		{"the change says it is another", kindChange, func(id string) func(string) string { return swap(`"id":"`+id, `"id":"x`+id) }, "it says that it is"},
	} {
		w := newWorld(t, onMemory, nil)
		ch := w.change(w.Propose(w.ctx, proposal(), "c"))
		if c.kind != "" {
			key := ch.ID
			if c.kind == kindChangeNow {
				key = ch.Account.Customer + separator + ch.Account.Currency
			}
			id := creditledger.DocumentID{Kind: c.kind, Key: key}
			rec, err := w.ledger.Document(w.ctx, id)
			if err != nil {
				t.Fatal(err)
			}
			text := c.change(ch.ID)(string(rec.Value))
			if text == string(rec.Value) {
				t.Fatalf("%s: nothing is altered in %s", c.name, text)
			}
			if err := w.ledger.PutDocuments(w.ctx, []creditledger.DocumentPut{{DocumentID: id, Expect: rec.Version, Prev: rec.Seal(), Value: []byte(text)}}); err != nil {
				t.Fatal(err)
			}
		}
		v, err := w.Verify(w.ctx, nil)
		if err != nil || (v.Violation == nil) != (c.says == "") || v.Violation != nil && !strings.Contains(v.Violation.Error(), c.says) {
			t.Errorf("%s: %v, %v; want %q", c.name, v.Violation, err, c.says)
		}
	}
}

// TestVerifyFindsAChangeThatIsNotCurrent: the index leads to an earlier one.
func TestVerifyFindsAChangeThatIsNotCurrent(t *testing.T) {
	w := newWorld(t, onMemory, nil)
	first := w.change(w.Propose(w.ctx, proposal(), "c"))
	w.change(w.CancelChange(w.ctx, first.ID, "cancel"))
	second := w.change(w.Propose(w.ctx, proposal(), "c2"))
	id := creditledger.DocumentID{Kind: kindChangeNow, Key: first.Account.Customer + separator + first.Account.Currency}
	rec, err := w.ledger.Document(w.ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	older := strings.Replace(string(rec.Value), second.ID, first.ID, 1)
	if err := w.ledger.PutDocuments(w.ctx, []creditledger.DocumentPut{{DocumentID: id, Expect: rec.Version, Prev: rec.Seal(), Value: []byte(older)}}); err != nil {
		t.Fatal(err)
	}
	if v, err := w.Verify(w.ctx, nil); err != nil || v.Violation == nil || !strings.Contains(v.Violation.Error(), "it is pending, and is not the current one") {
		t.Errorf("%v, %v", v.Violation, err)
	}
}
