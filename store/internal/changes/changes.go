// Package changes has the checks that all stores of this module make before they look at
// what they have stored.
package changes

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"

	"creditledger"
)

const (
	maxKind = 64
	maxKey  = 1024
)

// Enter refuses a context that is over. Every method of a store calls it first. op says
// what was attempted.
func Enter(ctx context.Context, op string) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s: nothing was begun: %w", op, err)
	}
	return nil
}

// Check refuses changes that break what a caller of Store.Commit guarantees:
// accounts and records named once, a seal to follow from version 1 on, journal records dense from Version+1 and
// Head.Version the last of them, texts of records up to Version, keys and records within bounds. A store that calls
// it may rely on all of this. It returns an InvalidError.
func Check(changes []creditledger.Change) error {
	var accounts map[creditledger.AccountID]struct{}
	var records map[creditledger.DocumentID]struct{}
	for i := range changes {
		c := &changes[i]
		if err := checkAccount(c); err != nil {
			return err
		}
		if len(changes) > 1 && c.Account != (creditledger.AccountID{}) && !once(&accounts, c.Account) {
			return invalid("%v stands in two changes of one commit", c.Account)
		}
		for j := range c.Documents {
			put := &c.Documents[j]
			id := put.DocumentID
			if err := checkRecord(put); err != nil {
				return err
			}
			if (len(changes) > 1 || len(c.Documents) > 1) && !once(&records, id) {
				return invalid("%s record %q is put twice in one commit", id.Kind, id.Key)
			}
		}
	}
	return nil
}

func checkAccount(c *creditledger.Change) error {
	if c.Account == (creditledger.AccountID{}) {
		if c.Version != 0 || c.Prev != (creditledger.Seal{}) || c.Head.Version != 0 || len(c.Journal)+len(c.Blocks)+len(c.Keys)+len(c.Rows)+len(c.Texts) > 0 {
			return invalid("a change without an account holds more than records")
		}
		return nil
	}
	if c.Version == 0 && c.Prev != (creditledger.Seal{}) {
		return invalid("%v: a change to an account never written names a seal", c.Account)
	}
	last := uint64(0)
	for _, t := range c.Texts {
		if t.Seq <= last || t.Seq > c.Version {
			return invalid("%v: the texts of record %d, which is not stored, or out of order", c.Account, t.Seq)
		}
		last = t.Seq
	}
	next := c.Version
	for _, r := range c.Journal {
		if next++; r.Seq != next {
			return invalid("%v: journal record %d where %d comes next", c.Account, r.Seq, next)
		}
	}
	if c.Head.Version != next {
		return invalid("%v: head version %d, but the last journal record is %d", c.Account, c.Head.Version, next)
	}
	if next == 0 {
		return invalid("%v: a change that leaves the account unwritten", c.Account)
	}
	return checkLists(c)
}

// checkLists refuses a block, block id, key or row that a change has twice.
func checkLists(c *creditledger.Change) error {
	var numbers map[uint64]struct{}
	var ids map[string]struct{}
	for i := range c.Blocks {
		b := &c.Blocks[i]
		if b.Number == 0 || b.ID == "" {
			return invalid("%v: block %q with number %d", c.Account, b.ID, b.Number)
		}
		if len(c.Blocks) > 1 && (!once(&numbers, b.Number) || !once(&ids, b.ID)) {
			return invalid("%v: block %d (%q) is put twice", c.Account, b.Number, b.ID)
		}
	}
	var keys map[creditledger.Key]struct{}
	for _, k := range c.Keys {
		if k.Seq == 0 || k.Seq > c.Head.Version {
			return invalid("%v: key %q stands for journal record %d, which is not there", c.Account, k.Key, k.Seq)
		}
		if len(c.Keys) > 1 && !once(&keys, k.Key) {
			return invalid("%v: key %q is added twice", c.Account, k.Key)
		}
	}
	return checkRows(c)
}

func checkRows(c *creditledger.Change) error {
	var rows map[RowName]struct{}
	for i := range c.Rows {
		r := &c.Rows[i]
		if r.Kind == 0 || r.Key == "" || len(r.Key) > creditledger.MaxID {
			return invalid("%v: a row of kind %d with a key of %d bytes", c.Account, r.Kind, len(r.Key))
		}
		if len(c.Rows) > 1 && !once(&rows, NameOf(&r.Row)) {
			return invalid("%v: row %q of kind %d is put twice", c.Account, r.Key, r.Kind)
		}
	}
	if len(c.Rows) > 0 && c.Head.Rows == 0 {
		return invalid("%v: %d rows are put, and the head says that there are none", c.Account, len(c.Rows))
	}
	return nil
}

// RowName names a row within its account.
type RowName struct {
	Kind creditledger.RowKind
	Key  string
}

// NameOf returns the name of a row.
func NameOf(r *creditledger.Row) RowName { return RowName{r.Kind, r.Key} }

// Compare orders rows as Snapshot.Rows lists them.
func (n RowName) Compare(o RowName) int {
	return cmp.Or(cmp.Compare(n.Kind, o.Kind), cmp.Compare(n.Key, o.Key))
}

// CloneRow copies a row with its value; an empty value is not nil.
func CloneRow(r creditledger.Row) creditledger.Row {
	r.Value = append([]byte{}, r.Value...)
	return r
}

func checkRecord(put *creditledger.DocumentPut) error {
	if id := put.DocumentID; id.Kind == "" || len(id.Kind) > maxKind || id.Key == "" || len(id.Key) > maxKey {
		return invalid("a record's kind takes 1 to %d bytes and its key 1 to %d, not %d and %d",
			maxKind, maxKey, len(id.Kind), len(id.Key))
	}
	if put.Next() <= put.Expect || put.Next() > math.MaxInt64 {
		return invalid("%s record %q: version %d cannot follow version %d", put.Kind, put.Key, put.Version, put.Expect)
	}
	if put.Expect == 0 && put.Prev != (creditledger.Seal{}) {
		return invalid("%s record %q: a put for the first time names a seal", put.Kind, put.Key)
	}
	return nil
}

// once reports whether v is new to the set, and adds it.
func once[T comparable](set *map[T]struct{}, v T) bool {
	if *set == nil {
		*set = make(map[T]struct{})
	}
	n := len(*set)
	(*set)[v] = struct{}{}
	return len(*set) > n
}

// Clone makes a deep copy of changes, for a store that may still need them when Commit
// has returned.
func Clone(list []creditledger.Change) []creditledger.Change {
	list = slices.Clone(list)
	for i := range list {
		c := &list[i]
		c.Keys = slices.Clone(c.Keys)
		c.Journal = slices.Clone(c.Journal)
		for j := range c.Journal {
			c.Journal[j].Bytes, c.Journal[j].Texts = slices.Clone(c.Journal[j].Bytes), slices.Clone(c.Journal[j].Texts)
		}
		c.Texts = slices.Clone(c.Texts)
		for j := range c.Texts {
			c.Texts[j].Texts = slices.Clone(c.Texts[j].Texts)
		}
		c.Blocks = slices.Clone(c.Blocks)
		for j := range c.Blocks {
			c.Blocks[j].Block = CloneBlock(c.Blocks[j].Block)
		}
		c.Rows = slices.Clone(c.Rows)
		for j := range c.Rows {
			c.Rows[j].Row = CloneRow(c.Rows[j].Row)
		}
		c.Documents = slices.Clone(c.Documents)
		for j := range c.Documents {
			c.Documents[j].Value = slices.Clone(c.Documents[j].Value)
		}
	}
	return list
}

// CloneBlock copies a block with its metadata and filters.
func CloneBlock(b creditledger.Block) creditledger.Block {
	Own(&b)
	return b
}

// Own gives a block metadata and filters of its own.
func Own(b *creditledger.Block) {
	b.Metadata = maps.Clone(b.Metadata)
	b.Filters = slices.Clone(b.Filters)
	for i := range b.Filters {
		b.Filters[i].Values = slices.Clone(b.Filters[i].Values)
	}
}

// ComputedFrom reports whether a change was computed from the stored head: from the same
// history, not only from one of the same length.
func ComputedFrom(c *creditledger.Change, stored *creditledger.Head) bool {
	return c.Version == stored.Version && c.Prev == stored.Seal
}

// Follows reports whether a put was computed from the stored record, which has no version
// if there is none: from the same value, not only after as many puts.
func Follows(put *creditledger.DocumentPut, stored *creditledger.Document) bool {
	return put.Expect == stored.Version && put.Prev == stored.Seal()
}

// Known reports whether the caller of Load has the stored head already.
func Known(have, stored *creditledger.Head) bool {
	return have != nil && have.Version != 0 && have.Version == stored.Version && have.Seal == stored.Seal
}

// CheckNumber refuses a block that says it is new although its number is stored, or that
// says it is not new although its number is not stored. Call it only if the account is at
// the version that the change was computed from, and after the check of block ids: a
// stale change may well have such a block.
func CheckNumber(id creditledger.AccountID, b *creditledger.StoredBlock, stored bool) error {
	if b.New == stored {
		return invalid("%v: block %d (%q) is put as new: %t, and is stored: %t", id, b.Number, b.ID, b.New, stored)
	}
	return nil
}

func invalid(format string, args ...any) error {
	return &creditledger.InvalidError{Field: "change", Reason: fmt.Sprintf(format, args...)}
}
