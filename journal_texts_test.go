package creditledger

import (
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// texted is a record of a batch: the first operation and the third say something.
func texted(t *testing.T) *OpRecord {
	t.Helper()
	rec := &OpRecord{Account: AccountID{"ann", "credits"}, Seq: 4, Op: Batch{
		Decrement{Amount: AmountOf(5), Description: "for Ann"},
		Activation{BlockID: "b"},
		Void{BlockID: "b", Amount: AmountOf(1), Metadata: map[string]string{"b": "2", "a": "1"}},
	}}
	rec.sealTexts(&Salt{1})
	return rec
}

// bare is a record as it is read: its texts lie beside it.
func bare(rec *OpRecord) *OpRecord {
	b := *rec
	b.Op = slices.Clone(rec.Op.(Batch))
	b.Texts = slices.Clone(rec.Texts)
	for i := range b.Texts {
		b.setText(i, "", nil)
		b.Texts[i].Salt = Salt{}
	}
	return &b
}

// Rule: docs/format.md, "Texts": what is sealed is a digest with a salt of its own for
// each operation, and depends on all that is said.
func TestTextDigests(t *testing.T) {
	rec := texted(t)
	if rec.Texts[1] != (SealedText{}) {
		t.Errorf("an operation that says nothing seals %+v", rec.Texts[1])
	}
	if rec.Texts[0].Salt == rec.Texts[2].Salt {
		t.Error("two operations have one salt")
	}
	seen := map[Seal]string{}
	salt := Salt{1}
	for name, c := range map[string]struct {
		salt        Salt
		description string
		metadata    map[string]string
	}{
		"one": {salt, "ab", nil}, "another salt": {Salt{2}, "ab", nil}, "another description": {salt, "ac", nil},
		"metadata": {salt, "", map[string]string{"a": "b"}}, "both": {salt, "ab", map[string]string{"a": "b"}},
		"another value": {salt, "ab", map[string]string{"a": "c"}}, "another key": {salt, "ab", map[string]string{"c": "b"}},
		"moved": {salt, "a", map[string]string{"ab": ""}},
	} {
		digest := digestOf(&c.salt, c.description, c.metadata)
		if other, ok := seen[digest]; ok {
			t.Errorf("%s and %s have one digest", name, other)
		}
		seen[digest] = name
	}
	if quiet := (&OpRecord{Op: Batch{Activation{BlockID: "b"}}}); true {
		if quiet.sealTexts(&salt); quiet.Texts != nil || appendTexts(nil, quiet) != nil {
			t.Errorf("a record that says nothing seals %v", quiet.Texts)
		}
	}
}

// Rule: docs/format.md, "Texts": what lies beside a record is read into it; what is not
// there is erased.
func TestTextsReadBack(t *testing.T) {
	rec := texted(t)
	data := appendTexts(nil, rec)
	back := bare(rec)
	if err := back.ReadTexts(data); err != nil || !reflect.DeepEqual(back, rec) {
		t.Fatalf("%+v\nreads back as\n%+v\n%v", rec, back, err)
	}
	gone := bare(rec)
	if err := gone.ReadTexts(nil); err != nil || !gone.erased(0) || gone.erased(1) || !gone.erased(2) || appendTexts(nil, gone) != nil {
		t.Errorf("without texts: %+v, %v", gone, err)
	}
	back.Texts[0].Erased = true
	back.setText(0, "", nil)
	half := bare(rec)
	if err := half.ReadTexts(appendTexts(nil, back)); err != nil || !reflect.DeepEqual(half.Op.(Batch)[2], rec.Op.(Batch)[2]) || !half.erased(0) || half.erased(2) {
		t.Errorf("with one of two texts: %+v, %v", half, err)
	}
	if description, _ := textOf(half.Op.(Batch)[0]); description != "" {
		t.Errorf("an erased operation says %q", description)
	}
	for _, r := range []*OpRecord{gone, half} { // seals are as before
		if string(AppendRecord(nil, r)) != string(AppendRecord(nil, rec)) {
			t.Error("the record changed with its texts")
		}
	}
}

// Rule: docs/format.md, "Texts": a text that is not the one sealed is found, and no bytes
// but one form are texts.
func TestTextsRefused(t *testing.T) {
	rec := texted(t)
	data := appendTexts(nil, rec)
	for i := range data {
		for _, damaged := range [][]byte{data[:i], slices.Concat(data[:i], []byte{data[i] ^ 1}, data[i+1:]), slices.Concat(data[:i], []byte{0}, data[i:])} {
			if len(damaged) == 0 {
				continue
			}
			err := bare(rec).ReadTexts(damaged)
			if !errors.Is(err, ErrCorrupt) {
				t.Fatalf("%x: %v", damaged, err)
			}
		}
	}
	forge := func(change func(*OpRecord)) []byte {
		other := texted(t)
		change(other)
		return appendTexts(nil, other)
	}
	for rule, forged := range map[string][]byte{
		"another description":              forge(func(r *OpRecord) { r.setText(0, "for Bob", nil) }),
		"metadata that was added":          forge(func(r *OpRecord) { r.setText(0, "for Ann", map[string]string{"a": "b"}) }),
		"a text for one that says nothing": forge(func(r *OpRecord) { r.setText(1, "ghost", nil); r.Texts[1].Digest = Seal{1} }),
		"another salt":                     forge(func(r *OpRecord) { r.Texts[0].Salt[3]++ }),
		"the texts of another record":      forge(func(r *OpRecord) { r.sealTexts(&Salt{2}) }),
		"texts of more operations than it has": forge(func(r *OpRecord) {
			r.Op = append(r.Op.(Batch), Activation{BlockID: "c", Description: "d"})
			r.sealTexts(&Salt{1})
		}),
	} {
		if err := bare(rec).ReadTexts(forged); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v", rule, err)
		}
	}
	if err := bare(&OpRecord{Op: Batch{Activation{BlockID: "b"}}}).ReadTexts(data); !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), "texts") {
		t.Errorf("texts beside a record that seals none: %v", err)
	}
}

// Every operation that can say something has it sealed.
func TestEveryTextIsSealed(t *testing.T) {
	for _, op := range filledOperations(t) {
		description, metadata := textOf(op)
		if description == "" || len(metadata) == 0 || !hasText(op) || !hasText(Batch{op}) {
			t.Errorf("%s says %q, %v", op.Name(), description, metadata)
		}
		if hasText(withText(op, "", nil)) {
			t.Errorf("%s says something that cannot be taken from it", op.Name())
		}
		description, got := textOf(withText(op, "other", map[string]string{"k": "v"}))
		if description != "other" || !maps.Equal(got, map[string]string{"k": "v"}) {
			t.Errorf("%s does not take another text: %q, %v", op.Name(), description, got)
		}
	}
}

// Rule: docs/format.md, "Fields".
func TestFields(t *testing.T) {
	for _, c := range []struct{ rule, data string }{
		{"an unknown tag", "\x01\x07"},
		{"a tag twice", "\x02\x01" + strings.Repeat("d", 32) + "\x01" + strings.Repeat("d", 32)},
		{"a tag 0", "\x01\x00"},
		{"more fields than follow", "\x02\x01" + strings.Repeat("d", 32)},
		{"a list that is too long", "\x80\x01"},
		{"no list", ""},
		{"an empty digest", "\x01\x01" + strings.Repeat("\x00", 32)},
	} {
		r := reader{data: []byte("\x06\x01A" + c.data)}
		codec := operationCodec{format: recordFormat3}
		codec.read(&r)
		if err := r.finish("operation"); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v", c.rule, err)
		}
	}
}
