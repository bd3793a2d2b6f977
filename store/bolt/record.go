package bolt

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"

	"creditledger"
)

// Record implements creditledger.Store.
func (r reads) Record(ctx context.Context, id creditledger.RecordID) (record creditledger.Record, err error) {
	err = r.view(ctx, "record", func(v view) error {
		value, err := v.get(bucketRecords, recordKey(id.Kind, id.Key))
		if err != nil {
			return err
		}
		if value == nil {
			return &creditledger.NotFoundError{Kind: id.Kind, ID: id.Key}
		}
		record, err = decodeRecord(id, value)
		return err
	})
	return record, err
}

// Records implements creditledger.Store.
func (r reads) Records(ctx context.Context, kind, prefix, after string, limit int) (records []creditledger.Record, err error) {
	err = r.view(ctx, "records", func(v view) error {
		b, err := v.bucket(bucketRecords)
		if err != nil || limit <= 0 {
			return err
		}
		skip := len(recordKey(kind, ""))
		for k, value := range ascending(b, recordKey(kind, prefix), recordKey(kind, max(prefix, after))) {
			id := creditledger.RecordID{Kind: kind, Key: string(k[skip:])}
			if id.Key == after {
				continue
			}
			record, err := decodeRecord(id, value)
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

// recordVersion returns the version of a stored record, 0 if there is none.
func (v view) recordVersion(id creditledger.RecordID) (uint64, error) {
	value, err := v.get(bucketRecords, recordKey(id.Kind, id.Key))
	if value == nil || err != nil {
		return 0, err
	}
	record, err := decodeRecord(id, value)
	return record.Version, err
}

func decodeRecord(id creditledger.RecordID, value []byte) (creditledger.Record, error) {
	if len(value) < numberSize || binary.BigEndian.Uint64(value) == 0 {
		return creditledger.Record{}, corrupt(fmt.Sprintf("%s record %q", id.Kind, id.Key), "has no version")
	}
	return creditledger.Record{
		RecordID: id,
		Version:  binary.BigEndian.Uint64(value),
		Value:    bytesOf(value[numberSize:]),
	}, nil
}

// Kinds implements store.Kinder. The records of a kind are leapt over.
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
		slices.Sort(kinds) // in the file the short ones come first
		return nil
	})
	return orNil(kinds, err)
}
