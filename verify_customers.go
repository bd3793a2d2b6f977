package creditledger

import (
	"context"
	"fmt"
	"maps"
	"slices"
)

// customers proves that the documents of customers fit together: each stands under its
// own id, each external id leads to the customer that has it, and the counts of puts
// equal what the customers say. A customer and its external id are written in one commit
// and never removed. So both are found even if others write meanwhile.
func (r *verification) customers(ctx context.Context, res *Verification) error {
	err := r.examineCustomers(ctx)
	if res.Violation = violationOf(err, AccountID{}, 0); res.Violation != nil {
		return nil
	}
	return err
}

func (r *verification) examineCustomers(ctx context.Context) error {
	before, err := r.counts(ctx)
	if err != nil {
		return err
	}
	seen := map[string]uint64{}
	var have, listed keySum
	err = r.eachCustomer(ctx, func(c *Customer, n count) error {
		if c.ExternalID != "" {
			have.addPair(c.ExternalID, c.ID)
		}
		if part := partOf(c.ID).Key; n.began == before[part].began {
			seen[part] += n.puts
		}
		return nil
	})
	if err == nil {
		err = r.eachDocument(ctx, customerExternal, func(rec *Document) error {
			listed.addPair(rec.Key, string(rec.Value))
			return nil
		})
	}
	if err == nil && have != listed {
		err = r.blameCustomers(ctx)
	}
	if err != nil {
		return err
	}
	return r.compareCounts(ctx, before, seen)
}

// compareCounts compares what customers say about their puts with the counts from before
// they were read and from after. Puts in between may have been seen or not.
func (r *verification) compareCounts(ctx context.Context, before map[string]count, seen map[string]uint64) error {
	after, err := r.counts(ctx)
	if err != nil {
		return err
	}
	for _, part := range slices.Sorted(maps.Keys(before)) {
		was, is, n := before[part], after[part], seen[part]
		if is.began != was.began || n >= was.puts && n <= is.puts {
			continue
		}
		what := "one is gone, or is as it was before"
		if n > is.puts {
			what = "the count is as it was before"
		}
		return &Violation{Rule: "customers", Detail: fmt.Sprintf("those of part %s were put %d times, and say that it was %d times: %s", part, is.puts, n, what)}
	}
	return nil
}

// blameCustomers checks one by one that each external id leads to its customer, and the
// other way round. A difference that came from writing meanwhile has gone by then.
func (r *verification) blameCustomers(ctx context.Context) error {
	err := r.eachCustomer(ctx, func(c *Customer, _ count) error {
		if c.ExternalID == "" {
			return nil
		}
		rec, err := r.ledger.store.Document(ctx, DocumentID{Kind: customerExternal, Key: c.ExternalID})
		if err == nil && string(rec.Value) != c.ID || isNotFound(err) {
			return customerViolation(c.ID, "its external id "+quote(c.ExternalID)+" does not lead to it")
		}
		return err
	})
	if err != nil {
		return err
	}
	return r.eachDocument(ctx, customerExternal, func(rec *Document) error {
		c, _, err := r.ledger.customer(ctx, string(rec.Value))
		if err == nil && c.ExternalID != rec.Key || isNotFound(err) {
			return customerViolation(string(rec.Value), "the external id "+quote(rec.Key)+" leads to it, and is not its own")
		}
		return err
	})
}

func customerViolation(id, detail string) error {
	return &Violation{Rule: "customers", Detail: "customer " + quote(id) + ": " + detail}
}

func (r *verification) eachCustomer(ctx context.Context, f func(*Customer, count) error) error {
	return r.eachDocument(ctx, customerKind, func(rec *Document) error {
		c, n, err := decodeCounted(rec.Value)
		if err != nil {
			return customerViolation(rec.Key, err.Error())
		}
		if c.ID != rec.Key {
			return customerViolation(rec.Key, "it says that it is "+quote(c.ID))
		}
		return f(&c, n)
	})
}

// documentsPage is how many documents of upper layers are read at once; they may be large.
const documentsPage = 64

// eachDocument walks over the records of a kind, which the store lists in order.
func (r *verification) eachDocument(ctx context.Context, kind string, f func(*Document) error) error {
	for after := ""; ; {
		page, err := r.ledger.store.Documents(ctx, kind, "", after, documentsPage)
		if err != nil {
			return err
		}
		for i := range page {
			if page[i].Key <= after {
				return &Violation{Rule: "records", Detail: kindText(kind) + " " + quote(page[i].Key) + " is listed after " + quote(after) + ", out of order or twice"}
			}
			if after = page[i].Key; page[i].Version == 0 {
				return &Violation{Rule: "records", Detail: kindText(kind) + " " + quote(after) + " has no version"}
			}
			if err := f(&page[i]); err != nil {
				return err
			}
		}
		if len(page) < documentsPage {
			return nil
		}
	}
}

// addPair is add for two texts.
func (s *keySum) addPair(a, b string) { s.add(Key(appendText(nil, a))+Key(b), 0) }

// counts returns the counts of all parts.
func (r *verification) counts(ctx context.Context) (map[string]count, error) {
	counts := map[string]count{}
	err := r.eachDocument(ctx, customerCount, func(rec *Document) error {
		c, err := decodeCount(rec.Value)
		if err != nil {
			return &Violation{Rule: "customers", Detail: "the count of part " + quote(rec.Key) + ": " + err.Error()}
		}
		counts[rec.Key] = c
		return nil
	})
	return counts, err
}
