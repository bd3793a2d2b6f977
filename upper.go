package creditledger

import (
	"context"
	"math"
)

// What the ledger offers to layers above it, such as package invoice: records that
// commit with operations, and the ledger's clock.

const (
	maxRecordKind  = 64
	maxRecordKey   = 1024
	maxRecordValue = 1 << 20
)

// checkPuts refuses what no store takes.
func checkPuts(puts []RecordPut) error {
	seen := map[RecordID]bool{}
	for i := range puts {
		p := &puts[i]
		switch {
		case p.Kind == "" || len(p.Kind) > maxRecordKind:
			return invalid("record", "kind %s is not 1 to %d bytes", quote(p.Kind), maxRecordKind)
		case p.Key == "" || len(p.Key) > maxRecordKey:
			return invalid("record", "the key has %d bytes, not 1 to %d", len(p.Key), maxRecordKey)
		case len(p.Value) > maxRecordValue:
			return invalid("record", "the value has %d bytes, more than %d", len(p.Value), maxRecordValue)
		case p.Next() <= p.Expect || p.Next() > math.MaxInt64:
			return invalid("record", "%s %s cannot go from version %d to %d", kindText(p.Kind), quote(p.Key), p.Expect, p.Version)
		case seen[p.RecordID]:
			return invalid("record", "%s %s is put twice", kindText(p.Kind), quote(p.Key))
		}
		seen[p.RecordID] = true
	}
	return nil
}

// PutRecords stores records of an upper layer without an operation, all or none. The
// errors are those of Store.Commit: a ConflictError names records that are not at
// their expected version.
func (l *Ledger) PutRecords(ctx context.Context, puts []RecordPut) error {
	err := l.enter()
	if err != nil {
		return err
	}
	defer l.leave()
	if err := checkPuts(puts); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return l.store.Commit(ctx, []Change{{Records: puts}})
}

// Record returns a record of an upper layer; a NotFoundError when there is none.
func (l *Ledger) Record(ctx context.Context, id RecordID) (Record, error) {
	err := l.enter()
	if err != nil {
		return Record{}, err
	}
	defer l.leave()
	return l.store.Record(ctx, id)
}

// Records returns up to limit records (at most MaxPage) of a kind whose keys begin
// with prefix, in byte order of their keys, after the key after.
func (l *Ledger) Records(ctx context.Context, kind, prefix, after string, limit int) ([]Record, error) {
	err := l.enter()
	if err != nil {
		return nil, err
	}
	defer l.leave()
	if limit <= 0 || limit > MaxPage {
		return nil, invalid("limit", "%d is not between 1 and %d", limit, MaxPage)
	}
	return l.store.Records(ctx, kind, prefix, after, limit)
}

// Now returns the ledger's present instant, by its clock.
func (l *Ledger) Now() (Instant, error) { return l.now() }
