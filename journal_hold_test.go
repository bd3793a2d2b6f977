package creditledger

import (
	"fmt"
	"reflect"
	"testing"
	"time"
)

// holdOperations are operations on holds with every field set, and with none that may be
// left out.
func holdOperations(t *testing.T) []Operation {
	held, more, captured := filled[Hold](t), filled[ExtendHold](t), filled[Capture](t)
	held.OverdraftLimit, more.OverdraftLimit, captured.OverdraftLimit = OverdraftLimit{}, OverdraftLimit{}, OverdraftLimit{}
	bounded := filled[Hold](t)
	bounded.Overdraft = OverdraftAllow
	short := held
	short.Until, short.lasts = 0, time.Minute
	return []Operation{
		held, bounded, short, more, captured, filled[Release](t),
		Hold{HoldID: "h", Amount: AmountOf(1), Overdraft: OverdraftReject}, ExtendHold{HoldID: "h", Overdraft: OverdraftReject},
		Capture{HoldID: "h", Overdraft: OverdraftStopAtZero}, Release{HoldID: "h"},
	}
}

// TestHoldOperationCodec: operations on holds are read as they were written, and nothing
// else is read.
func TestHoldOperationCodec(t *testing.T) {
	encode := func(op Operation) []byte { return (&operationCodec{format: recordFormat3}).append(nil, op) }
	decode := func(data []byte) (Operation, error) {
		r := reader{data: data}
		op := (&operationCodec{format: recordFormat3}).read(&r)
		return op, r.finish("operation")
	}
	for _, op := range holdOperations(t) {
		quiet := withText(op, "", nil) // texts stand beside the record
		data := encode(quiet)
		if back, err := decode(data); err != nil || !reflect.DeepEqual(back, quiet) {
			t.Errorf("%+v\nreads back as\n%+v\n%v", quiet, back, err)
		}
		checkRefused(t, data, decode, encode)
	}
}

func TestHoldRecordCodec(t *testing.T) {
	left := &effectOnHold{storedHold: storedHold{
		state: HoldCaptured, createdAt: 7, until: 9, amount: AmountOf(50), captured: MustAmount("37.5"), unbacked: AmountOf(2),
		slices: []storedSlice{{3, AmountOf(4)}, {300, MustAmount("0.5")}}, itemID: "i", priceID: "p", last: 300,
	}, late: true}
	rec := sampleRecords(t)[0].rec
	rec.Forgets = false
	rec.Op, rec.lapses = Batch{Release{HoldID: "h"}, spend("1"), Capture{HoldID: "i", Amount: AmountOf(1), Overdraft: OverdraftReject}}, []lapsedSince{{"é", 1}, {"k", 300}}
	rec.Effects = []Effect{{hold: &effectOnHold{storedHold: storedHold{createdAt: 7, until: 9}}}, {}, {hold: left}}
	checkRefused(t, encodeRecord(*rec), decodeRecord, encodeRecord)
	if back, err := decodeRecord(encodeRecord(*rec)); err != nil || !reflect.DeepEqual(back.Effects, rec.Effects) || !reflect.DeepEqual(back.lapses, rec.lapses) {
		t.Errorf("%+v\nreads back as\n%+v\n%v", rec, back, err)
	}
	encodeRow := func(h storedHold) []byte { return appendHoldRow(nil, &h) }
	checkRefused(t, encodeRow(left.storedHold), decodeHoldRow, encodeRow)
	if back, err := decodeHoldRow(encodeRow(left.storedHold)); err != nil || !reflect.DeepEqual(back, left.storedHold) {
		t.Errorf("a row reads back as %+v, %v", back, err)
	}
	if got := fmt.Sprintf("%x", encodeRow(left.storedHold)); got != goldenHold {
		t.Errorf("the stored form has changed; it is a new format version or a mistake: %s", got)
	}
}

// goldenHold is the row of a hold in format 1.
const goldenHold = "01010709400132410201774001020203400104ac0241010501690170ac02"
