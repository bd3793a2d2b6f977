package creditledger

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestAnswersInJSON: what the ledger returns is read back from its JSON as it was, with
// any of its fields, and writes the same again.
func TestAnswersInJSON(t *testing.T) {
	roundTrips[Entry](t, func(t *rapid.T, e *Entry) { onlyOfItsType(e) })
	roundTrips[Block](t, func(_ *rapid.T, b *Block) {
		if b.Overdraft {
			b.Initial, b.Capacity = Amount{}, Amount{}
		}
	})
	roundTrips[Balance](t, nil)
	roundTrips[Result](t, func(t *rapid.T, r *Result) {
		for i := range r.Entries {
			onlyOfItsType(&r.Entries[i])
		}
		if r.Reversed.IsZero() {
			r.Lapsed, r.Lost = Amount{}, Amount{}
		}
		if !rapid.Bool().Draw(t, "batch") {
			return
		}
		part := *r
		part.Key, part.Replayed = "", false
		r.Results, r.Entries = []Result{part, part}, append(append([]Entry(nil), part.Entries...), part.Entries...)
	})
	roundTrips[Explanation](t, func(_ *rapid.T, e *Explanation) {
		e.Blocks = append([]ExplainedBlock{}, e.Blocks...) // none is [], not nil
		for i := range e.Blocks {
			e.Blocks[i].Block = Block{ID: e.Blocks[i].Block.ID} // the rest is not told
		}
	})
	roundTrips[EntryPage](t, func(_ *rapid.T, p *EntryPage) {
		p.Entries = append([]Entry{}, p.Entries...)
		for i := range p.Entries {
			onlyOfItsType(&p.Entries[i])
		}
	})
	roundTrips[BlockPage](t, func(_ *rapid.T, p *BlockPage) {
		p.Blocks = append([]Block{}, p.Blocks...)
		for i := range p.Blocks {
			p.Blocks[i].Overdraft = false
		}
	})
	roundTrips[Customer](t, nil)
	roundTrips[Settings](t, nil)
	roundTrips[SweepResult](t, nil)
	roundTrips[Erased](t, nil)
	roundTrips[Verification](t, nil)
}

// onlyOfItsType clears what entries of other types have.
func onlyOfItsType(e *Entry) {
	if e.Type != EntryIncrement {
		e.GrantedCostBasis = CostBasis{}
	}
	if e.Type != EntryDecrement {
		e.ItemID, e.PriceID, e.InvoiceID, e.HoldID = "", "", "", ""
	}
	if e.Type != EntryExpirationChange && e.Type != EntryVoidInitiated {
		e.NewBlockExpiry = 0
	}
	if e.Type != EntryExpirationChange {
		e.NewBlockID = ""
	}
	if e.Type != EntryVoidInitiated && e.Type != EntryVoid {
		e.VoidAmount, e.VoidReason = Amount{}, ""
	}
}

func roundTrips[T any](t *testing.T, mend func(*rapid.T, *T)) {
	t.Run(strings.TrimPrefix(fmt.Sprintf("%T", *new(T)), "creditledger."), rapid.MakeCheck(func(t *rapid.T) {
		var v, read T
		fill(t, reflect.ValueOf(&v).Elem())
		if mend != nil {
			mend(t, &v)
		}
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatalf("%+v: %v", v, err)
		}
		if err := json.Unmarshal(data, &read); err != nil || !reflect.DeepEqual(read, v) {
			t.Fatalf("%s\nwas %+v\nand is read as %+v, %v", data, v, read, err)
		}
		if again, err := json.Marshal(read); err != nil || string(again) != string(data) {
			t.Fatalf("%s\nis written again as\n%s, %v", data, again, err)
		}
	}))
}

// fill draws every field, so that a new one is tried without a word.
func fill(t *rapid.T, v reflect.Value) {
	draw := func(values ...any) {
		v.Set(reflect.ValueOf(values[rapid.IntRange(0, len(values)-1).Draw(t, v.Type().Name())]).Convert(v.Type()))
	}
	switch v.Interface().(type) {
	case Amount:
		draw(Amount{}, MustAmount("12.5"), MustAmount("-99999999999999999999.999999999999999999"))
		return
	case CostBasis:
		draw(CostBasis{}, MustCostBasis("0"), MustCostBasis("0.20"))
		return
	case Instant:
		draw(Instant(0), Instant(1), lastInstant)
		return
	case EntryType:
		v.SetUint(uint64(rapid.IntRange(0, len(entryTypeNames)-1).Draw(t, "type")))
		return
	case time.Duration:
		draw(time.Duration(0), time.Microsecond, 90*time.Minute, 60*24*time.Hour, MaxWindow)
		return
	case Repay:
		v.SetUint(uint64(rapid.IntRange(0, 2).Draw(t, "repay")))
		return
	case LocalTime:
		draw(LocalTime{}, Midnight(20260131), LocalTime{date: 20281231, clock: 86399999999})
		return
	case EntryStatus, FilterOperator, BlockStatus, HoldState, ScheduleState, IntervalUnit:
		v.SetUint(uint64(rapid.IntRange(0, 1).Draw(t, "enum")))
		return
	case Source, FilterField, Overdraft:
		v.SetUint(uint64(rapid.IntRange(0, 3).Draw(t, "enum")))
		return
	case Reason:
		v.SetUint(uint64(rapid.IntRange(0, 7).Draw(t, "reason")))
		return
	case []Result:
		return // the parts of a batch
	case map[string]string:
		draw(map[string]string(nil), map[string]string{"<a>": "1", "b": ""})
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i))
		}
	case reflect.Slice:
		for range rapid.IntRange(0, 2).Draw(t, "length") {
			v.Set(reflect.Append(v, reflect.Zero(v.Type().Elem())))
			fill(t, v.Index(v.Len()-1))
		}
	case reflect.Pointer:
		if rapid.Bool().Draw(t, "given") {
			v.Set(reflect.New(v.Type().Elem()))
			fill(t, v.Elem())
		}
	case reflect.String:
		draw("", "x", "Ünïcode <&> \u2028 \"\\", "null")
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, "flag"))
	case reflect.Int32:
		v.SetInt(int64(rapid.Int32().Draw(t, "number")))
	case reflect.Int, reflect.Int64:
		v.SetInt(rapid.Int64().Draw(t, "number"))
	case reflect.Uint64:
		v.SetUint(rapid.Uint64().Draw(t, "number"))
	default:
		t.Fatalf("a %s cannot be drawn", v.Type())
	}
}

// TestEntriesOfEarlierDocuments: what documents of invoices hold from before entries had
// keys of their own is read as it was.
func TestEntriesOfEarlierDocuments(t *testing.T) {
	type named Entry // without the methods
	for _, kind := range []EntryType{EntryIncrement, EntryDecrement, EntryVoid} {
		want := Entry{
			ID: "i", Account: AccountID{"c", "USD"}, Seq: 7, CreatedAt: 9, Type: kind, Status: EntryPending, Amount: MustAmount("1.5"), Ending: MustAmount("2"),
			Block: EntryBlock{ID: "b", Number: 3, ExpiresAt: 11, CostBasis: MustCostBasis("0.20")}, Metadata: map[string]string{"k": "v"}, IdempotencyKey: "key", ItemID: "item",
		}
		data, err := json.Marshal(named(want))
		if err != nil {
			t.Fatal(err)
		}
		var got Entry
		if err := json.Unmarshal(data, &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s\nis read as %+v, %v", data, got, err)
		}
	}
}

// TestAnswersInJSONRefuseWhatIsNone: an error leaves the value as it was.
func TestAnswersInJSONRefuseWhatIsNone(t *testing.T) {
	for _, text := range []string{`[]`, `"x"`, `{"entry_type":"gift","status":"open","amount":"x","entries":7,"id":1,"ok":false}`} {
		e, b, r, v, c := Entry{ID: "e"}, Block{ID: "b"}, Result{Key: "r"}, Verification{Entries: 1}, Customer{ID: "c"}
		for value, into := range map[string]any{"entry": &e, "block": &b, "result": &r, "verification": &v, "customer": &c} {
			if err := json.Unmarshal([]byte(text), into); err == nil {
				t.Errorf("%s is a %s", text, value)
			}
		}
		if e.ID != "e" || b.ID != "b" || r.Key != "r" || v.Entries != 1 || c.ID != "c" {
			t.Errorf("%s left %v, %v, %v, %v, %v", text, e, b, r, v, c)
		}
	}
}
