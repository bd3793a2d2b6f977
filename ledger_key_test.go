package creditledger_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"creditledger"
)

// someOperations are operations of every kind whose results differ in every way that
// results can: overage, consumed, no entries, a block made or not, parts of a batch.
func someOperations() []creditledger.Operation {
	noted := grant("A", "100", expires("2026-06-01"), creditledger.Basis("0.20"), only("api"))
	noted.Description, noted.Metadata, noted.InvoiceID = "a pack\nof credits", map[string]string{"k": "v", "empty": ""}, "inv"
	use := spend("40", item("api"))
	use.PriceID, use.InvoiceID, use.Metadata = "price", "inv_2", map[string]string{"m": "n"}
	refund := voidOf("A", "80")
	refund.Reason = creditledger.VoidRefund
	return []creditledger.Operation{
		noted, use, extend("A", "10", "2026-12-01", "B"), extend("B", "1", "2026-01-01T00:00:00Z", "C"), amend("A", "5"), refund,
		grant("P", "3", unpaid), creditledger.Activation{BlockID: "P"}, spend("500"), grant("R", "100"),
		spend("5", policy(creditledger.OverdraftStopAtZero)), spend("5", policy(creditledger.OverdraftStopAtZero)),
		grant("", "1"), spend("2", item("x")), creditledger.Increment{Amount: amount("7")},
		creditledger.Batch{
			grant("D", "9", creditledger.NoRepay), spend("1"), spend("900", policy(creditledger.OverdraftStopAtZero)), voidOf("D", "2"), grant("Q", "1", unpaid), creditledger.Activation{BlockID: "Q"},
		},
	}
}

// TestReplay: the same key with the same operation gives the first result again,
// identical but for Replayed, and writes nothing; also long afterwards, when what it
// asked for has expired, and after a restart.
func TestReplay(t *testing.T) {
	w := newWorld(t, func(o *creditledger.Options) { o.Settings.GracePeriod = time.Hour })
	var firsts []*creditledger.Result
	key := func(i int) creditledger.Key { return creditledger.Key(fmt.Sprintf("key-%d", i)) }
	for i, op := range someOperations() {
		w.at(fmt.Sprintf("2026-01-01T00:%02d:00Z", i))
		first := w.must(op, key(i))
		if first.Replayed || first.Key != key(i) {
			t.Errorf("the first %s: key %q, replayed %t", op.Name(), first.Key, first.Replayed)
		}
		firsts = append(firsts, first)
	}
	before := w.ledger()
	check := func(when string) {
		t.Helper()
		for i, op := range someOperations() {
			again := w.must(op, key(i))
			if !again.Replayed {
				t.Errorf("%s, %s: not replayed", when, op.Name())
			}
			again.Replayed = false
			if !reflect.DeepEqual(again, firsts[i]) {
				t.Errorf("%s, %s gives\n%+v\nwant\n%+v", when, op.Name(), again, firsts[i])
			}
		}
		if after := w.ledger(); after != before {
			t.Errorf("%s a replay wrote:\n%s", when, after)
		}
	}
	check("at once")
	w.reopen()
	check("after a restart")
	w.at("2027-01-01")
	check("a year later")
	w.reopen()
	check("a year later, after a restart")
	w.set(otherSettings)
	check("when every setting is another")
	w.verified()
}

// TestReplayPreview: a known key is answered by Preview as by Do.
func TestReplayPreview(t *testing.T) {
	w := newWorld(t)
	first := w.must(grant("A", "5"), "k")
	again, err := w.Preview(ctx, cus1, grant("A", "5"), "k")
	if err != nil || !again.Replayed || story(again.Entries) != story(first.Entries) || again.Key != "k" {
		t.Errorf("got %+v, %v", again, err)
	}
	if _, err := w.Preview(ctx, cus1, grant("A", "6"), "k"); !errors.Is(err, creditledger.ErrIdempotencyMismatch) {
		t.Errorf("another operation: %v", err)
	}
}

// TestReplayWhenRefusedNow: the balance would no longer allow it, the block is gone,
// the date has passed, the customer's currency has changed.
func TestReplayWhenRefusedNow(t *testing.T) {
	w := newWorld(t).given(grant("A", "10", expires("2026-06-01")))
	w.must(spend("10", policy(creditledger.OverdraftReject)), "spend")
	w.must(grant("B", "1", expires("2026-02-01")), "grant")
	w.must(voidOf("B", "1"), "void")
	w.must(grant("P", "1", unpaid), "p")
	w.must(creditledger.Activation{BlockID: "P"}, "activate")
	w.at("2026-07-01")
	for key, op := range map[creditledger.Key]creditledger.Operation{
		"spend": spend("10", policy(creditledger.OverdraftReject)), "grant": grant("B", "1", expires("2026-02-01")), "void": voidOf("B", "1"),
		"activate": creditledger.Activation{BlockID: "P"},
	} {
		if res := w.must(op, key); !res.Replayed {
			t.Errorf("%s is not a replay", key)
		}
		if _, err := w.Do(ctx, cus1, op, key+" new"); err == nil {
			t.Errorf("%s with a new key is accepted", key)
		}
	}
	usd := creditledger.AccountID{Customer: "cus_1", Currency: "USD"}
	if _, err := w.Do(ctx, usd, grant("U", "1"), "usd"); err != nil {
		t.Fatal(err)
	}
	euro := "EUR"
	if _, err := w.PutCustomer(ctx, creditledger.CustomerUpdate{ID: "cus_1", Currency: &euro}); err != nil {
		t.Fatal(err)
	}
	if res, err := w.Do(ctx, usd, grant("U", "1"), "usd"); err != nil || !res.Replayed {
		t.Errorf("in a currency that is no longer the customer's: %v, %v", res, err)
	}
}

// TestReplayOfDates: a date means that date, whatever zone the customer has by now.
func TestReplayOfDates(t *testing.T) {
	w := newWorld(t)
	zone := "America/Los_Angeles"
	put := func() {
		if _, err := w.PutCustomer(ctx, creditledger.CustomerUpdate{ID: "cus_1", Timezone: &zone}); err != nil {
			t.Fatal(err)
		}
	}
	put()
	first := w.must(grant("A", "1", expires("2026-12-28")), "k")
	zone = "Asia/Tokyo"
	put()
	again := w.must(grant("A", "1", expires("2026-12-28")), "k")
	if !again.Replayed || again.Entries[0].Block.ExpiresAt != first.Entries[0].Block.ExpiresAt || again.Entries[0].Block.ExpiresAt != instant("2026-12-28T08:00:00Z") {
		t.Errorf("replayed %t with expiry %s", again.Replayed, again.Entries[0].Block.ExpiresAt)
	}
	var mismatch *creditledger.IdempotencyMismatchError
	err := w.refused(grant("A", "1", expires("2026-12-28T08:00:00Z")), "k", creditledger.ErrIdempotencyMismatch)
	if !errors.As(err, &mismatch) || mismatch.Field != "expiry_date" || mismatch.Key != "k" {
		t.Errorf("the instant of the date: %v", err)
	}
}

func TestKeyMismatch(t *testing.T) {
	w := newWorld(t)
	w.must(spend("0.2"), "k")
	if res := w.must(spend("0.20"), "k"); !res.Replayed {
		t.Error("0.20 is not 0.2")
	}
	for _, c := range []struct {
		op    creditledger.Operation
		field string
	}{
		{grant("A", "0.2"), "op"},
		{spend("0.3", item("x")), "amount"},
		{spend("0.2", item("x"), policy(creditledger.OverdraftReject)), "item_id"},
		{creditledger.Batch{spend("0.2")}, "op"},
		{voidOf("unknown", "1"), "op"}, // what is known of the key comes before what is missing
	} {
		var mismatch *creditledger.IdempotencyMismatchError
		if err := w.refused(c.op, "k", creditledger.ErrIdempotencyMismatch); !errors.As(err, &mismatch) || mismatch.Field != c.field {
			t.Errorf("%s: %v, want a difference in %s", c.op.Name(), err, c.field)
		}
	}
	// What is wrong in itself comes before what is known of the key, but for the clock.
	w.refused(spend("0"), "k", creditledger.ErrInvalid)
	w.refused(grant("A", "1", expires("2025-01-01")), "k", creditledger.ErrIdempotencyMismatch)
	if w.total() != "-0.2" {
		t.Errorf("total %s", w.total())
	}
}

// TestKeyScope: a key is unique within its account and nowhere else, and a refused
// operation leaves it free.
func TestKeyScope(t *testing.T) {
	w := newWorld(t)
	w.must(grant("A", "1"), "k")
	for _, on := range []creditledger.AccountID{cus2, {Customer: "cus_1", Currency: "Credits"}, {Customer: "cus_1", Currency: "USD"}} {
		if res, err := w.Do(ctx, on, grant("A", "2"), "k"); err != nil || res.Replayed {
			t.Errorf("%v: %v, %v", on, res, err)
		}
	}
	if res, err := w.Do(ctx, creditledger.AccountID{Customer: "cus_1"}, grant("A", "1"), "k"); err != nil || !res.Replayed {
		t.Errorf("the default currency, not named: %v, %v", res, err)
	}
	w.refused(spend("5", policy(creditledger.OverdraftReject)), "free", creditledger.ErrInsufficientCredits)
	if res := w.must(grant("B", "9"), "free"); res.Replayed {
		t.Error("a refused operation was remembered")
	}
	w.refused(voidOf("X", "1"), "free 2", creditledger.ErrNotFound)
	w.must(spend("1"), "free 2")
	// Previews and replays write nothing, so they use up no key.
	if _, err := w.Preview(ctx, cus1, grant("C", "1"), "previewed"); err != nil {
		t.Error(err)
	}
	if res := w.must(spend("1"), "previewed"); res.Replayed {
		t.Error("a preview was remembered")
	}
	for _, key := range []creditledger.Key{"K", "k ", " k", "é", "e\u0301", creditledger.Key(strings.Repeat("k", 255))} {
		if res := w.must(spend("1"), key); res.Replayed {
			t.Errorf("key %q is another's", key)
		}
	}
	for _, key := range []creditledger.Key{creditledger.Key(strings.Repeat("k", 256)), "k\x00", "\xff"} {
		w.refused(spend("1"), key, creditledger.ErrInvalid)
	}
}

// TestGeneratedKey: every result names a key that finds it again, though nothing was
// stored for it; with another operation it is refused like any other.
func TestGeneratedKey(t *testing.T) {
	w := newWorld(t)
	var firsts []*creditledger.Result
	for i, op := range someOperations() {
		w.at(fmt.Sprintf("2026-01-01T00:%02d:00Z", i))
		firsts = append(firsts, w.must(op, ""))
	}
	for range 150 { // more than a page of the journal
		w.given(spend("0.001"))
	}
	w.reopen()
	before := w.ledger()
	for i, op := range someOperations() {
		again := w.must(op, firsts[i].Key)
		if !again.Replayed || again.Key != firsts[i].Key {
			t.Errorf("%s: replayed %t, key %s", op.Name(), again.Replayed, again.Key)
		}
		again.Replayed = false
		if !reflect.DeepEqual(again, firsts[i]) {
			t.Errorf("%s gives\n%+v\nwant\n%+v", op.Name(), again, firsts[i])
		}
		for _, e := range again.Entries {
			if e.IdempotencyKey != "" {
				t.Errorf("an entry names the key that the ledger made: %s", e.IdempotencyKey)
			}
		}
	}
	w.refused(spend("77"), firsts[0].Key, creditledger.ErrIdempotencyMismatch)
	if after := w.ledger(); after != before {
		t.Errorf("something was written:\n%s", after)
	}
	// A key that the ledger made for an operation that never came to be is free, and is
	// found by the index from then on.
	lost := newWorld(t, func(o *creditledger.Options) { o.Random = creditledger.Random(9) }).must(spend("1"), "").Key
	if res := w.must(spend("3"), lost); res.Replayed || res.Key != lost {
		t.Errorf("a lost key: %+v", res)
	}
	if res := w.must(spend("3"), lost); !res.Replayed {
		t.Error("a lost key that was used is not found")
	}
	w.refused(spend("4"), lost, creditledger.ErrIdempotencyMismatch)
}

// TestGeneratedKeyBesideExpiries: the record that wrote an expiry stands for no key.
func TestGeneratedKeyBesideExpiries(t *testing.T) {
	w := newWorld(t).given(creditledger.Fixture()...)
	w.at("2026-02-02")
	first := w.must(spend("1"), "")
	w.at("2026-04-01")
	second := w.must(spend("2"), "")
	for _, first := range []*creditledger.Result{first, second} {
		op := spend(first.Entries[0].Amount.String())
		if again := w.must(op, first.Key); !again.Replayed || story(again.Entries) != story(first.Entries) {
			t.Errorf("got %s, want %s", story(again.Entries), story(first.Entries))
		}
	}
	page, err := w.Entries(ctx, cus1, creditledger.EntriesQuery{Type: creditledger.EntryCreditBlockExpiry})
	if err != nil || len(page.Entries) == 0 {
		t.Fatal(page, err)
	}
	for seq := range 10 {
		key := creditledger.Key(fmt.Sprintf("auto-%s-%d", page.Entries[0].ID, seq+1))
		if res, err := w.Do(ctx, cus1, spend("1"), key); err != nil || res.Replayed {
			t.Errorf("key %s: %+v, %v", key, res, err)
		}
	}
}

// TestGeneratedKeyBefore1970: the time in a UUID cannot say such instants; the record
// is found all the same.
func TestGeneratedKeyBefore1970(t *testing.T) {
	w := newWorld(t)
	w.at("1950-01-01")
	first := w.must(grant("A", "5"), "")
	for range 100 {
		w.given(spend("0.01"))
	}
	if again := w.must(grant("A", "5"), first.Key); !again.Replayed {
		t.Error("not found")
	}
}

// TestSameKeyAtOnce: many callers with one key, one effect.
func TestSameKeyAtOnce(t *testing.T) {
	w := newWorld(t)
	const callers = 50
	var wg sync.WaitGroup
	results := make([]*creditledger.Result, callers)
	for i := range callers {
		wg.Add(1)
		go func() {
			defer wg.Done()
			res, err := w.Do(ctx, cus1, grant("A", "1"), "k")
			if err != nil {
				t.Error(err)
			}
			results[i] = res
		}()
	}
	wg.Wait()
	firsts := 0
	for _, res := range results {
		if !res.Replayed {
			firsts++
		}
		if story(res.Entries) != "increment A 1 0→1" {
			t.Errorf("a caller was told %s", story(res.Entries))
		}
	}
	if firsts != 1 || w.ledger() != "increment A 1 0→1" {
		t.Errorf("%d firsts, entries %s", firsts, w.ledger())
	}
}

// TestSameKeySubmittedTwice: the second waits until the first is durable, and is then
// answered as a replay, or refused as another operation.
func TestSameKeySubmittedTwice(t *testing.T) {
	w := newWorld(t)
	first, err := w.Submit(ctx, cus1, grant("A", "1"), "k")
	if err != nil {
		t.Fatal(err)
	}
	second, err := w.Submit(ctx, cus1, grant("A", "1"), "k")
	if err != nil {
		t.Fatal(err)
	}
	one, err1 := first.Wait(ctx)
	two, err2 := second.Wait(ctx)
	if err1 != nil || err2 != nil || one.Replayed || !two.Replayed {
		t.Errorf("%+v, %v and %+v, %v", one, err1, two, err2)
	}
	if _, err := w.Submit(ctx, cus1, spend("1"), "k"); !errors.Is(err, creditledger.ErrIdempotencyMismatch) {
		t.Errorf("another operation: %v", err)
	}
}

// TestReplayTwoLedgers: two ledgers over one store know each other's keys.
func TestReplayTwoLedgers(t *testing.T) {
	w := newWorld(t)
	other := newWorldOver(t, w.store)
	w.must(grant("A", "1"), "k")
	if res := other.must(grant("A", "1"), "k"); !res.Replayed {
		t.Error("the other ledger did it again")
	}
	other.must(spend("1"), "l")
	if res := w.must(spend("1"), "l"); !res.Replayed {
		t.Error("the first ledger did it again")
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := w.Do(cancelled, cus1, grant("A", "1"), "k"); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled replay: %v", err)
	}
}
