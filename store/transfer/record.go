package transfer

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"creditledger"
)

// eachKind calls f for every kind of records that one of the stores has.
func eachKind(ctx context.Context, f func(context.Context, string) error, stores ...lister) error {
	var kinds []string
	for _, s := range stores {
		list, err := s.Kinds(ctx)
		if err != nil {
			return err
		}
		kinds = append(kinds, list...)
	}
	slices.Sort(kinds)
	for _, kind := range slices.Compact(kinds) {
		if err := f(ctx, kind); err != nil {
			return err
		}
	}
	return nil
}

// checkRecords refuses a target with a document that the source neither has nor had.
func (c *copier) checkRecords(ctx context.Context) error {
	return eachKind(ctx, func(ctx context.Context, kind string) error {
		return c.eachRecord(ctx, kind, recordFits)
	}, c.to)
}

func (c *copier) copyRecords(ctx context.Context) error { return eachKind(ctx, c.copyKind, c.from) }

// compareRecords compares all records of both stores, and counts them.
func (c *copier) compareRecords(ctx context.Context) error {
	return eachKind(ctx, func(ctx context.Context, kind string) error {
		return c.eachRecord(ctx, kind, c.recordArrived)
	}, c.from, c.to)
}

// recordStream reads the records of a kind, in the order of their keys.
type recordStream struct {
	store creditledger.Store
	kind  string
	page  []creditledger.Document
	after string
	ended bool
}

// next returns the next document without taking it; nil at the end.
func (s *recordStream) next(ctx context.Context) (*creditledger.Document, error) {
	if len(s.page) == 0 && !s.ended {
		page, err := s.store.Documents(ctx, s.kind, "", s.after, recordPage)
		if err != nil {
			return nil, err
		}
		s.page, s.ended = page, len(page) < recordPage
	}
	if len(s.page) == 0 {
		return nil, nil
	}
	return &s.page[0], nil
}

func (s *recordStream) take() {
	s.after = s.page[0].Key
	s.page = s.page[1:]
}

// eachRecord calls f for every document of a kind that either store has. nil stands for
// one that a store does not have.
func (c *copier) eachRecord(ctx context.Context, kind string, f func(source, target *creditledger.Document) error) error {
	from, to := &recordStream{store: c.from, kind: kind}, &recordStream{store: c.to, kind: kind}
	for {
		source, err := from.next(ctx)
		if err != nil {
			return err
		}
		target, err := to.next(ctx)
		if err != nil {
			return err
		}
		if source == nil && target == nil {
			return nil
		}
		if source != nil && target != nil && source.Key != target.Key {
			if source.Key < target.Key {
				target = nil
			} else {
				source = nil
			}
		}
		if err := f(source, target); err != nil {
			return err
		}
		if source != nil {
			from.take()
		}
		if target != nil {
			to.take()
		}
	}
}

// recordFits refuses a document of the target that is neither the source's nor an earlier
// version of it.
func recordFits(source, target *creditledger.Document) error {
	switch {
	case target == nil:
		return nil
	case source == nil:
		return &TargetError{Record: target.DocumentID, Reason: "is not in the source"}
	case target.Version > source.Version:
		return &TargetError{Record: target.DocumentID,
			Reason: fmt.Sprintf("has version %d, in the source it has %d", target.Version, source.Version)}
	case target.Version == source.Version && !bytes.Equal(target.Value, source.Value):
		return &TargetError{Record: target.DocumentID, Reason: "is another one than in the source"}
	}
	return nil
}

// copyKind puts what the target does not have of the records of a kind, with their
// versions.
func (c *copier) copyKind(ctx context.Context, kind string) error {
	var puts []creditledger.DocumentPut
	flush := func() error {
		if len(puts) == 0 {
			return nil
		}
		if err := c.ledger.ImportDocuments(ctx, puts); err != nil {
			return err
		}
		n := uint64(len(puts))
		puts = puts[:0]
		c.note(func(p *Progress, r *Report) { p.Records += n; r.NewRecords += n })
		return nil
	}
	err := c.eachRecord(ctx, kind, func(source, target *creditledger.Document) error {
		if err := recordFits(source, target); err != nil || source == nil {
			return err
		}
		put := creditledger.DocumentPut{DocumentID: source.DocumentID, Version: source.Version, Value: source.Value}
		if target != nil {
			if put.Expect, put.Prev = target.Version, target.Seal(); put.Expect == put.Version {
				return nil
			}
		}
		if puts = append(puts, put); len(puts) < recordPage {
			return nil
		}
		return flush()
	})
	if err != nil {
		return err
	}
	return flush()
}

// recordArrived compares a record after the copy, and counts it.
func (c *copier) recordArrived(source, target *creditledger.Document) error {
	switch err := recordFits(source, target); {
	case err != nil:
		return err
	case target == nil || target.Version != source.Version:
		return fmt.Errorf("%w: %s record %q", ErrSourceMoved, source.Kind, source.Key)
	}
	c.note(func(_ *Progress, r *Report) { r.Records++ })
	return nil
}
