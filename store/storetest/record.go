package storetest

import (
	"bytes"
	"context"
	"errors"
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
	{"records/versions", "A record gets the version that its put names, and the next put counts on from there; one that is not more than Expect is refused with an InvalidError.", onStore(recordsVersions)},
	{"records/kinds", "A store with Kinds lists every kind of its records once, in byte order.", onStore(recordsKinds)},
}

func sameRecord(ctx context.Context, s creditledger.Store, id creditledger.DocumentID, version uint64, value []byte) error {
	got, err := s.Document(ctx, id)
	if err != nil || got.DocumentID != id || got.Version != version || !bytes.Equal(got.Value, value) {
		return fmt.Errorf("Record(%q) = %+v, %v, want version %d, %x", id, got, err, version, value)
	}
	return nil
}

// over returns a put that was computed from a document with a value, unless it is the
// first.
func over(put creditledger.DocumentPut, was []byte) creditledger.DocumentPut {
	if put.Expect > 0 {
		put.Prev = creditledger.SealOf(was)
	}
	return put
}

func recordsGet(ctx context.Context, s creditledger.Store) error {
	for version := range uint64(3) {
		var list []creditledger.DocumentPut
		for i, text := range awkwardTexts {
			list = append(list, over(creditledger.DocumentPut{
				DocumentID: creditledger.DocumentID{Kind: "kind", Key: text}, Expect: version, Value: sampleBytes(text, uint64(i)+version),
			}, sampleBytes(text, uint64(i)+version-1)))
		}
		list = append(list, over(creditledger.DocumentPut{
			DocumentID: creditledger.DocumentID{Kind: "kind", Key: strings.Repeat("z", 1024)}, Expect: version, // an empty value
		}, nil))
		if err := s.Commit(ctx, []creditledger.Change{{Documents: list}}); err != nil {
			return fmt.Errorf("Commit of records: %w", err)
		}
		for _, put := range list {
			if err := sameRecord(ctx, s, put.DocumentID, version+1, put.Value); err != nil {
				return err
			}
		}
	}
	return nil
}

func recordsNotFound(ctx context.Context, s creditledger.Store) error {
	put := creditledger.DocumentPut{DocumentID: creditledger.DocumentID{Kind: "kind", Key: "key"}, Value: []byte("v")}
	if err := s.Commit(ctx, []creditledger.Change{{Documents: []creditledger.DocumentPut{put}}}); err != nil {
		return err
	}
	for _, id := range []creditledger.DocumentID{{Kind: "kind", Key: "ke"}, {Kind: "kind", Key: "keys"}, {Kind: "kind", Key: "KEY"},
		{Kind: "kin", Key: "dkey"}, {Kind: "other", Key: "key"}} {
		_, err := s.Document(ctx, id)
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
	var list []creditledger.DocumentPut
	for _, kind := range []string{"kind", "kin", "kindk", "a", "z"} {
		for _, k := range keys {
			list = append(list, creditledger.DocumentPut{
				DocumentID: creditledger.DocumentID{Kind: kind, Key: k}, Value: []byte(kind + k),
			})
		}
	}
	if err := s.Commit(ctx, []creditledger.Change{{Documents: list}}); err != nil {
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
	if got, err := s.Documents(ctx, "none", "", "", 10); err != nil || len(got) > 0 {
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
	got, err := s.Documents(ctx, "kind", prefix, after, limit)
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

func recordsVersions(ctx context.Context, s creditledger.Store) error {
	id := creditledger.DocumentID{Kind: "kind", Key: "key"}
	before := ""
	commit := func(expect, version uint64, value string) error {
		put := over(creditledger.DocumentPut{DocumentID: id, Expect: expect, Version: version, Value: []byte(value)}, []byte(before))
		return s.Commit(ctx, []creditledger.Change{{Documents: []creditledger.DocumentPut{put}}})
	}
	stored := uint64(0)
	for i, step := range []struct{ named, want uint64 }{{7, 7}, {0, 8}, {9, 9}, {1 << 40, 1 << 40}, {0, 1<<40 + 1}} {
		value := fmt.Sprint("value ", i)
		if err := commit(stored, step.named, value); err != nil {
			return fmt.Errorf("Commit of version %d after %d: %w", step.named, stored, err)
		}
		if err := sameRecord(ctx, s, id, step.want, []byte(value)); err != nil {
			return err
		}
		if err := conflicts(commit(stored, stored+1, "late"), id); err != nil {
			return fmt.Errorf("Commit after version %d, with %d stored: %w", stored, step.want, err)
		}
		stored, before = step.want, value
	}
	for _, version := range []uint64{stored, stored - 1, 1} {
		if err := commit(stored, version, "back"); !errors.Is(err, creditledger.ErrInvalid) {
			return fmt.Errorf("Commit of version %d after %d: error %v, want an InvalidError", version, stored, err)
		}
	}
	return sameRecord(ctx, s, id, stored, []byte("value 4"))
}

// conflicts checks that an error is a ConflictError that names the document.
func conflicts(err error, id creditledger.DocumentID) error {
	var conflict *creditledger.ConflictError
	if !errors.As(err, &conflict) || !slices.Equal(conflict.Documents, []creditledger.DocumentID{id}) {
		return fmt.Errorf("error %v, want a ConflictError that names %v", err, id)
	}
	return nil
}

func recordsKinds(ctx context.Context, s creditledger.Store) error {
	lister, ok := s.(interface {
		Kinds(ctx context.Context) ([]string, error)
	})
	if !ok {
		return ErrNotApplicable
	}
	if got, err := lister.Kinds(ctx); err != nil || len(got) > 0 {
		return fmt.Errorf("Kinds of an empty store = %q, %v", got, err)
	}
	want := []string{"a", "a_b", "aa", "ab", "b", strings.Repeat("k", 64), "z"}
	for round := range 2 {
		var list []creditledger.DocumentPut
		for _, kind := range want {
			for _, k := range append([]string{strings.Repeat("\xff", 1000)}, awkwardTexts...) {
				list = append(list, creditledger.DocumentPut{DocumentID: creditledger.DocumentID{Kind: kind, Key: fmt.Sprint(k, round)}})
			}
		}
		if err := s.Commit(ctx, []creditledger.Change{{Documents: list}}); err != nil {
			return fmt.Errorf("Commit of records: %w", err)
		}
		if got, err := lister.Kinds(ctx); err != nil || !slices.Equal(got, want) {
			return fmt.Errorf("Kinds = %q, %v, want %q", got, err, want)
		}
	}
	over, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := lister.Kinds(over); !errors.Is(err, context.Canceled) {
		return fmt.Errorf("Kinds with a context that is over: error %v", err)
	}
	return nil
}
