package creditledger_test

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"creditledger"
)

// Rule: docs/semantics.md, "Erasure": an import brings no text that is erased, and takes
// away what one before it brought; records and erasure may come together.
func TestImportAfterErase(t *testing.T) {
	w := talkative(t)
	early, err := w.Journal(ctx, cus1, 1, 1000)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Erase(ctx, "cus_1", creditledger.Erasure{Entry: 5}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Erase(ctx, "cus_1", creditledger.Erasure{}); err != nil {
		t.Fatal(err)
	}
	late, err := w.Journal(ctx, cus1, 1, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for name, parts := range map[string][][]creditledger.JournalRecord{
		"erased before":             {late},
		"erased since":              {early, late[len(early):]},
		"one by one":                {early[:3], early[3:], late[len(early) : len(early)+1], late[len(early)+1:]},
		"texts and erasure at once": {slices.Concat(early, late[len(early):])},
	} {
		to := newWorld(t)
		for _, records := range parts {
			if err := to.Import(ctx, cus1, records); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		if found := to.holds(secret); found != nil {
			t.Errorf("%s: the secret is in %v", name, found)
		}
		if v := to.proven(); v.Erased != 3 {
			t.Errorf("%s: %d records are erased", name, v.Erased)
		}
	}
	for cut := len(early) + 1; cut <= len(late); cut++ { // what an import that is refused erased is there again
		to := newWorld(t)
		if err := to.Import(ctx, cus1, early); err != nil {
			t.Fatal(err)
		}
		beyond := slices.Concat(late[len(early):cut], late[:1])
		if err := to.Import(ctx, cus1, beyond); err == nil {
			t.Error("a journal that begins again is imported")
		}
		to.must(spend("1"), "") // decided on what is in memory
		to.proven()
	}
	forged := slices.Clone(early)
	forged[2].Texts = early[0].Texts
	if err := newWorld(t).Import(ctx, cus1, forged); !errors.Is(err, creditledger.ErrCorrupt) {
		t.Errorf("a text that is not the one sealed: %v", err)
	}
}

// Rule: docs/format.md, "Texts": a text that is not the one sealed, one that is gone
// without an erasure, and one that came back are found.
func TestVerifyTexts(t *testing.T) {
	of := func(d *damaged, seq int, say string) []byte {
		rec, err := creditledger.DecodeRecord(d.journal[seq-1].Bytes)
		if err != nil {
			t.Fatal(err)
		}
		return bytes.Replace(d.journal[rec.Seq-1].Texts, []byte(secret), []byte(say), 1)
	}
	for rule, c := range map[string]struct {
		change func(d *damaged)
		record uint64
	}{
		"another text":                 {func(d *damaged) { d.journal[2].Texts = of(d, 3, "Ada Lovelacf") }, 3},
		"a text that is gone":          {func(d *damaged) { d.journal[2].Texts = nil }, 3},
		"the text of another":          {func(d *damaged) { d.journal[2].Texts = d.journal[0].Texts }, 3},
		"a text where nothing is said": {func(d *damaged) { d.journal[4].Texts = d.journal[2].Texts }, 5},
	} {
		d := copyOf(t, talkative(t))
		if v, err := d.verify(nil); err != nil || v.Violation != nil {
			t.Fatalf("%v, %v", v.Violation, err)
		}
		c.change(d)
		v, err := d.verify(nil)
		if (err == nil && v.Violation == nil) || v.Violation != nil && v.Violation.Record != c.record {
			t.Errorf("%s: %+v, %v", rule, v.Violation, err)
		}
	}
	w := talkative(t)
	was := copyOf(t, w)
	if _, err := w.Erase(ctx, "cus_1", creditledger.Erasure{}); err != nil {
		t.Fatal(err)
	}
	d := copyOf(t, w)
	if v, err := d.verify(nil); err != nil || v.Violation != nil || v.Erased != 3 {
		t.Errorf("erased: %+v, %v", v, err)
	}
	d.journal[2].Texts = was.journal[2].Texts
	if v, _ := d.verify(nil); v.Violation == nil || !strings.Contains(v.Violation.Detail, "texts of record 3 were erased, and they are there") {
		t.Errorf("a text that came back: %+v", v.Violation)
	}
	d = copyOf(t, w)
	d.blocks[0].Metadata, d.open[0].Metadata = maps.Clone(was.blocks[0].Metadata), maps.Clone(was.open[0].Metadata)
	if v, _ := d.verify(nil); v.Violation == nil || v.Violation.Block != "A" {
		t.Errorf("metadata of a block that came back: %+v", v.Violation)
	}
}
