package creditledger

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"creditledger/internal/uuid7"
)

func encodeRecord(r OpRecord) []byte { return AppendRecord(nil, &r) }

func decodeRecord(data []byte) (OpRecord, error) {
	rec, err := DecodeRecord(data)
	if err != nil {
		return OpRecord{}, err
	}
	return *rec, nil
}

func TestRecordCodec(t *testing.T) {
	for _, s := range sampleRecords(t) {
		t.Run(s.name, func(t *testing.T) {
			data := AppendRecord(nil, s.rec)
			back, err := DecodeRecord(data)
			if err == nil {
				err = back.ReadTexts(appendTexts(nil, s.rec))
			}
			if err != nil || !reflect.DeepEqual(back, s.rec) {
				t.Fatalf("%+v\nreads back as\n%+v\n%v", s.rec, back, err)
			}
			checkRefused(t, data, decodeRecord, encodeRecord)
			if string(AppendRecord([]byte("before"), s.rec)) != "before"+string(data) {
				t.Error("the bytes depend on what stands before them")
			}
		})
	}
}

// TestRecordFields: each field of a record, of its effects and of its lines is in the
// bytes, and so under the seal.
func TestRecordFields(t *testing.T) {
	for _, s := range sampleRecords(t) {
		data := AppendRecord(nil, s.rec)
		r := reflect.ValueOf(s.rec).Elem()
		for i := range r.NumField() {
			name := r.Type().Field(i).Name
			if name == "Op" || name == "Effects" || r.Field(i).IsZero() || !r.Type().Field(i).IsExported() {
				continue
			}
			was := reflect.New(r.Field(i).Type()).Elem()
			was.Set(r.Field(i))
			r.Field(i).SetZero()
			if string(AppendRecord(nil, s.rec)) == string(data) {
				t.Errorf("%s: %s is not in the bytes", s.name, name)
			}
			r.Field(i).Set(was)
		}
		for e := range s.rec.Effects {
			for j := range s.rec.Effects[e].Lines {
				checkLineFields(t, s, &s.rec.Effects[e].Lines[j], data)
			}
		}
	}
}

func checkLineFields(t *testing.T, s namedRecord, l *Line, data []byte) {
	t.Helper()
	v := reflect.ValueOf(l).Elem()
	for i := range v.NumField() {
		name := v.Type().Field(i).Name
		if v.Field(i).IsZero() || (name == "NewExpiry" && l.Type == EntryVoidInitiated) { // which is the instant
			continue
		}
		was := *l
		if name == "Ending" {
			if l.Starting.Cmp(l.Ending) == 0 {
				continue // whether it counts is tested from the other side
			}
			l.Ending = l.Starting
		} else if a, ok := v.Field(i).Interface().(Amount); ok && a.IsZero() {
			continue
		} else {
			v.Field(i).SetZero()
		}
		if string(AppendRecord(nil, s.rec)) == string(data) {
			t.Errorf("%s: %s of the %s line is not in the bytes", s.name, name, was.Type)
		}
		*l = was
	}
}

// TestOperationCodec: every operation with every field set reads back the same, and
// each field is in the bytes.
func TestOperationCodec(t *testing.T) {
	encode := func(op Operation) []byte { return new(operationCodec).append(nil, op) }
	decode := func(data []byte) (Operation, error) {
		r := reader{data: data}
		op := new(operationCodec).read(&r)
		return op, r.finish("operation")
	}
	for _, op := range filledOperations(t) {
		data := encode(op)
		back, err := decode(data)
		if err != nil || !reflect.DeepEqual(back, op) {
			t.Errorf("%+v\nreads back as\n%+v\n%v", op, back, err)
		}
		checkRefused(t, data, decode, encode)
		v := reflect.New(reflect.TypeOf(op)).Elem()
		for i := range v.NumField() {
			v.Set(reflect.ValueOf(op))
			name := v.Type().Field(i).Name
			if v.Field(i).IsZero() || !v.Type().Field(i).IsExported() { // Overdraft and Limit exclude each other
				continue
			}
			if name == "Overdraft" && v.Field(i).Uint() == uint64(OverdraftAllow) { // what the default of a decrement is written as
				continue
			}
			v.Field(i).SetZero()
			if name == "Overdraft" {
				v.Field(i).SetUint(uint64(OverdraftAllow))
			}
			if name == "Repay" {
				v.Field(i).SetUint(uint64(RepayFirst)) // the default is resolved before
			}
			changed := v.Interface().(Operation)
			less := encode(changed)
			if string(less) == string(data) {
				t.Errorf("%s: %s is not in the bytes", op.Name(), name)
			}
			if back, err := decode(less); err != nil || !reflect.DeepEqual(back, changed) {
				t.Errorf("%s without %s reads back as %+v, %v", op.Name(), name, back, err)
			}
		}
	}
}

func TestOperationCodes(t *testing.T) {
	for _, c := range []struct {
		rule string
		data string
	}{
		{"an unknown operation", "\x08"},
		{"an empty batch", "\x07\x00"},
		{"a batch in a batch", "\x07\x01\x07\x01\x00"},
		{"an expiry in a batch", "\x07\x01\x00"},
		{"a batch longer than what follows", "\x07\x02\x06\x01A\x00\x00"},
		{"unknown flags of an increment", "\x01\x04\x00\x01"},
		{"an increment whose repayment is not resolved", "\x01\x00\x00\x00"},
		{"an unknown source", "\x01\x00\x04\x01"},
		{"an unknown overdraft policy", "\x02\x03"},
		{"unknown flags of a decrement", "\x02\x40"},
	} {
		r := reader{data: []byte(c.data)}
		new(operationCodec).read(&r)
		if err := r.finish("operation"); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v", c.rule, err)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("an operation without a code was encoded")
		}
	}()
	new(operationCodec).append(nil, nil)
}

// TestRecordRoundTripProperty: what a ledger writes reads back the same.
func TestRecordRoundTripProperty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := newBook(rt)
		for range rapid.IntRange(1, 10).Draw(rt, "steps") {
			b.clock(drawDay(rt))
			op := drawOperation(rt, len(b.made))
			if op.check() != nil {
				continue
			}
			b.a.moveTo(max(b.now, b.a.head.LastAt))
			d := b.decision(op)
			if d.decide() != nil {
				continue
			}
			for _, c := range d.changes {
				b.made = append(b.made, c.created...)
			}
			for _, stored := range d.records {
				rec, err := DecodeRecord(stored.bytes)
				if err != nil || rec.Seq != stored.seq || string(AppendRecord(nil, rec)) != string(stored.bytes) {
					rt.Fatalf("%x reads back as %+v, %v", stored.bytes, rec, err)
				}
			}
		}
	})
}

// TestRecordGarbageProperty: no bytes make the decoder panic, ask for much memory, or
// read two forms as one.
func TestRecordGarbageProperty(t *testing.T) {
	var forms [][]byte
	for _, s := range sampleRecords(t) {
		forms = append(forms, AppendRecord(nil, s.rec))
	}
	rapid.Check(t, func(rt *rapid.T) {
		data := append([]byte(nil), rapid.SampledFrom(forms).Draw(rt, "form")...)
		for range rapid.IntRange(1, 4).Draw(rt, "changes") {
			i := rapid.IntRange(0, len(data)-1).Draw(rt, "at")
			data[i] = rapid.Byte().Draw(rt, "byte")
			if rapid.IntRange(0, 9).Draw(rt, "insert") == 0 {
				data = append(data[:i:i], append([]byte{rapid.Byte().Draw(rt, "inserted")}, data[i:]...)...)
			}
		}
		rec, err := DecodeRecord(data)
		if err == nil && string(AppendRecord(nil, rec)) != string(data) {
			rt.Fatalf("%x reads as the same as %x", data, AppendRecord(nil, rec))
		}
		if err != nil && !errors.Is(err, ErrCorrupt) {
			rt.Fatalf("%x: %v", data, err)
		}
	})
}

// TestGoldenRecords: a record is written in the first format that has room for it, and
// every format stays as it is.
func TestGoldenRecords(t *testing.T) {
	forms := map[string][]byte{}
	names := map[byte][]string{}
	for _, s := range sampleRecords(t) {
		data := AppendRecord(nil, s.rec)
		if data[0] != s.format() {
			t.Errorf("%s is written in format %d", s.name, data[0])
		}
		names[data[0]] = append(names[data[0]], s.name, s.name+", sealed")
		seal := SealOf(data)
		forms[s.name], forms[s.name+", sealed"] = data, seal[:]
		if texts := appendTexts(nil, s.rec); texts != nil {
			names[data[0]] = append(names[data[0]], s.name+", texts")
			forms[s.name+", texts"] = texts
		}
	}
	checkGolden(t, "record-v1.hex", names[recordFormat1], forms)
	checkGolden(t, "record-v2.hex", names[recordFormat2], forms)
	checkGolden(t, "record-v3.hex", names[recordFormat3], forms)
}

// TestRecordFormats: an operation that belongs in one format is refused in another, so
// that a record has one form.
func TestRecordFormats(t *testing.T) {
	for _, s := range sampleRecords(t) {
		data := AppendRecord(nil, s.rec)
		for format := range byte(recordFormat3 + 2) {
			if data[0] = format; format == s.format() {
				continue
			}
			if _, err := DecodeRecord(data); !errors.Is(err, ErrCorrupt) {
				t.Errorf("%s in format %d: %v", s.name, format, err)
			}
			if known := format >= recordFormat1 && format <= recordFormat3; RecordFits(data, s.rec.Account, s.rec.Seq) != known {
				t.Errorf("%s looks like a record in format %d: %t", s.name, format, !known)
			}
		}
	}
	plain := sampleRecords(t)[0].rec
	plain.Op, plain.Forgets = Amendment{BlockID: "b", Amount: AmountOf(1)}, false
	codec := operationCodec{format: recordFormat3}
	data := AppendRecord(nil, plain)
	at := bytes.LastIndex(data, new(operationCodec).append(nil, plain.Op))
	forged := append([]byte{recordFormat3}, data[1:at]...)
	forged = append(append(forged, 0), codec.append(nil, plain.Op)...)
	forged = append(forged, 0, 0)
	if _, err := DecodeRecord(forged); !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), "does not belong in format 3") {
		t.Errorf("a record that needs nothing of format 3, in format 3: %v", err)
	}
}

func TestSeal(t *testing.T) {
	// SHA-256 of "abc", from FIPS 180-2.
	if got := SealOf([]byte("abc")).String(); got != "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" {
		t.Errorf("the seal of abc is %s", got)
	}
}

// TestEntryIDs: the ids of a record's entries are UUIDs of version 7, the first is the
// record's own, and no two are the same.
func TestEntryIDs(t *testing.T) {
	record := uuid7.New(when("2026-03-01").Time().UnixMilli(), [10]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10})
	if numberedID(record, 0) != record.String() {
		t.Errorf("the first is %s, the record %s", numberedID(record, 0), record)
	}
	seen := map[string]bool{}
	for n := range 100_000 {
		id := numberedID(record, n)
		if seen[id] {
			t.Fatalf("entry %d has the id of another", n)
		}
		seen[id] = true
		if u, err := uuid.Parse(id); n%1000 == 0 && (err != nil || u.Version() != 7 || u.Variant() != uuid.RFC4122) {
			t.Errorf("entry %d has %s, %v", n, id, err)
		}
	}
}

func TestRecordCounts(t *testing.T) {
	for _, s := range sampleRecords(t) {
		lines := 0
		for _, e := range s.rec.Effects {
			lines += len(e.Lines)
		}
		if s.rec.Entries() != uint64(lines) {
			t.Errorf("%s: %d entries, want %d", s.name, s.rec.Entries(), lines)
		}
		if key := s.rec.ownKey(); key != Key(fmt.Sprintf("auto-%s-%d", s.rec.ID, s.rec.Seq)) {
			t.Errorf("%s: its key is %s", s.name, key)
		}
	}
}

// TestGeneratedKeyText: a key that the ledger makes says which record it stands for, and
// nothing else does.
func TestGeneratedKeyText(t *testing.T) {
	id := uuid7.New(when("2022-02-22T19:22:22Z").Time().UnixMilli(), [10]byte{1})
	for _, seq := range []uint64{1, 9, 1 << 40, math.MaxUint64} {
		key := generatedKey(seq, id)
		if n, back, ok := key.generated(); !ok || n != seq || back != id || key.isCallers() || checkOptionalID("k", string(key)) != nil {
			t.Errorf("key %s gives %d, %s, %t", key, n, back, ok)
		}
	}
	const some = "auto-017f22e2-79b0-7fff-bfff-ffffffffffff"
	for _, key := range []Key{
		"", "auto-", "x", some, some + "-", some + "-0", some + "-01", some + "-+1", some + "--1", some + "-1 ", some + "_1", some + "-18446744073709551616", some + "-1e3",
		"auto-017f22e2-79b0-7fff-bfff-fffffffffff-1", "auto-017f22e2-79b0-4fff-bfff-ffffffffffff-1", "Auto-017f22e2-79b0-7fff-bfff-ffffffffffff-1",
		"auto-017F22E2-79B0-7FFF-BFFF-FFFFFFFFFFFF-1", "auto-{17f22e2-79b0-7fff-bfff-ffffffffffff}-1", "auto-017f22e279b07fffbfffffffffffffff-1", "017f22e2-79b0-7fff-bfff-ffffffffffff-1", "auto-zzzzzzzz-79b0-7fff-bfff-ffffffffffff-1",
	} {
		if _, _, ok := key.generated(); ok || !key.isCallers() {
			t.Errorf("%q was made by the ledger", key)
		}
	}
}
