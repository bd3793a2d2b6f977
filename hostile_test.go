package creditledger_test

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"creditledger"
	"creditledger/fuzz"
	"creditledger/fuzz/testsize"
)

// Every field of every operation is given every hostile value of its type, through
// every way in. The fields are found by reflection: one of a type that is not known
// here stops the test, and a new field of a known type is tried without a word.

// hostileBases are one acceptable operation of every kind, in hostileWorld.
var hostileBases = []creditledger.Operation{
	creditledger.Increment{Amount: amount("1")},
	creditledger.Decrement{Amount: amount("1")},
	creditledger.ExpirationChange{BlockID: "A", Target: creditledger.Never(), Amount: amount("1")},
	creditledger.Void{BlockID: "A", Amount: amount("1")},
	creditledger.Amendment{BlockID: "A", Amount: amount("1")},
	creditledger.Activation{BlockID: "P"},
	creditledger.Reverse{Charge: "spent", Amount: amount("1")},
	creditledger.Hold{HoldID: "new", Amount: amount("1"), Overdraft: creditledger.OverdraftAllow},
	creditledger.ExtendHold{HoldID: "H", Amount: amount("1"), Overdraft: creditledger.OverdraftAllow},
	creditledger.Capture{HoldID: "H", Amount: amount("1"), Overdraft: creditledger.OverdraftAllow},
	creditledger.Release{HoldID: "H"},
}

func hostileWorld(t *testing.T) *world {
	w := newWorld(t).given(grant("A", "100", expires("2027-01-01")))
	if _, err := w.Do(ctx, cus1, spend("20"), "spent"); err != nil {
		t.Fatal(err)
	}
	return w.given(grant("P", "5", unpaid), creditledger.Hold{HoldID: "H", Amount: amount("30")})
}

func digestOf(t *testing.T, w *world) string {
	t.Helper()
	d, err := fuzz.Digest(ctx, w.store)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// doors are the ways in for an operation.
var doors = map[string]func(*world, creditledger.Operation) error{
	"Do": func(w *world, op creditledger.Operation) error { _, err := w.Do(ctx, cus1, op, "k"); return err },
	"DoWith": func(w *world, op creditledger.Operation) error {
		attach := func(*creditledger.Result) ([]creditledger.DocumentPut, error) { return nil, nil }
		_, err := w.DoWith(ctx, cus1, op, creditledger.DoOptions{Attach: attach})
		return err
	},
	"Submit": func(w *world, op creditledger.Operation) error {
		p, err := w.Submit(ctx, cus1, op, "")
		if err == nil {
			_, err = p.Wait(ctx)
		}
		return err
	},
	"Preview": func(w *world, op creditledger.Operation) error { _, err := w.Preview(ctx, cus1, op, ""); return err },
	"Batch": func(w *world, op creditledger.Operation) error {
		_, err := w.Do(ctx, cus1, creditledger.Batch{grant("first", "7"), op}, "")
		return err
	},
}

func TestHostileOperations(t *testing.T) {
	tried := 0
	for _, base := range hostileBases {
		kind := reflect.TypeOf(base)
		for i := range kind.NumField() {
			field := kind.Field(i)
			if !field.IsExported() {
				continue
			}
			for _, h := range hostileFor(t, field) {
				v := reflect.New(kind).Elem()
				v.Set(reflect.ValueOf(base))
				v.Field(i).Set(reflect.ValueOf(h.value).Convert(field.Type))
				op := v.Interface().(creditledger.Operation)
				about := fmt.Sprintf("%s.%s = %s", kind.Name(), field.Name, shown(h.value))
				for _, door := range slices.Sorted(maps.Keys(doors)) {
					if tried++; !testsize.Picks(tried) {
						continue
					}
					tryHostile(t, door+" of "+about, door, op, field.Name, h.verdict)
				}
			}
		}
	}
	for _, entry := range []uint64{1, 2, 3, 4, 1 << 32, math.MaxInt64, 1 << 63, math.MaxUint64} {
		for _, door := range slices.Sorted(maps.Keys(doors)) {
			op := creditledger.Reverse{Entry: entry}
			tryHostile(t, fmt.Sprintf("%s of the reversal of entry %d", door, entry), door, op, "Entry", open)
		}
	}
	t.Logf("%d hostile operations", tried/testsize.Stride())
}

// shown is a value in a few words.
func shown(value any) string {
	if v := reflect.ValueOf(value); slices.Contains([]reflect.Kind{reflect.String, reflect.Slice, reflect.Map}, v.Kind()) && v.Len() > 100 {
		return fmt.Sprintf("a %s of %d", v.Type(), v.Len())
	}
	return fmt.Sprintf("%.80q", fmt.Sprint(value))
}

// tryHostile gives one operation to one door of a ledger made for it.
func tryHostile(t *testing.T, name, door string, op creditledger.Operation, field string, want verdict) {
	t.Helper()
	w := hostileWorld(t)
	before := digestOf(t, w)
	var m0, m1 runtime.MemStats
	measured := door == "Do" && want == wrong
	if measured {
		runtime.ReadMemStats(&m0)
	}
	err := doors[door](w, op)
	if measured {
		runtime.ReadMemStats(&m1)
	}
	invalid := errors.Is(err, creditledger.ErrInvalid)
	switch {
	case want == wrong && !invalid:
		t.Errorf("%s: got %v, want it refused as invalid", name, err)
	case want == fine && invalid:
		t.Errorf("%s: refused as invalid: %v", name, err)
	case invalid && m1.TotalAlloc-m0.TotalAlloc > 128<<10:
		t.Errorf("%s: refusing it allocated %d bytes", name, m1.TotalAlloc-m0.TotalAlloc)
	}
	after := digestOf(t, w)
	if err != nil {
		checkTyped(t, name, err)
	}
	if (err != nil || door == "Preview") != (after == before) {
		t.Errorf("%s: err %v, and the store changed: %v", name, err, after != before)
	}
	if err == nil && door != "Preview" {
		checkStored(t, name, w, op, field)
	}
}

// refusals are the kinds of refusal; nothing else may come of hostile input.
var refusals = []error{
	creditledger.ErrInvalid, creditledger.ErrNotFound, creditledger.ErrDuplicate, creditledger.ErrConstraint, creditledger.ErrInsufficientCredits, creditledger.ErrIdempotencyMismatch,
}

// checkTyped holds a refusal to having a kind, and a text that is short and plain.
func checkTyped(t *testing.T, name string, err error) {
	t.Helper()
	if !slices.ContainsFunc(refusals, func(kind error) bool { return errors.Is(err, kind) }) {
		t.Errorf("%s: %v is a refusal of no kind", name, err)
	}
	text := err.Error()
	if len(text) > 800 || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\u202e' || 0x80 <= r && r < 0xa0 }) {
		t.Errorf("%s: the message is long or has control characters: %.900q", name, text)
	}
}

// checkStored holds the journal's last record, and what readers are shown, to what
// was given.
func checkStored(t *testing.T, name string, w *world, op creditledger.Operation, field string) {
	t.Helper()
	head, err := w.Checkpoint(ctx, cus1)
	if err != nil {
		t.Fatal(err)
	}
	records, err := w.Journal(ctx, cus1, head.Version, 1)
	if err != nil {
		t.Fatal(err)
	}
	rec, err := creditledger.DecodeRecord(records[0].Bytes)
	if err == nil {
		err = rec.ReadTexts(records[0].Texts)
	}
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	stored := rec.Op
	if b, ok := stored.(creditledger.Batch); ok {
		stored = b[len(b)-1]
	}
	if inc, ok := op.(creditledger.Increment); ok && inc.ExpiresAt.IsNever() {
		inc.ExpiresAt = creditledger.When{} // the default
		op = inc
	}
	given, kept := reflect.ValueOf(op), reflect.ValueOf(stored)
	if field == "Overdraft" && given.FieldByName(field).IsZero() {
		return // it is written as what it stands for
	}
	if got, want := plainText(kept.FieldByName(field)), plainText(given.FieldByName(field)); got != want {
		t.Errorf("%s: it was stored as %s", name, got)
	}
	page, err := w.Entries(ctx, cus1, creditledger.EntriesQuery{Limit: 1})
	if err != nil || len(page.Entries) == 0 {
		t.Fatalf("%s: %v", name, err)
	}
	silent := []string{"activate", "hold", "extend_hold", "release"} // they write no entry
	if e := page.Entries[0]; !slices.Contains(silent, op.Name()) && (e.Description != given.FieldByName("Description").String() ||
		!maps.Equal(e.Metadata, given.FieldByName("Metadata").Interface().(map[string]string))) {
		t.Errorf("%s: the entry has description %.80q and metadata %.80q", name, e.Description, fmt.Sprint(e.Metadata))
	}
	w.verified()
}

// plainText shows a field so that what means the same looks the same.
func plainText(v reflect.Value) string {
	switch x := v.Interface().(type) {
	case creditledger.When:
		return fmt.Sprintf("%s %s", x.Date(), x)
	case creditledger.OverdraftLimit:
		a, bounded := x.Amount()
		return fmt.Sprint(a, bounded)
	case creditledger.Repay:
		return max(x, creditledger.RepayFirst).String()
	case creditledger.Overdraft:
		return max(x, creditledger.OverdraftAllow).String() // the default of a decrement
	case []creditledger.Filter:
		return fmt.Sprintf("%q", fmt.Sprint(x))
	}
	return fmt.Sprintf("%q", fmt.Sprint(v.Interface()))
}

// TestHostileOptions: options out of their range, a clock and a source of randomness
// that fail: nothing is stored that could not be read again.
func TestHostileOptions(t *testing.T) {
	for name, set := range map[string]func(*creditledger.Options){
		"negative cache": func(o *creditledger.Options) { o.CacheBlocks = math.MinInt },
		"cache of one":   func(o *creditledger.Options) { o.CacheBlocks = 1 },
	} {
		w := newWorld(t, set).given(grant("A", "10"), spend("15"), grant("B", "1"))
		if got := w.total(); got != "-4" {
			t.Errorf("%s: the total is %s", name, got)
		}
		w.reopen()
		if len(w.entries(creditledger.EntriesQuery{})) != 3 {
			t.Errorf("%s: %s", name, w.ledger())
		}
		w.verified()
	}
	for field, s := range map[string]creditledger.Settings{
		"repay": {Repay: 9}, "overdraft": {Overdraft: 255}, "grace_period": {GracePeriod: math.MinInt64}, "settlement": {Settlement: math.MaxInt64}, "max_hold": {MaxHold: 1},
	} {
		w := newWorld(t, func(o *creditledger.Options) { o.Settings = s })
		before := digestOf(t, w)
		for name, call := range map[string]func() error{
			"Do":             func() error { _, err := w.Do(ctx, cus1, grant("A", "1"), ""); return err },
			"Preview":        func() error { _, err := w.Preview(ctx, cus1, grant("A", "1"), ""); return err },
			"Settings":       func() error { _, err := w.Settings(ctx); return err },
			"ChangeSettings": func() error { _, err := w.ChangeSettings(ctx, func(*creditledger.Settings) {}); return err },
		} {
			if err, refused := call(), new(creditledger.InvalidError); !errors.As(err, &refused) || refused.Field != field || digestOf(t, w) != before {
				t.Errorf("settings with a wrong %s: %s: %v", field, name, err)
			}
		}
	}
	for _, year := range []int{-1, 0, 10000, 1 << 40} {
		w := newWorld(t)
		before := digestOf(t, w)
		w.mu.Lock()
		w.now = time.Date(year, 12, 31, 23, 59, 59, 0, time.UTC)
		w.mu.Unlock()
		for name, call := range accountMethods {
			if slices.Contains([]string{"Journal", "Import", "ImportAnew", "NoteLoss", "Checkpoint", "Verify"}, name) {
				continue // these do not look at the clock
			}
			if err := call(w.Ledger, cus1); err == nil {
				t.Errorf("%s in the year %d was done", name, year)
			}
		}
		if digestOf(t, w) != before {
			t.Errorf("something was written in the year %d", year)
		}
	}
	w := newWorld(t, func(o *creditledger.Options) { o.Random = strings.NewReader("too short") })
	before := digestOf(t, w)
	if _, err := w.Do(ctx, cus1, grant("", "1"), ""); err == nil || digestOf(t, w) != before {
		t.Errorf("without randomness: %v", err)
	}
}
