package creditledger_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"creditledger"
)

// TestMovesFollowsCredits: to blocks of another expiry, to those made of these, and to
// blocks of other accounts; what is spent, voided or of another block is no move.
func TestMovesFollowsCredits(t *testing.T) {
	w := newWorld(t).given(grant("other", "5"), grant("A", "100"))
	w.given(creditledger.ExpirationChange{BlockID: "A", Amount: amount("40"), Target: creditledger.At(time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)), NewBlockID: "B"})
	w.given(spend("1"), creditledger.Void{BlockID: "A", Amount: amount("10")})
	w.given(creditledger.ExpirationChange{BlockID: "B", Amount: amount("20"), Target: creditledger.At(time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)), NewBlockID: "C"})
	if _, err := w.Transfer(ctx, creditledger.Transfer{From: cus1, To: cus2, Amount: amount("30")}, "t"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Transfer(ctx, creditledger.Transfer{From: cus1, To: cus2, BlockID: "other"}, ""); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		got := ""
		for _, m := range must(w.Moves(ctx, cus1, "A")) {
			b := must(w.Block(ctx, m.To, m.ToBlockID))
			got += fmt.Sprintf("%s %s %s %s, ", m.BlockID, m.Amount, m.To.Customer, b.ParentID)
			if b.Initial.Cmp(m.Amount) != 0 {
				t.Errorf("%s of %s went to a block of %s", m.Amount, m.BlockID, b.Initial)
			}
		}
		if got != "A 40 cus_1 A, B 20 cus_1 B, C 20 cus_2 C, B 10 cus_2 B, " {
			t.Errorf("%s", got)
		}
		w.reopen()
	}
	if moves := must(w.Moves(ctx, cus1, "other")); len(moves) != 1 || moves[0].To != cus2 {
		t.Errorf("%+v", moves)
	}
	if moves, err := w.Moves(ctx, cus1); err != nil || len(moves) > 0 {
		t.Errorf("of no block: %+v, %v", moves, err)
	}
	if _, err := w.Moves(ctx, cus1, "nobody"); !errors.Is(err, creditledger.ErrNotFound) {
		t.Errorf("%v", err)
	}
}

// TestActBringsDocuments: what is attached to an act is stored with it, or nothing is, and
// an Attach that refuses takes the whole act back on every account.
func TestActBringsDocuments(t *testing.T) {
	w := newWorld(t).given(grant("A", "30"))
	id := creditledger.DocumentID{Kind: "invoice", Key: "k"}
	act := func(key creditledger.Key, expect uint64, refuse error) error {
		_, err := w.DoAllWith(ctx, on(cus2, grant("B", "5"), cus1, spend("7")), creditledger.DoOptions{Key: key, Attach: func(r *creditledger.Result) ([]creditledger.DocumentPut, error) {
			if len(r.Results) != 2 || len(r.Entries) != 2 {
				t.Errorf("told of %+v", r)
			}
			return []creditledger.DocumentPut{{DocumentID: id, Expect: expect, Value: []byte(key)}}, refuse
		}})
		return err
	}
	refused := errors.New("refused")
	if err := act("no", 0, refused); !errors.Is(err, refused) || w.totalOf(cus1) != "30" || w.totalOf(cus2) != "0" {
		t.Errorf("%v; %s, %s", err, w.totalOf(cus1), w.totalOf(cus2))
	}
	var conflict *creditledger.ConflictError
	if err := act("stale", 9, nil); !errors.As(err, &conflict) || len(conflict.Documents) != 1 || w.totalOf(cus1) != "30" {
		t.Errorf("%v; %s", err, w.totalOf(cus1))
	}
	if err := act("yes", 0, nil); err != nil || w.totalOf(cus1) != "23" || w.totalOf(cus2) != "5" {
		t.Errorf("%v; %s, %s", err, w.totalOf(cus1), w.totalOf(cus2))
	}
	if d, err := w.Document(ctx, id); err != nil || string(d.Value) != "yes" {
		t.Errorf("%+v, %v", d, err)
	}
	w.wholly()
}
