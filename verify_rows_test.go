package creditledger_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"creditledger"
)

// TestVerifyHead alters each field of the head.
func TestVerifyHead(t *testing.T) {
	w := history(t)
	for i := range reflect.TypeFor[creditledger.Head]().NumField() {
		d := copyOf(t, w)
		name := reflect.TypeFor[creditledger.Head]().Field(i).Name
		switch f := reflect.ValueOf(&d.head).Elem().Field(i); f.Kind() {
		case reflect.Uint64:
			f.SetUint(f.Uint() + 1)
		case reflect.Int64:
			f.SetInt(f.Int() + 1)
		case reflect.Array:
			f.Index(5).SetUint(f.Index(5).Uint() ^ 1)
		default:
			f.Set(reflect.ValueOf(amount("0.5")))
		}
		got, err := d.verify(nil)
		if err != nil || got.Violation == nil || got.Violation.Block != "" {
			t.Errorf("another %s: %+v, %v", name, got, err)
		}
		// Only a version or a seal tells of a record: the last.
		if last := uint64(len(d.journal)); name == "Version" && got.Violation.Record != last+1 || name == "Seal" && got.Violation.Record != last {
			t.Errorf("another %s: %s", name, got.Violation)
		} else if name != "Version" && name != "Seal" && got.Violation.Record != 0 {
			t.Errorf("another %s: %s", name, got.Violation)
		}
	}
	d := copyOf(t, w)
	d.head.Version--
	if got, err := d.verify(nil); err != nil || got.Violation == nil {
		t.Errorf("a version less: %+v, %v", got, err)
	}
}

// TestVerifyRows alters, drops, doubles and invents what an account has beside blocks, and
// where it is listed. The violation names the row.
func TestVerifyRows(t *testing.T) {
	w := newWorld(t)
	w.given(grant("A", "100"), creditledger.Hold{HoldID: "open", Amount: amount("5")}, creditledger.Hold{HoldID: "done", Amount: amount("5")}, creditledger.Release{HoldID: "done"})
	w.must(spend("7"), "charge")
	w.given(creditledger.Reverse{Charge: "charge", Amount: amount("2")})
	if got, err := copyOf(t, w).verify(nil); err != nil || got.Violation != nil {
		t.Fatalf("as it is: %v, %v", got.Violation, err)
	}
	at := func(d *damaged, key string) int {
		return slices.IndexFunc(d.rows, func(r creditledger.StoredRow) bool { return r.Key == key })
	}
	invented := creditledger.Row{Kind: creditledger.RowHold, Key: "zero"}
	for _, c := range []struct {
		what   string
		damage func(d *damaged)
		want   string
	}{
		{"an open hold is not listed", func(d *damaged) { d.openRows = nil }, `row "open" of kind 1: it is not listed as open and should be`},
		{"it is listed twice", func(d *damaged) { d.openRows = append(d.openRows, d.openRows[0]) }, `row "open" of kind 1: it is listed as open and should not be`},
		{"a closed one is listed", func(d *damaged) { d.openRows = append(d.openRows, d.rows[at(d, "done")].Row) }, `row "done" of kind 1: it is listed as open and should not be`},
		{"one that never was is listed", func(d *damaged) { d.openRows = append(d.openRows, invented) }, `row "zero" of kind 1: it is listed as open and should not be`},
		{"another value is listed", func(d *damaged) { d.openRows[0].Value = d.rows[at(d, "done")].Value }, `row "open" of kind 1: it is not what the journal gives`},
		{"another value is stored", func(d *damaged) { d.rows[at(d, "done")].Value = d.openRows[0].Value }, `row "done" of kind 1: it is not what the journal gives`},
		{"a closed one is stored as open", func(d *damaged) { d.rows[at(d, "done")].Open = true }, `row "done" of kind 1: it is not what the journal gives`},
		{"one is gone", func(d *damaged) { d.rows = slices.Delete(d.rows, at(d, "done"), at(d, "done")+1) }, `2 rows are stored, the journal gives 3`},
		{"one that never was is stored", func(d *damaged) {
			d.rows = slices.Insert(d.rows, at(d, "open")+1, creditledger.StoredRow{Row: invented})
		}, `row "zero" of kind 1: the journal gives no such row`},
		{"what was taken back is more", func(d *damaged) {
			i := slices.IndexFunc(d.rows, func(r creditledger.StoredRow) bool { return r.Kind == creditledger.RowReversal })
			d.rows[i].Value = append(slices.Clone(d.rows[i].Value), 0)
		}, `it is not what the journal gives`},
	} {
		d := copyOf(t, w)
		c.damage(d)
		got, err := d.verify(nil)
		if err != nil || got.Violation == nil || got.Violation.Rule != "rows" || !strings.Contains(got.Violation.Error(), c.want) {
			t.Errorf("%s: %v, %v; want %q", c.what, got.Violation, err, c.want)
		}
	}
}

// TestVerifyBlocks alters each field of every block, and where blocks are listed.
func TestVerifyBlocks(t *testing.T) {
	w := history(t)
	kind := reflect.TypeFor[creditledger.Block]()
	clean := copyOf(t, w)
	for i := range clean.blocks {
		for f := range kind.NumField() {
			d := copyOf(t, w)
			alter(reflect.ValueOf(&d.blocks[i]).Elem().Field(f))
			name := d.blocks[i].ID
			if _, ok := d.ids[name]; !ok {
				d.ids[name] = i
			}
			got, err := d.verify(nil)
			if err != nil || got.Violation == nil || got.Violation.Rule != "blocks" || got.Violation.Block != name {
				t.Errorf("%s of block %s: %+v, %v", kind.Field(f).Name, name, got.Violation, err)
			}
		}
	}
	for i := range clean.open {
		for f := range kind.NumField() {
			d := copyOf(t, w)
			alter(reflect.ValueOf(&d.open[i]).Elem().Field(f))
			got, err := d.verify(nil)
			if err != nil || got.Violation == nil || got.Violation.Block != d.open[i].ID {
				t.Errorf("%s of open block %s: %+v, %v", kind.Field(f).Name, d.open[i].ID, got.Violation, err)
			}
		}
		d := copyOf(t, w)
		d.open = slices.Delete(d.open, i, i+1)
		checkViolation(t, d, "open block missing", 0, "")
		d = copyOf(t, w)
		d.open = append(d.open, d.open[i])
		checkViolation(t, d, "open block twice", 0, d.open[i].ID)
	}
	for i := range clean.blocks {
		id := clean.blocks[i].ID
		if !slices.ContainsFunc(clean.open, func(b creditledger.Block) bool { return b.ID == id }) {
			d := copyOf(t, w)
			d.open = append(d.open, d.blocks[i])
			checkViolation(t, d, "closed block "+id+" listed as open", 0, id)
		}
		d := copyOf(t, w)
		d.blocks = slices.Delete(d.blocks, i, i+1)
		if got, err := d.verify(nil); err != nil || got.Violation == nil || got.Violation.Rule != "blocks" {
			t.Errorf("block %s missing: %+v, %v", id, got.Violation, err)
		}
		d = copyOf(t, w)
		delete(d.ids, id)
		checkViolation(t, d, "block "+id+" not found by its id", 0, id)
		d = copyOf(t, w)
		d.ids[id] = (i + 1) % len(d.blocks)
		checkViolation(t, d, "block "+id+" found by another's id", 0, id)
	}
	d := copyOf(t, w)
	d.ids["stray"] = 0
	checkViolation(t, d, "an id of no block", 0, "stray")
	d = copyOf(t, w)
	more := d.blocks[0]
	more.Number, more.ID = uint64(len(d.blocks)+1), "more"
	d.blocks = append(d.blocks, more)
	checkViolation(t, d, "a block that was never made", 0, "more")
}

// alter changes a field to another value of its kind.
func alter(f reflect.Value) {
	switch v := f.Interface().(type) {
	case creditledger.Amount:
		sum, err := v.Add(amount("0.000000000000000001"))
		if err != nil {
			panic(err)
		}
		f.Set(reflect.ValueOf(sum))
		return
	case creditledger.CostBasis:
		if v.IsSet() { // the digits count, not the number alone
			f.Set(reflect.ValueOf(creditledger.MustCostBasis(v.String() + "0")))
		} else {
			f.Set(reflect.ValueOf(creditledger.MustCostBasis("0")))
		}
		return
	case []creditledger.Filter:
		f.Set(reflect.ValueOf(append(slices.Clone(v), creditledger.Filter{Values: []string{"more"}})))
		return
	case map[string]string:
		f.Set(reflect.ValueOf(map[string]string{"altered": fmt.Sprint(v)}))
		return
	case *creditledger.Refill:
		f.Set(reflect.ValueOf(&creditledger.Refill{Repaid: amount("1"), EffectiveAt: 1}))
		return
	}
	switch f.Kind() {
	case reflect.String:
		f.SetString(f.String() + "x")
	case reflect.Bool:
		f.SetBool(!f.Bool())
	case reflect.Uint8:
		f.SetUint(f.Uint() ^ 1)
	case reflect.Uint64:
		f.SetUint(f.Uint() + 1000)
	default:
		f.SetInt(f.Int() + 1)
	}
}

// TestVerifyKeys alters the index of idempotency keys.
func TestVerifyKeys(t *testing.T) {
	w := history(t)
	for key, seq := range copyOf(t, w).keys {
		d := copyOf(t, w)
		delete(d.keys, key)
		checkViolation(t, d, "key "+string(key)+" missing", seq, "")
		d = copyOf(t, w)
		d.keys[key] = seq%uint64(len(d.journal)) + 1
		checkViolation(t, d, "key "+string(key)+" for another record", seq, "")
	}
	d := copyOf(t, w)
	d.keys["stray"] = 1
	checkViolation(t, d, "a key of no record", 0, "")
}
