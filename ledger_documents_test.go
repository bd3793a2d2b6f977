package creditledger_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"creditledger"
)

func recordOf(key string) creditledger.DocumentID {
	return creditledger.DocumentID{Kind: "thing", Key: key}
}

func put(key string, expect uint64, value string) creditledger.DocumentPut {
	return creditledger.DocumentPut{DocumentID: recordOf(key), Expect: expect, Value: []byte(value)}
}

// over is put over a record that is stored.
func over(was creditledger.Document, value string) creditledger.DocumentPut {
	return creditledger.DocumentPut{DocumentID: was.DocumentID, Expect: was.Version, Prev: was.Seal(), Value: []byte(value)}
}

// attach brings the same records along whatever the result.
func attach(puts ...creditledger.DocumentPut) creditledger.Attach {
	return func(*creditledger.Result) ([]creditledger.DocumentPut, error) { return puts, nil }
}

func (w *world) record(key string) string {
	w.t.Helper()
	r, err := w.Document(ctx, recordOf(key))
	switch {
	case errors.Is(err, creditledger.ErrNotFound):
		return "none"
	case err != nil:
		w.t.Fatal(err)
	}
	return fmt.Sprintf("%s %d", r.Value, r.Version)
}

// TestDoWith: an operation and the records it brings along are stored together, or
// neither is.
func TestDoWith(t *testing.T) {
	w := newWorld(t)
	res, err := w.DoWith(ctx, cus1, grant("A", "5"), creditledger.DoOptions{Key: "k", Attach: func(res *creditledger.Result) ([]creditledger.DocumentPut, error) {
		return []creditledger.DocumentPut{put("a", 0, "for "+res.NewBlockID), put("b", 0, "")}, nil
	}})
	if err != nil || res.NewBlockID != "A" || w.record("a") != "for A 1" || w.record("b") != " 1" {
		t.Errorf("%+v, %v; %s, %s", res, err, w.record("a"), w.record("b"))
	}
	// A replay stores nothing, whatever it would bring along.
	res, err = w.DoWith(ctx, cus1, grant("A", "5"), creditledger.DoOptions{Key: "k", Attach: attach(put("a", 1, "again"))})
	if err != nil || !res.Replayed || w.record("a") != "for A 1" {
		t.Errorf("a replay: %+v, %v; %s", res, err, w.record("a"))
	}
	// A record that moved is the caller's to read again: nothing is written.
	var conflict *creditledger.ConflictError
	_, err = w.DoWith(ctx, cus1, spend("1"), creditledger.DoOptions{Key: "l", Attach: attach(put("c", 0, "new"), put("a", 0, "stale"))})
	if !errors.As(err, &conflict) || len(conflict.Documents) != 1 || conflict.Documents[0] != recordOf("a") || w.total() != "5" || w.record("c") != "none" {
		t.Errorf("a stale record: %v; total %s, c %s", err, w.total(), w.record("c"))
	}
	// So is one that is another by now, though it was put as often.
	stored, err := w.Document(ctx, recordOf("a"))
	if err != nil {
		t.Fatal(err)
	}
	restored := stored
	restored.Value = []byte("what another history put")
	_, err = w.DoWith(ctx, cus1, spend("1"), creditledger.DoOptions{Key: "l", Attach: attach(put("c", 0, "new"), over(restored, "stale"))})
	if !errors.As(err, &conflict) || len(conflict.Documents) != 1 || conflict.Documents[0] != recordOf("a") || w.total() != "5" || w.record("c") != "none" {
		t.Errorf("another record of that version: %v; total %s, c %s", err, w.total(), w.record("c"))
	}
	if _, err = w.DoWith(ctx, cus1, spend("1"), creditledger.DoOptions{Key: "l", Attach: attach(put("c", 0, "new"), over(stored, "fresh"))}); err != nil || w.total() != "4" || w.record("a") != "fresh 2" {
		t.Errorf("read again: %v; total %s, a %s", err, w.total(), w.record("a"))
	}
	// What the layer above refuses is refused.
	refusal := errors.New("no more of these")
	_, err = w.DoWith(ctx, cus1, creditledger.Batch{spend("1"), grant("B", "7")}, creditledger.DoOptions{Key: "m", Attach: func(*creditledger.Result) ([]creditledger.DocumentPut, error) { return nil, refusal }})
	if !errors.Is(err, refusal) || w.total() != "4" || w.held() != "A 4" {
		t.Errorf("refused above: %v; total %s", err, w.total())
	}
	w.given(grant("B", "7"))
	w.verified()
}

// TestDoWithRefused: an operation that is refused never reaches its attachment, and
// records that no store takes refuse it.
func TestDoWithRefused(t *testing.T) {
	w := newWorld(t)
	_, err := w.DoWith(ctx, cus1, spend("1", policy(creditledger.OverdraftReject)), creditledger.DoOptions{Attach: func(*creditledger.Result) ([]creditledger.DocumentPut, error) {
		t.Error("attached to an operation that is refused")
		return nil, nil
	}})
	if !errors.Is(err, creditledger.ErrInsufficientCredits) {
		t.Error(err)
	}
	long := strings.Repeat("k", 1025)
	for rule, puts := range map[string][]creditledger.DocumentPut{
		"no kind":            {{DocumentID: creditledger.DocumentID{Key: "k"}}},
		"a kind too long":    {{DocumentID: creditledger.DocumentID{Kind: strings.Repeat("k", 65), Key: "k"}}},
		"no key":             {{DocumentID: creditledger.DocumentID{Kind: "thing"}}},
		"a key too long":     {put(long, 0, "")},
		"a value too long":   {put("k", 0, strings.Repeat("v", 1<<20+1))},
		"a record put twice": {put("k", 0, "1"), put("k", 0, "2")},
	} {
		if _, err := w.DoWith(ctx, cus1, grant("A", "1"), creditledger.DoOptions{Attach: attach(puts...)}); !errors.Is(err, creditledger.ErrInvalid) || w.total() != "0" {
			t.Errorf("%s: %v; total %s", rule, err, w.total())
		}
		if err := w.PutDocuments(ctx, puts); !errors.Is(err, creditledger.ErrInvalid) {
			t.Errorf("%s, without an operation: %v", rule, err)
		}
	}
	if _, err := w.DoWith(ctx, cus1, grant("A", "1"), creditledger.DoOptions{Attach: attach(
		put(long[1:], 0, strings.Repeat("v", 1<<20)), creditledger.DocumentPut{DocumentID: creditledger.DocumentID{Kind: strings.Repeat("k", 64), Key: "k"}},
	)}); err != nil {
		t.Errorf("as long as they may be: %v", err)
	}
}

// TestDoWithPanic: a layer above that panics leaves nothing half decided.
func TestDoWithPanic(t *testing.T) {
	w := newWorld(t).given(creditledger.Fixture()...)
	w.at("2026-02-02")
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		_, _ = w.DoWith(ctx, cus1, spend("1"), creditledger.DoOptions{Attach: func(*creditledger.Result) ([]creditledger.DocumentPut, error) { panic("above") }})
	}()
	if w.total() != "150" {
		t.Errorf("total %s", w.total())
	}
	w.given(spend("1"))
	w.verified()
}

// TestSameRecordAtOnce: operations on one account, or on several, that bring the same
// record along wait for one another; who is late is told that it moved.
func TestSameRecordAtOnce(t *testing.T) {
	w := newWorld(t)
	const callers = 24
	var wg sync.WaitGroup
	for i := range callers {
		wg.Add(1)
		go func() {
			defer wg.Done()
			on := []creditledger.AccountID{cus1, cus2, {Customer: "cus_3"}}[i%3]
			for {
				count := 0
				r, err := w.Document(ctx, recordOf("counter"))
				r.DocumentID = recordOf("counter")
				if err == nil {
					if _, err := fmt.Sscan(string(r.Value), &count); err != nil {
						t.Error(err)
					}
				} else if !errors.Is(err, creditledger.ErrNotFound) {
					t.Error(err)
					return
				}
				_, err = w.DoWith(ctx, on, spend("1"), creditledger.DoOptions{Attach: attach(over(r, fmt.Sprint(count+1)))})
				if err == nil {
					return
				}
				var conflict *creditledger.ConflictError
				if !errors.As(err, &conflict) || len(conflict.Documents) == 0 {
					t.Error(err)
					return
				}
			}
		}()
	}
	wg.Wait()
	if got := w.record("counter"); got != fmt.Sprintf("%d %d", callers, callers) {
		t.Errorf("the counter is %s", got)
	}
	for _, on := range []creditledger.AccountID{cus1, cus2, {Customer: "cus_3"}} {
		if b, err := w.Balance(ctx, on, creditledger.BalanceQuery{}); err != nil || b.Total.String() != "-8" {
			t.Errorf("%v holds %s, %v", on, b.Total, err)
		}
	}
	w.verified()
}

// TestSameRecordOneCommit: two accounts whose flights carry one record never go out
// in one commit, where a record may stand once.
func TestSameRecordOneCommit(t *testing.T) {
	s := newFaulty()
	w := newWorldOver(t, s)
	g := s.shut()
	first := w.async(ctx, cus1, spend("1"), "")
	received(t, g.arrived)
	done := make(chan error, 3)
	for _, name := range []string{"a", "b"} {
		go func() {
			_, err := w.DoWith(ctx, creditledger.AccountID{Customer: name}, spend("1"), creditledger.DoOptions{Attach: attach(put("shared", 0, name))})
			done <- err
		}()
	}
	go func() { done <- errOf(w.Do(ctx, creditledger.AccountID{Customer: "c"}, spend("1"), "")) }()
	silent(t, done, "answered behind a shut gate")
	s.onCommit(func(_ context.Context, changes []creditledger.Change, next func() error) error {
		records := 0
		for i := range changes {
			records += len(changes[i].Documents)
		}
		if records > 1 {
			t.Errorf("one commit puts a record %d times", records)
		}
		return next()
	})
	g.pass()
	received(t, first)
	failed := 0
	for range 3 {
		if err := received(t, done); errors.Is(err, creditledger.ErrConflict) {
			failed++
		} else if err != nil {
			t.Error(err)
		}
	}
	if got := w.record("shared"); failed != 1 || (got != "a 1" && got != "b 1") {
		t.Errorf("%d were told of a conflict, the record is %s", failed, got)
	}
	w.verified()
}

func TestPutRecords(t *testing.T) {
	w := newWorld(t)
	if err := w.PutDocuments(ctx, []creditledger.DocumentPut{put("a", 0, "1"), put("ab", 0, "2"), put("b", 0, "3")}); err != nil {
		t.Fatal(err)
	}
	var conflict *creditledger.ConflictError
	if err := w.PutDocuments(ctx, []creditledger.DocumentPut{put("c", 0, "4"), put("a", 0, "5")}); !errors.As(err, &conflict) || w.record("c") != "none" {
		t.Errorf("a stale record among them: %v", err)
	}
	got, err := w.Documents(ctx, "thing", "a", "", 10)
	if err != nil || len(got) != 2 || got[0].Key != "a" || string(got[1].Value) != "2" {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := w.Documents(ctx, "thing", "", "a", 1); err != nil || len(got) != 1 || got[0].Key != "ab" {
		t.Errorf("after a: %+v, %v", got, err)
	}
	for _, limit := range []int{0, -1, creditledger.MaxPage + 1} {
		if _, err := w.Documents(ctx, "thing", "", "", limit); !errors.Is(err, creditledger.ErrInvalid) {
			t.Errorf("limit %d: %v", limit, err)
		}
	}
	over, cancel := context.WithCancel(ctx)
	cancel()
	if err := w.PutDocuments(over, []creditledger.DocumentPut{put("x", 0, "")}); !errors.Is(err, context.Canceled) || w.record("x") != "none" {
		t.Errorf("with a context that is over: %v", err)
	}
	if now, err := w.Now(); err != nil || now != instant("2026-01-01") {
		t.Errorf("now is %s, %v", now, err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"put": w.PutDocuments(ctx, nil), "record": errOf(w.Document(ctx, recordOf("a"))), "records": errOf(w.Documents(ctx, "thing", "", "", 1)),
		"journal": errOf(w.Journal(ctx, cus1, 1, 1)), "import": w.Import(ctx, cus1, nil), "checkpoint": errOf(w.Checkpoint(ctx, cus1)),
		"delete": errOf(w.DeleteCustomer(ctx, "c")),
	} {
		if !errors.Is(err, creditledger.ErrClosed) {
			t.Errorf("%s of a closed ledger: %v", name, err)
		}
	}
}
