package invoice

import (
	"encoding/json"

	"creditledger"
)

// put adds up how often a record was put.
func (seen *examined) put(rec *creditledger.Document) error {
	t, err := tallyOf(rec)
	if t.Began == seen.tally.Began {
		seen.puts += t.Puts
	}
	return err
}

// tally returns the tally of a customer, a zero one if there is none.
func (x *examiner) tally(customer string) (t tally, err error) {
	_, err = x.recordOf(kindTally, customer, &t, nil)
	return t, err
}

// recordOf reads a record and, unless seen is nil, adds up how often it was put.
func (x *examiner) recordOf(kind, key string, v any, seen *examined) (found bool, err error) {
	rec, err := x.s.ledger.Document(x.ctx, creditledger.DocumentID{Kind: kind, Key: key})
	if isNotFound(err) {
		return false, nil
	}
	if err == nil {
		err = decode(&rec, v)
	}
	if err == nil && seen != nil {
		err = seen.put(&rec)
	}
	return true, err
}

// tallied adds up the puts of what else a customer has, the keys and the changes that were
// proposed under them, and compares all with the tally: that from before anything was read,
// and that from after, as what is put meanwhile may have been seen or not.
func (x *examiner) tallied(customer string, seen *examined) error {
	err := x.each(kindChangeNow, customer+separator, seen.put)
	if err == nil {
		err = x.each(kindKey, customer+separator, func(rec *creditledger.Document) error {
			return firstError(seen.put(rec), x.proposed(rec, seen))
		})
	}
	if err != nil {
		return err
	}
	now, err := x.tally(customer)
	if err != nil || now.Began != seen.tally.Began || seen.puts >= seen.tally.Puts && seen.puts <= now.Puts {
		return err
	}
	what := "one is gone, or is as it was before"
	if seen.puts > now.Puts {
		what = "the count is as it was before"
	}
	return violation("records of customer "+clip(customer), "they were put %d times, and say that it was %d times: %s", now.Puts, seen.puts, what)
}

// proposed adds up the puts of the change that was proposed under a key.
func (x *examiner) proposed(key *creditledger.Document, seen *examined) error {
	var was answered
	if err := decode(key, &was); err != nil || was.Op != opPropose {
		return err
	}
	var answer ChangeAnswer
	if err := json.Unmarshal(was.Answer, &answer); err != nil || answer.Change == nil {
		return violation("idempotency key "+clip(key.Key), "its answer holds no change: %v", err)
	}
	found, err := x.recordOf(kindChange, answer.Change.ID, &Change{}, seen)
	if err == nil && !found {
		err = violation("change "+clip(answer.Change.ID), "it was proposed, and is not there")
	}
	return err
}
