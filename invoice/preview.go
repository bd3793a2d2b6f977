package invoice

import (
	"context"
	"encoding/json"

	"creditledger"
)

// previewOf decides a call as it would be carried out now, and writes nothing.
func previewOf[R any](ctx context.Context, s *Service, c *call, decide func(*tx) (*R, error)) (*R, error) {
	if err := checkID("customer_id", c.customer); err != nil {
		return nil, err
	}
	if c.key != "" {
		if err := checkID("idempotency_key", string(c.key)); err != nil {
			return nil, err
		}
		request, err := json.Marshal(c.request)
		if err != nil {
			return nil, err
		}
		if known, err := replay[R](ctx, s, c, request); known != nil || err != nil {
			return known, err
		}
	}
	for attempt := 1; ; attempt++ {
		t, err := s.beginNow(ctx, c)
		if err != nil {
			return nil, err
		}
		res, err := decide(t)
		if err == nil {
			err = t.preview(res)
		}
		if err == nil {
			return res, nil
		}
		if attempt == maxAttempts || !movedMeanwhile(err) {
			return nil, err
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
}

// preview gives every part the results that it would have now. What is asked on each
// account is looked at by itself.
func (t *tx) preview(res any) error {
	var all creditledger.Result
	var err error
	if all.Results, err = t.results(); err == nil {
		err = t.decided(&all)
	}
	if w, ok := res.(writer); ok && err == nil && len(t.parts) > t.ended {
		for _, p := range t.parts[:t.ended] {
			all.Results = all.Results[len(p.ops):]
		}
		w.wrote(&all)
	}
	return err
}

// results are those that the operations of all parts would have now, in their order.
func (t *tx) results() ([]creditledger.Result, error) {
	next := map[Account][]creditledger.Result{}
	for _, p := range t.parts {
		if next[p.on] != nil {
			continue
		}
		results, err := t.wouldDo(p.on, t.operations(p.on))
		if err != nil {
			return nil, err
		}
		next[p.on] = results
	}
	var all []creditledger.Result
	for _, p := range t.parts {
		all = append(all, next[p.on][:len(p.ops)]...)
		next[p.on] = next[p.on][len(p.ops):]
	}
	return all, nil
}

// wouldDo are the results that operations on an account would have now.
func (t *tx) wouldDo(on Account, batch creditledger.Batch) ([]creditledger.Result, error) {
	r, err := t.s.ledger.Preview(t.ctx, on.id(), batch, "")
	if err != nil {
		return nil, err
	}
	return r.Results, nil
}
