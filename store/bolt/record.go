package bolt

import (
	"context"
	"fmt"
	"slices"

	"creditledger"
)

// Document implements creditledger.Store.
func (r reads) Document(ctx context.Context, id creditledger.DocumentID) (record creditledger.Document, err error) {
	err = r.view(ctx, "record", func(v view) error {
		if record, err = v.record(id); err == nil && record.Version == 0 {
			err = &creditledger.NotFoundError{Kind: id.Kind, ID: id.Key}
		}
		return err
	})
	return record, err
}

// Documents implements creditledger.Store.
func (r reads) Documents(ctx context.Context, kind, prefix, after string, limit int) (records []creditledger.Document, err error) {
	err = r.view(ctx, "records", func(v view) error {
		b, err := v.bucket(bucketRecords)
		if err != nil || limit <= 0 {
			return err
		}
		skip := len(recordKey(kind, ""))
		for k, row := range v.documentRows(b, recordKey(kind, prefix), recordKey(kind, max(prefix, after))) {
			id := creditledger.DocumentID{Kind: kind, Key: string(k[skip:])}
			if id.Key == after {
				continue
			}
			record, err := parseRow(id, k, row)
			if err != nil {
				return err
			}
			if records = append(records, record); len(records) == limit {
				break
			}
		}
		return nil
	})
	return orNil(records, err)
}

// record returns a stored document; one without a version if there is none.
func (v view) record(id creditledger.DocumentID) (creditledger.Document, error) {
	key := recordKey(id.Kind, id.Key)
	row := v.tail.documentRow(key)
	if row == nil {
		var err error
		if row, err = v.get(bucketRecords, key); row == nil || err != nil {
			return creditledger.Document{}, err
		}
	}
	return parseRow(id, key, row)
}

// Kinds implements store.Kinder. It skips from one kind to the next.
func (r reads) Kinds(ctx context.Context) (kinds []string, err error) {
	err = r.view(ctx, "kinds", func(v view) error {
		b, err := v.bucket(bucketRecords)
		if err != nil {
			return err
		}
		c := b.Cursor()
		for k, _ := c.First(); k != nil; {
			end := 1 + int(k[0]) // bbolt has no empty keys
			if end > len(k) {
				return corrupt("records", fmt.Sprintf("a key of %d bytes", len(k)))
			}
			kinds = append(kinds, string(k[1:end]))
			k, _ = c.Seek(behind(k[:end]))
		}
		for _, k := range v.tail.documentKeys(nil, nil) {
			kinds = append(kinds, string(k[1:1+int(k[0])]))
		}
		slices.Sort(kinds) // in the file the short ones come first
		kinds = slices.Compact(kinds)
		return nil
	})
	return orNil(kinds, err)
}
