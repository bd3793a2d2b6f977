package creditledger

import (
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"creditledger/internal/uuid7"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// filler sets every field of a value to something that is not its zero value and
// that no other field has. A kind of field it does not know stops the test: whoever
// adds one is led here.
type filler struct {
	t rapid.TB
	n int
}

func (f *filler) fill(v reflect.Value) {
	f.n++
	if v.Type() == reflect.TypeFor[Operation]() {
		v.Set(reflect.ValueOf(spend(fmt.Sprint(f.n))))
		return
	}
	switch v.Interface().(type) {
	case Amount:
		v.Set(reflect.ValueOf(MustAmount(fmt.Sprintf("%d.25", f.n))))
		return
	case CostBasis:
		v.Set(reflect.ValueOf(MustCostBasis(fmt.Sprintf("%d.50", f.n))))
		return
	case OverdraftLimit:
		v.Set(reflect.ValueOf(OverdraftLimitOf(MustAmount(fmt.Sprintf("%d.75", f.n)))))
		return
	case When:
		v.Set(reflect.ValueOf(On(DateOf(2026, 1, f.n%28+1)).resolve(mustZone("Asia/Kathmandu"))))
		return
	case Filter:
		v.Set(reflect.ValueOf(Filter{Field: FilterFieldItem, Operator: FilterExcludes, Values: []string{fmt.Sprint(f.n), "é"}}))
		return
	case Repay:
		v.SetUint(uint64(RepayNever))
		return
	case GrantSource:
		v.Set(reflect.ValueOf(GrantsFrom(SourceTopUp)))
		return
	case CalendarTime:
		v.Set(reflect.ValueOf(Local(LocalTime{date: 20260131, clock: int64(f.n)})))
		return
	case Interval:
		v.Set(reflect.ValueOf(Interval{f.n, IntervalWeek}))
		return
	case GrantExpiry:
		v.Set(reflect.ValueOf(ExpiresAfter(Interval{f.n, IntervalDay})))
		return
	case map[string]*string:
		text := fmt.Sprint(f.n)
		v.Set(reflect.ValueOf(map[string]*string{"a": &text, "b": nil}))
		return
	case Overdraft:
		v.SetUint(uint64(OverdraftStopAtZero))
		return
	case EntryType:
		v.SetUint(uint64(EntryIncrement))
		return
	case uuid.UUID:
		v.Set(reflect.ValueOf(uuid7.New(when(start).Time().UnixMilli(), [10]byte{byte(f.n)})))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprintf("é%d", f.n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int32:
		v.SetInt(int64(-f.n))
	case reflect.Int:
		v.SetInt(int64(f.n))
	case reflect.Int64:
		v.SetInt(int64(when(start)) + int64(f.n))
	case reflect.Uint8:
		v.SetUint(1)
	case reflect.Uint64:
		v.SetUint(uint64(f.n) + 300)
	case reflect.Map:
		v.Set(reflect.ValueOf(map[string]string{"b": fmt.Sprint(f.n), "a": "é", "": ""}))
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		f.fill(v.Index(0))
		f.fill(v.Index(1))
	case reflect.Array:
		for i := range v.Len() {
			v.Index(i).SetUint(uint64(f.n))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				f.fill(v.Field(i))
			}
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		f.fill(v.Elem())
	default:
		f.t.Fatalf("no idea how to fill a %s", v.Type())
	}
}

// filled is a T with every field set.
func filled[T any](t rapid.TB) T {
	var v T
	f := filler{t: t}
	f.fill(reflect.ValueOf(&v).Elem())
	checkFilled(t, reflect.ValueOf(v), reflect.TypeOf(v).Name())
	return v
}

func checkFilled(t rapid.TB, v reflect.Value, path string) {
	if v.IsZero() {
		t.Fatalf("%s is not set", path)
	}
	if v.Kind() == reflect.Struct && v.NumField() > 0 && v.Type().Field(0).IsExported() {
		for i := range v.NumField() {
			if !v.Type().Field(i).IsExported() {
				continue
			}
			checkFilled(t, v.Field(i), path+"."+v.Type().Field(i).Name)
		}
	}
}

// checkCodec holds the binary form of a value to three things: it reads back the same,
// each field of it is in the bytes, and nothing else reads back as a value. derived
// are fields that are not written because they follow from others.
func checkCodec[T any](t *testing.T, v T, encode func(T) []byte, decode func([]byte) (T, error), derived ...string) {
	t.Helper()
	data := encode(v)
	back, err := decode(data)
	if err != nil || !reflect.DeepEqual(back, v) {
		t.Fatalf("%+v\nreads back as\n%+v\n%v", v, back, err)
	}
	r := reflect.ValueOf(&v).Elem()
	for i := range r.NumField() {
		name := r.Type().Field(i).Name
		was := reflect.New(r.Field(i).Type()).Elem()
		was.Set(r.Field(i))
		r.Field(i).SetZero()
		kept := strings.Contains(" "+strings.Join(derived, " ")+" ", " "+name+" ")
		changed := encode(v)
		if (string(changed) == string(data)) != kept {
			t.Errorf("%s %s: the bytes are the same without it: %t", r.Type().Name(), name, !kept)
		}
		if back, err := decode(changed); err == nil && !kept && !reflect.DeepEqual(back, v) {
			t.Errorf("without %s %+v reads back as %+v", name, v, back)
		}
		r.Field(i).Set(was)
	}
	checkRefused(t, data, decode, encode)
}

// checkRefused damages a binary form: every truncation and anything added is refused,
// and what is not refused is the one form of what it reads back as.
func checkRefused[T any](t *testing.T, data []byte, decode func([]byte) (T, error), encode func(T) []byte) {
	t.Helper()
	refuse := func(what string, damaged []byte) {
		t.Helper()
		if _, err := decode(damaged); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for n := range data {
		refuse(fmt.Sprintf("cut to %d of %d bytes", n, len(data)), data[:n])
	}
	refuse("a zero byte added", append(data[:len(data):len(data)], 0))
	refuse("itself added", append(data[:len(data):len(data)], data...))
	damaged := append([]byte(nil), data...)
	for i := range damaged {
		for bit := range 8 {
			damaged[i] = data[i] ^ 1<<bit
			checkCanonical(t, damaged, decode, encode)
		}
		damaged[i] = data[i]
	}
	for i := range data { // a number in more bytes than it needs
		if data[i] < 0x80 {
			longer := append(append(append([]byte(nil), data[:i]...), data[i]|0x80, 0), data[i+1:]...)
			checkCanonical(t, longer, decode, encode)
		}
	}
}

func checkCanonical[T any](t *testing.T, data []byte, decode func([]byte) (T, error), encode func(T) []byte) {
	t.Helper()
	v, err := decode(data)
	if err != nil {
		if !errors.Is(err, ErrCorrupt) {
			t.Errorf("%x: %v", data, err)
		}
		return
	}
	if again := encode(v); string(again) != string(data) {
		t.Errorf("%x reads as the same as %x", data, again)
	}
}

func encodeHead(h Head) []byte         { return AppendHead(nil, &h) }
func encodeBlock(b Block) []byte       { return AppendBlock(nil, &b) }
func encodeCustomer(c Customer) []byte { return appendCustomer(nil, &c) }

func TestHeadCodec(t *testing.T) { checkCodec(t, filled[Head](t), encodeHead, DecodeHead) }

// filledBlock is a block as a store keeps it: what of it is held is in other rows.
func filledBlock(t rapid.TB) Block {
	b := filled[Block](t)
	b.Held = Amount{}
	return b
}

func TestBlockCodec(t *testing.T) { checkCodec(t, filledBlock(t), encodeBlock, DecodeBlock, "Held") }

func TestCustomerCodec(t *testing.T) {
	checkCodec(t, unbilled(t), encodeCustomer, decodeCustomer, "BillingAddress", "TaxID")
}

// unbilled is a customer as formats 1 and 2 keep it.
func unbilled(t rapid.TB) Customer {
	c := filled[Customer](t)
	c.BillingAddress, c.TaxID = "", ""
	return c
}

// TestCountedCustomer: a customer and how often it was put come back as they were stored, and
// cut off anywhere it is no customer.
func TestCountedCustomer(t *testing.T) {
	c, n := filled[Customer](t), count{began: 7, puts: 1 << 40}
	data := appendCounted(nil, &c, n)
	back, m, err := decodeCounted(data)
	if err != nil || m != n || string(appendCounted(nil, &back, m)) != string(data) {
		t.Errorf("%+v, %+v, %v", back, m, err)
	}
	for i := range data {
		if _, _, err := decodeCounted(data[:i]); !errors.Is(err, ErrCorrupt) {
			t.Errorf("the first %d bytes: %v", i, err)
		}
	}
	if _, err := decodeCustomer(data); err != nil {
		t.Error(err)
	}
	if m, err := decodeCount(appendCount(nil, n)); err != nil || m != n {
		t.Errorf("%+v, %v", m, err)
	}
}

// forgetful is a block of format 1, without what that has no room for.
func forgetful(b Block) Block {
	b.Paid, b.Lapsed, b.Refill = false, Amount{}, nil
	return b
}

func TestZeroCodecs(t *testing.T) {
	checkRoundTrip(t, Head{}, encodeHead, DecodeHead)
	checkRoundTrip(t, Block{}, encodeBlock, DecodeBlock)
	checkRoundTrip(t, Customer{}, encodeCustomer, decodeCustomer)
	// None and 0 are two cost bases, and digits are kept.
	for _, basis := range []string{"0", "0.00", "0.20", "0.2"} {
		b := Block{CostBasis: MustCostBasis(basis), Priority: -1 << 31, Balance: MustAmount("-" + widest)}
		back, err := DecodeBlock(encodeBlock(b))
		if err != nil || back.CostBasis.String() != basis || back.Priority != b.Priority || back.Balance.String() != "-"+widest {
			t.Errorf("cost basis %s reads back as %s, %v", basis, back.CostBasis, err)
		}
	}
}

func checkRoundTrip[T any](t *testing.T, v T, encode func(T) []byte, decode func([]byte) (T, error)) {
	t.Helper()
	if back, err := decode(encode(v)); err != nil || !reflect.DeepEqual(back, v) {
		t.Errorf("%+v reads back as %+v, %v", v, back, err)
	}
	checkRefused(t, encode(v), decode, encode)
}

// TestDecodedSharesNothing: what was decided from stored bytes stays when they change.
func TestDecodedSharesNothing(t *testing.T) {
	b := filledBlock(t)
	data := encodeBlock(b)
	back, err := DecodeBlock(data)
	if err != nil {
		t.Fatal(err)
	}
	clear(data)
	if !reflect.DeepEqual(back, b) {
		t.Error("a decoded block changes with the bytes it was read from")
	}
	rec := sampleRecords(t)[0].rec
	data = AppendRecord(nil, rec)
	again, err := DecodeRecord(data)
	if err != nil {
		t.Fatal(err)
	}
	clear(data)
	if !reflect.DeepEqual(again, rec) {
		t.Error("a decoded record changes with the bytes it was read from")
	}
}

// TestEqualEqualBytes: the same value always gives the same bytes, however its maps
// came about and however many zeros its numbers trail.
func TestEqualEqualBytes(t *testing.T) {
	a, b := map[string]string{}, map[string]string{}
	for i := range 20 {
		a[fmt.Sprint(i)], b[fmt.Sprint(19-i)] = "v", "v"
	}
	if string(appendMetadata(nil, a)) != string(appendMetadata(nil, b)) {
		t.Error("two equal maps have two forms")
	}
	if string(encodeBlock(Block{Balance: MustAmount("1.50"), Metadata: map[string]string{}})) != string(encodeBlock(Block{Balance: MustAmount("1.5")})) {
		t.Error("two equal blocks have two forms")
	}
}

// checkGolden compares named byte strings with a file of their hexadecimal forms. The
// file is the format: it is rewritten for a new version only, and the old one is kept
// and stays readable.
func checkGolden(t *testing.T, file string, names []string, forms map[string][]byte) {
	t.Helper()
	path := filepath.Join("testdata", "golden", file)
	var w strings.Builder
	for _, name := range names {
		fmt.Fprintf(&w, "%s: %s\n", name, hex.EncodeToString(forms[name]))
	}
	if *update {
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(w.String()), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if w.String() != string(want) {
		t.Errorf("the stored form has changed; it is a new format version or a mistake:\n%s", textDifference(string(want), w.String()))
	}
}

func TestGoldenForms(t *testing.T) {
	head := Head{Version: 302, Entries: 303, Blocks: 304, LastAt: when(start) + 5, NextDue: when(start) + 6, Total: MustAmount("7.25")}
	for i := range head.Seal {
		head.Seal[i] = 8
	}
	forms := map[string][]byte{
		"head":     encodeHead(head),
		"block":    encodeBlock(forgetful(filled[Block](t))),
		"customer": encodeCustomer(unbilled(t)),
		"no block": encodeBlock(Block{}),
		"debt":     encodeBlock(Block{ID: "d", Number: 3, Overdraft: true, Balance: MustAmount("-" + widest)}),
		"no head":  encodeHead(Head{}),
	}
	checkGolden(t, "state-v2.hex", []string{"head", "block"}, map[string][]byte{"head": encodeHead(filled[Head](t)), "block": encodeBlock(filled[Block](t))})
	checkGolden(t, "state-v1.hex", []string{"head", "no head", "block", "no block", "debt", "customer"}, forms)
	billed := filled[Customer](t)
	checkGolden(t, "customer-v3.hex", []string{"customer"}, map[string][]byte{
		"customer": appendCounted(nil, &billed, count{began: billed.CreatedAt, puts: 300}),
	})
	customer := unbilled(t)
	checkGolden(t, "customer-v2.hex", []string{"customer", "count"}, map[string][]byte{
		"customer": appendCounted(nil, &customer, count{began: customer.CreatedAt, puts: 300}),
		"count":    appendCount(nil, count{began: customer.CreatedAt, puts: 301}),
	})
}
