package invoice

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"creditledger"
)

// puts are the records to be written, encoded as they are now, and what the key of the call
// stands for.
func (t *tx) puts(request json.RawMessage, res any) ([]creditledger.DocumentPut, error) {
	answer, err := json.Marshal(res)
	if err != nil {
		return nil, err
	}
	key := creditledger.DocumentID{Kind: kindKey, Key: t.call.customer + separator + string(t.call.key)}
	return t.encode(append(t.records(), record{key, answered{Op: t.call.op, Request: request, Answer: answer}}))
}

// documents are the records to be written, encoded as they are now.
func (t *tx) documents() ([]creditledger.DocumentPut, error) { return t.encode(t.records()) }

// record is a value to be written.
type record struct {
	id    creditledger.DocumentID
	value any
}

func (t *tx) records() []record {
	list := make([]record, 0, len(t.order)+1)
	for _, id := range t.order {
		list = append(list, record{id, t.held[id].value})
	}
	return list
}

// encode encodes records, and counts those of each customer in its tally.
func (t *tx) encode(list []record) ([]creditledger.DocumentPut, error) {
	puts := make([]creditledger.DocumentPut, 0, len(list)+1)
	all := map[string]*tally{}
	add := func(r record) error {
		was := &creditledger.Document{}
		if h := t.held[r.id]; h != nil {
			was = &h.stored
		}
		var count *tally
		if counted(r.id.Kind) {
			owner := ownerOf(r)
			if all[owner] == nil {
				all[owner] = t.tallyOf(owner)
			}
			count = all[owner]
		}
		data, err := encoded(was, count, r.value)
		puts = append(puts, creditledger.DocumentPut{DocumentID: r.id, Expect: was.Version, Prev: was.Seal(), Value: data})
		return err
	}
	for _, r := range list {
		if err := add(r); err != nil {
			return nil, err
		}
	}
	for _, owner := range slices.Sorted(maps.Keys(all)) {
		if err := add(record{creditledger.DocumentID{Kind: kindTally, Key: owner}, *all[owner]}); err != nil {
			return nil, err
		}
	}
	return puts, nil
}

// encoded is a record as it is stored in the place of was. If it is one of a customer's, the
// put is counted in all.
func encoded(was *creditledger.Document, all *tally, value any) ([]byte, error) {
	if all == nil {
		return encode(value)
	}
	var own tally
	if was.Version > 0 {
		var err error
		if own, err = tallyOf(was); err != nil {
			return nil, err
		}
	}
	return tallied(all, own, value)
}

// readTallies reads the counts of the customers whose records are to be written.
func (t *tx) readTallies() error {
	if _, err := read[tally](t, kindTally, t.call.customer); err != nil {
		return err
	}
	for _, r := range t.records() {
		if !counted(r.id.Kind) {
			continue
		}
		if _, err := read[tally](t, kindTally, ownerOf(r)); err != nil {
			return err
		}
	}
	return nil
}

// tallyOf is a copy of the count of a customer, which was read before; one that begins now if
// none was ever put, or it is gone.
func (t *tx) tallyOf(customer string) *tally {
	if h := t.held[creditledger.DocumentID{Kind: kindTally, Key: customer}]; h != nil && h.value != nil {
		own := *h.value.(*tally)
		return &own
	}
	return &tally{Began: t.now}
}

// ownerOf is the customer in whose tally a record is counted.
func ownerOf(r record) string {
	switch v := r.value.(type) {
	case *Invoice:
		return v.Customer
	case *Change:
		return v.Account.Customer
	case rawRecord:
		return v.customer
	}
	customer, _, _ := strings.Cut(r.id.Key, separator)
	return customer
}
