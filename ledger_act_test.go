package creditledger_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"creditledger"
)

var cus3 = creditledger.AccountID{Customer: "cus_3", Currency: "credits"}

// on makes the operations of an act.
func on(list ...any) (ops []creditledger.AccountOperation) {
	for i := 0; i < len(list); i += 2 {
		ops = append(ops, creditledger.AccountOperation{Account: list[i].(creditledger.AccountID), Operation: list[i+1].(creditledger.Operation)})
	}
	return ops
}

// all does an act that must be accepted.
func (w *world) all(key creditledger.Key, list ...any) *creditledger.Result {
	w.t.Helper()
	res, err := w.DoAll(ctx, on(list...), key)
	if err != nil {
		w.t.Fatal(err)
	}
	return res
}

func (w *world) totalOf(id creditledger.AccountID) string {
	w.t.Helper()
	b, err := w.Balance(ctx, id, creditledger.BalanceQuery{})
	if err != nil {
		w.t.Fatal(err)
	}
	return b.Total.String()
}

// wholly verifies everything.
func (w *world) wholly() {
	w.t.Helper()
	if v, err := w.VerifyAll(ctx, nil); err != nil || v.Violation != nil {
		w.t.Errorf("verify: %+v, %v", v, err)
	}
	for _, id := range []creditledger.AccountID{cus1, cus2, cus3} {
		if v, err := w.Verify(ctx, id, nil); err != nil || v.Violation != nil {
			w.t.Errorf("verify %s: %+v, %v", id, v, err)
		}
	}
}

// TestActIsOneRecordAnAccountAndRepeatsFromAny: its operations are decided in their order,
// at one instant, an account may stand twice, and the key repeats the whole from any of its
// accounts, also after a restart.
func TestActIsOneRecordAnAccountAndRepeatsFromAny(t *testing.T) {
	for _, key := range []creditledger.Key{"k", ""} {
		w := newWorld(t).given(grant("A", "30"))
		ops := []any{cus2, grant("B", "5"), cus1, spend("10"), cus2, spend("7")}
		first := w.all(key, ops...)
		if key != "" && first.Key != key || first.Replayed || len(first.Results) != 3 || len(first.Entries) != 3 {
			t.Fatalf("first: %+v", first)
		}
		for i, seq := range []uint64{1, 2, 2} {
			e := first.Entries[i]
			if e.Seq != seq || e.CreatedAt != first.At || (key == "") != (e.IdempotencyKey == "") {
				t.Errorf("entry %d: %+v", i, e)
			}
		}
		if a, b := w.totalOf(cus1), w.totalOf(cus2); a != "20" || b != "-2" {
			t.Errorf("totals %s and %s", a, b)
		}
		for range 2 {
			again := w.all(first.Key, ops...)
			if !again.Replayed || again.Key != first.Key || story(again.Entries) != story(first.Entries) || again.Entries[2].ID != first.Entries[2].ID {
				t.Errorf("again: %+v", again)
			}
			for _, id := range []creditledger.AccountID{cus1, cus2} {
				_, err := w.Do(ctx, id, spend("10"), first.Key)
				if m, ok := errors.AsType[*creditledger.IdempotencyMismatchError](err); !ok || m.Field != "op" {
					t.Errorf("a single operation on %s: %v", id, err)
				}
			}
			for name, other := range map[string][]any{
				"fewer":         {cus1, spend("10")},
				"another":       {cus3, spend("1"), cus2, spend("7")},
				"another order": {cus1, spend("10"), cus2, grant("B", "5"), cus2, spend("7")},
			} {
				_, err := w.DoAll(ctx, on(other...), first.Key)
				if m, ok := errors.AsType[*creditledger.IdempotencyMismatchError](err); !ok || m.Field != "operations" {
					t.Errorf("%s: %v", name, err)
				}
			}
			w.wholly()
			w.reopen()
		}
	}
}

// TestActIsRefusedWhole: the first refusal in the order of the operations is told, with its
// account, and nothing is written on any.
func TestActIsRefusedWhole(t *testing.T) {
	w := newWorld(t).given(grant("A", "30", expires("2026-01-02")))
	w.at("2026-01-03")
	before := w.journal()
	_, err := w.DoAll(ctx, on(cus2, grant("B", "5"), cus1, spend("10", policy(creditledger.OverdraftReject)), cus2, voidOf("C", "1")), "k")
	refused, ok := errors.AsType[*creditledger.ActError](err)
	if !ok || refused.Index != 1 || refused.Account != cus1 || !errors.Is(err, creditledger.ErrInsufficientCredits) {
		t.Fatalf("%v", err)
	}
	if after := w.journal(); len(after) != len(before) {
		t.Errorf("%d records, before %d", len(after), len(before))
	}
	if list, err := w.Ledger.Accounts(ctx, creditledger.AccountID{}, 10); err != nil || len(list) != 1 {
		t.Errorf("accounts %v, %v", list, err)
	}
	w.all("k", cus2, grant("B", "5"), cus1, spend("10"))
	w.wholly()
}

// TestActBounds: what an act may not be.
func TestActBounds(t *testing.T) {
	w := newWorld(t)
	many := func(n int) (ops []creditledger.AccountOperation) {
		for i := range n {
			ops = append(ops, creditledger.AccountOperation{Account: creditledger.AccountID{Customer: fmt.Sprintf("c%03d", i)}, Operation: grant("", "1")})
		}
		return ops
	}
	for name, ops := range map[string][]creditledger.AccountOperation{
		"nothing":         {},
		"65 accounts":     many(65),
		"a batch":         on(cus1, creditledger.Batch{spend("1")}),
		"no operation":    {{Account: cus1}},
		"1001 operations": slices.Repeat(on(cus1, spend("1")), creditledger.MaxBatch+1),
		"no customer":     on(creditledger.AccountID{}, spend("1")),
		"a bad amount":    on(cus1, spend("1"), cus2, creditledger.Decrement{}),
	} {
		if _, err := w.DoAll(ctx, ops, ""); !errors.Is(err, creditledger.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	res, err := w.DoAll(ctx, many(creditledger.MaxActAccounts), "")
	if err != nil || len(res.Results) != creditledger.MaxActAccounts {
		t.Fatal(err)
	}
	if _, err := w.DoAll(ctx, on(cus1, spend("1"), cus2, creditledger.Decrement{}), ""); err == nil || err.Error() != `operation 2, decrement 0 on cus_2/credits: invalid operations[1].amount: 0 is not positive` {
		t.Errorf("%v", err)
	}
	if list, err := w.Ledger.Accounts(ctx, creditledger.AccountID{}, 100); err != nil || len(list) != creditledger.MaxActAccounts {
		t.Errorf("%d accounts, %v", len(list), err)
	}
}

// TestTransferMovesFreeCredits: in drawdown order, filtered ones too, with the terms of their
// blocks; no more than may be spent; and a key repeats it.
func TestTransferMovesFreeCredits(t *testing.T) {
	w := newWorld(t).given(grant("A", "30", expires("2026-02-01"), priority(1)), grant("B", "100", only("api")))
	if _, err := w.Do(ctx, cus2, spend("20"), ""); err != nil {
		t.Fatal(err)
	}
	gift := creditledger.Transfer{From: cus1, To: cus2, Amount: amount("110"), Description: "gift"}
	res, err := w.Transfer(ctx, gift, "gift")
	if err != nil || len(res.Results) != 2 || len(res.Results[0].Entries) != 4 || len(res.Results[1].Entries) != 2 {
		t.Fatalf("%+v, %v", res, err)
	}
	if a, b := w.totalOf(cus1), w.totalOf(cus2); a != "20" || b != "90" {
		t.Errorf("totals %s and %s", a, b)
	}
	w.reopen()
	if again, err := w.Transfer(ctx, gift, "gift"); err != nil || !again.Replayed || story(again.Entries) != story(res.Entries) {
		t.Errorf("again: %+v, %v", again, err)
	}
	for field, other := range map[string]creditledger.Transfer{
		"amount":      {From: cus1, To: cus2, Amount: amount("111"), Description: "gift"},
		"description": {From: cus1, To: cus2, Amount: amount("110")},
		"to":          {From: cus1, To: cus3, Amount: amount("110"), Description: "gift"},
		"from":        {From: cus2, To: cus1, Amount: amount("110"), Description: "gift"},
	} {
		_, err := w.Transfer(ctx, other, "gift")
		if m, ok := errors.AsType[*creditledger.IdempotencyMismatchError](err); !ok || m.Field != field {
			t.Errorf("another %s: %v", field, err)
		}
	}
	w.given(creditledger.Hold{HoldID: "h", Amount: amount("5")})
	for name, c := range map[string]struct {
		transfer creditledger.Transfer
		want     error
	}{
		"too much":       {creditledger.Transfer{From: cus1, To: cus3, Amount: amount("16")}, creditledger.ErrInsufficientCredits},
		"beside a debt":  {creditledger.Transfer{From: cus2, To: cus3, Amount: amount("91")}, creditledger.ErrInsufficientCredits},
		"no such block":  {creditledger.Transfer{From: cus1, To: cus3, BlockID: "C"}, creditledger.ErrNotFound},
		"an empty block": {creditledger.Transfer{From: cus1, To: cus3, BlockID: "B"}, creditledger.ErrConstraint},
		"to itself":      {creditledger.Transfer{From: cus1, To: cus1, Amount: amount("1")}, creditledger.ErrInvalid},
		"two currencies": {creditledger.Transfer{From: cus1, To: creditledger.AccountID{Customer: "x", Currency: "y"}, Amount: amount("1")}, creditledger.ErrInvalid},
		"nothing":        {creditledger.Transfer{From: cus1, To: cus3}, creditledger.ErrInvalid},
		"two of them":    {creditledger.Transfer{From: cus1, To: cus3, Amount: amount("1"), BlockID: "A"}, creditledger.ErrInvalid},
		"less than none": {creditledger.Transfer{From: cus1, To: cus3, Amount: amount("-1")}, creditledger.ErrInvalid},
		"to nobody":      {creditledger.Transfer{From: cus1, To: creditledger.AccountID{Currency: "credits"}, Amount: amount("1")}, creditledger.ErrInvalid},
	} {
		if _, err := w.Transfer(ctx, c.transfer, ""); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if res, err := w.Transfer(ctx, creditledger.Transfer{From: cus1, To: cus3, BlockID: "A"}, ""); err != nil || res.Entries[2].Amount.String() != "15" {
		t.Errorf("a block: %+v, %v", res, err)
	}
	held, ok := errors.AsType[*creditledger.HeldError](func() error {
		_, err := w.Transfer(ctx, creditledger.Transfer{From: cus1, To: cus3, BlockID: "A"}, "")
		return err
	}())
	if !ok || !slices.Equal(held.Holds, []string{"h"}) {
		t.Errorf("all of it held: %v", held)
	}
	w.refused(amend("A", "1"), "", creditledger.ErrConstraint)
	w.wholly()
}

// TestActMeetsConflictsForEver: an account that others keep writing to ends an act with a
// conflict after some attempts, and with the context's error if that ends before.
func TestActMeetsConflictsForEver(t *testing.T) {
	for _, ends := range []bool{false, true} {
		s := newFaulty()
		w := newWorldOver(t, s).given(grant("A", "30"))
		short, cancel := context.WithCancel(ctx)
		commits := 0
		s.onCommit(func(_ context.Context, changes []creditledger.Change, _ func() error) error {
			if commits++; ends && commits == 3 {
				cancel()
			}
			return &creditledger.ConflictError{Accounts: []creditledger.AccountID{changes[1].Account}}
		})
		_, err := w.DoAll(short, on(cus1, spend("1"), cus2, grant("B", "1")), "")
		cancel()
		switch {
		case ends && (!errors.Is(err, context.Canceled) || commits != 3):
			t.Errorf("ended after %d commits: %v", commits, err)
		case !ends && !errors.Is(err, creditledger.ErrConflict):
			t.Errorf("after %d commits: %v", commits, err)
		}
		s.onCommit(nil)
		if a := w.totalOf(cus1); a != "30" {
			t.Errorf("cus_1 has %s", a)
		}
		w.all("", cus1, spend("1"), cus2, grant("B", "1"))
		w.wholly()
	}
}

// TestActOfADeletedCustomer: what the customer forbids refuses the act, with the account.
func TestActOfADeletedCustomer(t *testing.T) {
	w := newWorld(t).given(grant("A", "30"))
	for _, id := range []string{"cus_1", "cus_2"} {
		if _, err := w.PutCustomer(ctx, creditledger.CustomerUpdate{ID: id}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.DeleteCustomer(ctx, "cus_2"); err != nil {
		t.Fatal(err)
	}
	_, err := w.DoAll(ctx, on(cus1, spend("1"), cus2, grant("B", "1")), "")
	if refused, ok := errors.AsType[*creditledger.ActError](err); !ok || refused.Account != cus2 || !errors.Is(err, creditledger.ErrConstraint) {
		t.Errorf("%v", err)
	}
	_, err = w.Transfer(ctx, creditledger.Transfer{From: cus1, To: cus2, Amount: amount("1")}, "")
	if refused, ok := errors.AsType[*creditledger.OperationError](err); !ok || refused.Account != cus2 || !errors.Is(err, creditledger.ErrConstraint) {
		t.Errorf("%v", err)
	}
	if a := w.totalOf(cus1); a != "30" {
		t.Errorf("cus_1 has %s", a)
	}
}
