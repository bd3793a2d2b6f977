package changes

import (
	"context"
	"errors"
	"strings"
	"testing"

	"creditledger"
)

var ann = creditledger.AccountID{Customer: "ann", Currency: "credits"}

// good is a change that a ledger could make.
func good() creditledger.Change {
	stored := func(number uint64, id string) creditledger.StoredBlock {
		return creditledger.StoredBlock{Block: creditledger.Block{Number: number, ID: id}, New: true}
	}
	return creditledger.Change{
		Account: ann,
		Version: 3,
		Head:    creditledger.Head{Version: 5},
		Journal: []creditledger.JournalRecord{{Seq: 4}, {Seq: 5}},
		Blocks:  []creditledger.StoredBlock{stored(1, "one"), stored(2, "two")},
		Keys:    []creditledger.KeyedRecord{{Key: "a", Seq: 4}, {Key: "b", Seq: 5}},
		Texts:   []creditledger.RecordTexts{{Seq: 2}, {Seq: 3, Texts: []byte("t")}},
		Documents: []creditledger.DocumentPut{{DocumentID: creditledger.DocumentID{Kind: "kind", Key: "a"}},
			{DocumentID: creditledger.DocumentID{Kind: "kind", Key: "b"}}},
	}
}

func TestCheck(t *testing.T) {
	onlyRecords := creditledger.Change{Documents: []creditledger.DocumentPut{{DocumentID: creditledger.DocumentID{Kind: "kind", Key: "c"}}}}
	other := good()
	other.Account.Customer, other.Documents = "bob", nil
	for name, list := range map[string][]creditledger.Change{
		"none":    nil,
		"one":     {good()},
		"several": {onlyRecords, good(), other, {}},
	} {
		if err := Check(list); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for says, spoil := range map[string]func(c *creditledger.Change){
		"a change without an account":            func(c *creditledger.Change) { c.Account = creditledger.AccountID{} },
		"record 5 where 4 comes next":            func(c *creditledger.Change) { c.Journal = c.Journal[1:] },
		"record 6 where 5 comes next":            func(c *creditledger.Change) { c.Journal[1].Seq = 6 },
		"record 0 where 4 comes next":            func(c *creditledger.Change) { c.Journal[0].Seq = 0 },
		"head version 5":                         func(c *creditledger.Change) { c.Journal = c.Journal[:1] },
		"head version 6":                         func(c *creditledger.Change) { c.Head.Version = 6 },
		"leaves the account unwritten":           func(c *creditledger.Change) { *c = creditledger.Change{Account: ann} },
		"the texts of record 4":                  func(c *creditledger.Change) { c.Texts[1].Seq = 4 },
		"the texts of record 2":                  func(c *creditledger.Change) { c.Texts[1].Seq = 2 },
		"with number 0":                          func(c *creditledger.Change) { c.Blocks[1].Number = 0 },
		`block "" with number 1`:                 func(c *creditledger.Change) { c.Blocks[0].ID = "" },
		`block 1 ("two") is put twice`:           func(c *creditledger.Change) { c.Blocks[1].Number = 1 },
		`block 2 ("one") is put twice`:           func(c *creditledger.Change) { c.Blocks[1].ID = "one" },
		`key "b" is added twice`:                 func(c *creditledger.Change) { c.Keys[0].Key = "b" },
		"stands for journal record 0":            func(c *creditledger.Change) { c.Keys[0].Seq = 0 },
		"stands for journal record 6":            func(c *creditledger.Change) { c.Keys[0].Seq = 6 },
		"not 0 and 1":                            func(c *creditledger.Change) { c.Documents[0].Kind = "" },
		"not 65 and 1":                           func(c *creditledger.Change) { c.Documents[0].Kind = strings.Repeat("k", 65) },
		"not 4 and 0":                            func(c *creditledger.Change) { c.Documents[1].Key = "" },
		"not 4 and 1025":                         func(c *creditledger.Change) { c.Documents[1].Key = strings.Repeat("k", 1025) },
		`kind record "a" is put twice in one`:    func(c *creditledger.Change) { c.Documents[1].Key = "a" },
		`kind record "c" is put twice in one`:    func(c *creditledger.Change) { c.Documents[1].Key = "c" },
		`version 3 cannot follow version 3`:      func(c *creditledger.Change) { c.Documents[0].Expect, c.Documents[0].Version = 3, 3 },
		"bob/credits stands in two changes of o": func(c *creditledger.Change) { c.Account.Customer = "bob" },
	} {
		c := good()
		spoil(&c)
		err := Check([]creditledger.Change{onlyRecords, c, other})
		if !errors.Is(err, creditledger.ErrInvalid) || !strings.Contains(err.Error(), says) {
			t.Errorf("error %v, want an InvalidError that says %q", err, says)
		}
	}
}

func TestCheckNumber(t *testing.T) {
	for _, isNew := range []bool{true, false} {
		for _, stored := range []bool{true, false} {
			b := &creditledger.StoredBlock{New: isNew}
			if err := CheckNumber(ann, b, stored); errors.Is(err, creditledger.ErrInvalid) != (isNew == stored) {
				t.Errorf("new %t, stored %t: %v", isNew, stored, err)
			}
		}
	}
}

func TestEnter(t *testing.T) {
	if err := Enter(t.Context(), "load"); err != nil {
		t.Error(err)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Enter(over, "load"); !errors.Is(err, context.Canceled) || !strings.HasPrefix(err.Error(), "load: ") {
		t.Error(err)
	}
}
