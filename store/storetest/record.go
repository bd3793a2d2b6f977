package storetest

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"creditledger"
)

var recordCases = []Case{
	{"records/get", "Record returns the value that was put last and its version, byte for byte.", onStore(recordsGet)},
	{"records/not found", "Record of a key that its kind does not have is a NotFoundError.", onStore(recordsNotFound)},
	{"records/pages", "Records returns up to limit records of the kind with the prefix, after the given key, in byte order.", onStore(recordsPages)},
}

func sameRecord(ctx context.Context, s creditledger.Store, id creditledger.RecordID, version uint64, value []byte) error {
	got, err := s.Record(ctx, id)
	if err != nil || got.RecordID != id || got.Version != version || !bytes.Equal(got.Value, value) {
		return fmt.Errorf("Record(%q) = %+v, %v, want version %d, %x", id, got, err, version, value)
	}
	return nil
}

func recordsGet(ctx context.Context, s creditledger.Store) error {
	for version := range uint64(3) {
		var list []creditledger.RecordPut
		for i, text := range awkwardTexts {
			list = append(list, creditledger.RecordPut{
				RecordID: creditledger.RecordID{Kind: "kind", Key: text}, Expect: version, Value: sampleBytes(text, uint64(i)+version),
			})
		}
		list = append(list, creditledger.RecordPut{
			RecordID: creditledger.RecordID{Kind: "kind", Key: strings.Repeat("z", 1024)}, Expect: version, // an empty value
		})
		if err := s.Commit(ctx, []creditledger.Change{{Records: list}}); err != nil {
			return fmt.Errorf("Commit of records: %w", err)
		}
		for _, put := range list {
			if err := sameRecord(ctx, s, put.RecordID, version+1, put.Value); err != nil {
				return err
			}
		}
	}
	return nil
}

func recordsNotFound(ctx context.Context, s creditledger.Store) error {
	put := creditledger.RecordPut{RecordID: creditledger.RecordID{Kind: "kind", Key: "key"}, Value: []byte("v")}
	if err := s.Commit(ctx, []creditledger.Change{{Records: []creditledger.RecordPut{put}}}); err != nil {
		return err
	}
	for _, id := range []creditledger.RecordID{{Kind: "kind", Key: "ke"}, {Kind: "kind", Key: "keys"}, {Kind: "kind", Key: "KEY"},
		{Kind: "kin", Key: "dkey"}, {Kind: "other", Key: "key"}} {
		_, err := s.Record(ctx, id)
		if err := notFound(err); err != nil {
			return fmt.Errorf("Record(%q): %w", id, err)
		}
	}
	return nil
}

func recordsPages(ctx context.Context, s creditledger.Store) error {
	keys := slices.Clone(awkwardTexts)
	for i := range 30 {
		keys = append(keys, fmt.Sprintf("k%02d-", i))
	}
	var list []creditledger.RecordPut
	for _, kind := range []string{"kind", "kin", "kindk", "a", "z"} {
		for _, k := range keys {
			list = append(list, creditledger.RecordPut{
				RecordID: creditledger.RecordID{Kind: kind, Key: k}, Value: []byte(kind + k),
			})
		}
	}
	if err := s.Commit(ctx, []creditledger.Change{{Records: list}}); err != nil {
		return fmt.Errorf("Commit of records: %w", err)
	}
	slices.Sort(keys)
	for _, prefix := range []string{"", "k", "k0", "k1", "K", "é", "k%", "k_", "none"} {
		for _, after := range append([]string{"", "k05-x", "j", "zz"}, keys[:10]...) {
			for _, limit := range []int{0, 1, 7, math.MaxInt} {
				if err := recordsPage(ctx, s, keys, prefix, after, limit); err != nil {
					return err
				}
			}
		}
	}
	if got, err := s.Records(ctx, "none", "", "", 10); err != nil || len(got) > 0 {
		return fmt.Errorf("Records of a kind without any = %v, %v", got, err)
	}
	return nil
}

func recordsPage(ctx context.Context, s creditledger.Store, keys []string, prefix, after string, limit int) error {
	var want []string
	for _, k := range keys {
		if strings.HasPrefix(k, prefix) && k > after && len(want) < limit {
			want = append(want, k)
		}
	}
	got, err := s.Records(ctx, "kind", prefix, after, limit)
	var gotKeys []string
	for _, r := range got {
		gotKeys = append(gotKeys, r.Key)
		if r.Kind != "kind" || r.Version != 1 || string(r.Value) != "kind"+r.Key {
			return fmt.Errorf("Records(prefix %q, after %q, limit %d) holds %+v", prefix, after, limit, r)
		}
	}
	if err != nil || !slices.Equal(gotKeys, want) {
		return fmt.Errorf("Records(prefix %q, after %q, limit %d) = %q, %v, want %q", prefix, after, limit, gotKeys, err, want)
	}
	return nil
}
