package creditledger_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"creditledger"
)

// olderJournal is the account's journal as a release wrote it that put texts under seals.
func (w *world) olderJournal() (records []creditledger.JournalRecord, end creditledger.Checkpoint) {
	w.t.Helper()
	records, err := w.Journal(ctx, cus1, 1, 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	end.Account = cus1
	for i := range records {
		rec, err := creditledger.DecodeRecord(records[i].Bytes)
		if err == nil {
			err = rec.ReadTexts(records[i].Texts)
		}
		if err != nil {
			w.t.Fatal(err)
		}
		rec.Texts, rec.Prev = nil, end.Seal
		records[i].Bytes, records[i].Texts = creditledger.AppendRecord(nil, rec), nil
		end.Version, end.Seal = rec.Seq, creditledger.SealOf(records[i].Bytes)
		if records[i].Bytes[0] > 2 {
			w.t.Fatalf("record %d is of format %d", rec.Seq, records[i].Bytes[0])
		}
	}
	return records, end
}

// Rule: docs/semantics.md, "Erasure": records of older formats are read and proved, and
// their texts stay; those of blocks can be erased.
func TestErasureOfOlderRecords(t *testing.T) {
	old, end := talkative(t).olderJournal()
	w := newWorld(t)
	if err := w.Import(ctx, cus1, old); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Erase(ctx, "cus_1", creditledger.Erasure{Entry: 3}); !errors.Is(err, creditledger.ErrConstraint) {
		t.Errorf("of one entry: %v", err)
	}
	done, err := w.Erase(ctx, "cus_1", creditledger.Erasure{})
	if want := (creditledger.Erased{Accounts: 1, Blocks: 3, Kept: 3}); err != nil || done != want {
		t.Errorf("%+v, %v, want %+v", done, err, want)
	}
	if found := w.holds(secret); !slices.Equal(found, []string{"record 1", "record 3", "record 4"}) {
		t.Errorf("the secret is in %v", found)
	}
	if v, err := w.VerifyAll(ctx, &creditledger.VerifyOptions{Since: []creditledger.Checkpoint{end}}); err != nil || v.Violation != nil || v.Erased != 0 {
		t.Errorf("%+v, %v", v, err)
	}
}

// Rule: docs/format.md, "Texts": a copy writes what holds a text under its seal in format
// 3, and what follows on it, and keeps the old seals as evidence.
func TestImportAnew(t *testing.T) {
	from := talkative(t)
	old, end := from.olderJournal()
	plain := []creditledger.JournalRecord{}
	for _, pieces := range [][]int{{len(old)}, {1, len(old)}, {2, 3, len(old)}} {
		w := newWorld(t)
		start := 0
		for _, n := range pieces {
			if err := w.ImportAnew(ctx, cus1, old[start:n]); err != nil {
				t.Fatalf("%v: %v", pieces, err)
			}
			start = n
		}
		since := &creditledger.VerifyOptions{Since: []creditledger.Checkpoint{end}}
		if v, err := w.VerifyAll(ctx, since); err != nil || v.Violation != nil {
			t.Errorf("%v: %+v, %v", pieces, v.Violation, err)
		}
		all := creditledger.EntriesQuery{Ascending: true}
		if got, want := fmt.Sprint(w.entries(all)), fmt.Sprint(from.entries(all)); got != want {
			t.Errorf("%v: entries\n%s\nwant\n%s", pieces, got, want)
		}
		res := w.must(creditledger.Decrement{Amount: amount("5"), Description: secret}, "spend")
		if !res.Replayed {
			t.Error("a key of then is not known")
		}
		again := newWorld(t)
		copied, err := w.Journal(ctx, cus1, 1, 1000)
		if err == nil {
			err = errors.Join(again.ImportAnew(ctx, cus1, copied[:3]), again.ImportAnew(ctx, cus1, copied[3:]))
		}
		if err != nil {
			t.Fatalf("a copy of a copy: %v", err)
		}
		if digestOf(t, again) != digestOf(t, w) {
			t.Error("a copy of a copy is another")
		}
		if plain = copied; copied[len(copied)-1].Bytes[0] != 3 {
			t.Errorf("the last record is of format %d", copied[len(copied)-1].Bytes[0])
		}
		if _, err := w.Erase(ctx, "cus_1", creditledger.Erasure{}); err != nil {
			t.Fatal(err)
		}
		if found := w.holds(secret); found != nil {
			t.Errorf("%v: the secret is in %v", pieces, found)
		}
		if v, err := w.VerifyAll(ctx, since); err != nil || v.Violation != nil || v.Erased != 3 {
			t.Errorf("%v, erased: %+v, %v", pieces, v, err)
		}
	}
	for rule, change := range map[string]func(rec *creditledger.OpRecord){
		"another seal":       func(rec *creditledger.OpRecord) { rec.Was[3]++ },
		"no seal any more":   func(rec *creditledger.OpRecord) { rec.Was = creditledger.Seal{} },
		"what it never said": func(rec *creditledger.OpRecord) { rec.Key += "x" },
	} {
		w := newWorld(t)
		forged := slices.Clone(plain)
		prev := creditledger.Seal{}
		for i := range forged {
			rec, err := creditledger.DecodeRecord(forged[i].Bytes)
			if err != nil {
				t.Fatal(err)
			}
			if i == 2 {
				change(rec)
			}
			rec.Prev = prev
			forged[i].Bytes = creditledger.AppendRecord(nil, rec)
			prev = creditledger.SealOf(forged[i].Bytes)
		}
		if err := w.Import(ctx, cus1, forged); err != nil {
			t.Fatalf("%s: %v", rule, err)
		}
		if v, err := w.Verify(ctx, cus1, nil); err != nil || v.Violation == nil || v.Violation.Record < 3 || v.Violation.Record > 4 {
			t.Errorf("%s: %+v, %v", rule, v.Violation, err)
		}
	}
	if err := newWorld(t).ImportAnew(ctx, cus1, old[1:]); err == nil {
		t.Error("a journal without its beginning was taken")
	}
}
