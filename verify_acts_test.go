package creditledger_test

import (
	"context"
	"strings"
	"testing"

	"creditledger"
)

func (w *world) journalOf(id creditledger.AccountID) []creditledger.JournalRecord {
	w.t.Helper()
	records, err := w.Journal(ctx, id, 1, creditledger.MaxPage)
	if err != nil {
		w.t.Fatal(err)
	}
	return records
}

// copied is a world with some of the journals of another.
func (w *world) copied(t *testing.T, ids ...creditledger.AccountID) *world {
	t.Helper()
	to := newWorld(t)
	for _, id := range ids {
		if err := to.Import(ctx, id, w.journalOf(id)); err != nil {
			t.Fatal(err)
		}
	}
	return to
}

// TestVerifyFindsPartsOfActs: a part that is missing, or was altered together with all that
// follows on it, is found from each of the others, and names its account. A copy that has
// begun is seen like that, and is in order when it is complete.
func TestVerifyFindsPartsOfActs(t *testing.T) {
	w := newWorld(t).given(grant("A", "30"))
	w.all("k", cus1, spend("10"), cus2, grant("B", "5"), cus3, grant("C", "7"))
	w.wholly()
	to := w.copied(t, cus3, cus1, cus2)
	to.wholly()
	if again := to.all("k", cus1, spend("10"), cus2, grant("B", "5"), cus3, grant("C", "7")); !again.Replayed {
		t.Error("the key did not come along")
	}
	part := w.copied(t, cus1, cus3)
	for _, c := range []struct {
		id   creditledger.AccountID
		want string
	}{{cus1, "part 2 of its act, record 1 of cus_2/credits, is missing"}, {cus3, "part 2 of its act, record 1 of cus_2/credits, is missing"}} {
		v, err := part.Verify(ctx, c.id, nil)
		if err != nil || v.Violation == nil || v.Violation.Rule != "act" || v.Violation.Detail != c.want {
			t.Errorf("from %s: %+v, %v", c.id, v.Violation, err)
		}
	}
	if v, err := part.VerifyAll(ctx, nil); err != nil || v.Violation == nil || v.Violation.Account != cus1 || v.Violation.Rule != "act" {
		t.Errorf("all: %+v, %v", v.Violation, err)
	}
	if _, err := part.DoAll(ctx, on(cus1, spend("10"), cus2, grant("B", "5"), cus3, grant("C", "7")), "k"); err == nil || !strings.Contains(err.Error(), "part 2 of 3 of an act") {
		t.Errorf("repeated: %v", err)
	}
	forged := w.copied(t, cus1, cus3)
	records := w.journalOf(cus2)
	records[0].Bytes = creditledger.AlterPart(records[0].Bytes, func(rec *creditledger.OpRecord) {
		op := rec.Op.(creditledger.Increment)
		op.InvoiceID = "another"
		rec.Op = op
	})
	if err := forged.Import(ctx, cus2, records); err != nil {
		t.Fatal(err)
	}
	for _, id := range []creditledger.AccountID{cus1, cus2, cus3} {
		if v, err := forged.Verify(ctx, id, nil); err != nil || v.Violation == nil || v.Violation.Rule != "act" {
			t.Errorf("forged, from %s: %+v, %v", id, v.Violation, err)
		}
	}
	if v, err := forged.VerifyAll(ctx, nil); err != nil || v.Violation == nil || v.Violation.Rule != "act" {
		t.Errorf("forged, all: %+v, %v", v.Violation, err)
	}
}

// TestTransfersAreProvenOnBothSides: what a transfer brought is what left its sender, with the
// terms of its blocks, and what left a sender arrived, even where all parts were forged
// together. Looked at from either account.
func TestTransfersAreProvenOnBothSides(t *testing.T) {
	w := newWorld(t).given(grant("A", "30", priority(1)))
	if _, err := w.Transfer(ctx, creditledger.Transfer{From: cus1, To: cus2, Amount: amount("10")}, ""); err != nil {
		t.Fatal(err)
	}
	elsewhere := creditledger.Increment{Amount: amount("10"), BlockID: "from nowhere", Repay: creditledger.RepayNever}
	voided := creditledger.Void{BlockID: "A", Amount: amount("10")}
	for name, c := range map[string]struct {
		forge         func(sender, receiver *creditledger.OpRecord)
		refused, said string // by an import, or by what is said of which account
		of            creditledger.AccountID
	}{
		"more arrives":              {creditledger.ArrivesAs("11", 1), "", "is not what was sent", cus2},
		"less arrives":              {creditledger.ArrivesAs("9", 1), "", "is not what was sent", cus2},
		"on other terms":            {creditledger.ArrivesAs("10", 2), "", "is not what was sent", cus2},
		"at another instant":        {creditledger.ArrivesLater, "", "of its act was at", cus1},
		"nothing arrives":           {creditledger.ArrivesNowhere, "not the two parts of a transfer", "", cus1},
		"a third account":           {creditledger.ArrivesBeside, "not the two parts of a transfer", "", cus1},
		"something else is granted": {creditledger.DoesElse(elsewhere), "", "did not arrive at cus_2/credits", cus1},
		"what arrives was voided":   {creditledger.SendsNothing(voided), "", "did not send what arrived", cus1},
	} {
		t.Run(name, func(t *testing.T) {
			ones, twos := w.journalOf(cus1), w.journalOf(cus2)
			both := []creditledger.JournalRecord{ones[1], twos[0]}
			creditledger.ForgeTransfer(both, c.forge)
			ones[1], twos[0] = both[0], both[1]
			to := newWorld(t)
			err := to.Import(ctx, cus1, ones)
			if c.refused != "" {
				if err == nil || !strings.Contains(err.Error(), c.refused) {
					t.Fatalf("imported: %v", err)
				}
				return
			}
			if err == nil {
				err = to.Import(ctx, cus2, twos)
			}
			if err != nil {
				t.Fatal(err)
			}
			v, err := to.VerifyAll(ctx, nil)
			if err != nil || v.Violation == nil || v.Violation.Account != c.of || !strings.Contains(v.Violation.Detail, c.said) {
				t.Errorf("all: %+v, %v", v.Violation, err)
			}
			for _, id := range []creditledger.AccountID{cus1, cus2} {
				v, err := to.Verify(ctx, id, nil)
				if err != nil || v.Violation == nil || !strings.Contains(v.Violation.Detail, c.said) {
					t.Errorf("from %s: %+v, %v", id, v.Violation, err)
				}
			}
		})
	}
}

// TestCopyAnewKeepsActs: a copy that writes records anew, in which the records of an act
// follow on other seals, keeps the act whole.
func TestCopyAnewKeepsActs(t *testing.T) {
	w := newWorld(t).given(grant("A", "30"))
	w.all("k", cus1, spend("10"), cus2, creditledger.Increment{Amount: amount("5"), Description: "said"})
	to := newWorld(t)
	for _, id := range []creditledger.AccountID{cus1, cus2} {
		if err := to.ImportAnew(ctx, id, w.journalOf(id)); err != nil {
			t.Fatal(err)
		}
	}
	to.wholly()
	if _, err := to.Erase(context.Background(), cus2.Customer, creditledger.Erasure{}); err != nil {
		t.Fatal(err)
	}
	to.wholly()
	again := to.all("k", cus1, spend("10"), cus2, creditledger.Increment{Amount: amount("5"), Description: "something else"})
	if !again.Replayed || again.Entries[1].Description != "" || !again.Entries[1].Erased {
		t.Errorf("after an erasure: %+v", again)
	}
}
