package bolt_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"

	"go.etcd.io/bbolt"

	"creditledger"
	"creditledger/store/bolt"
)

var noteID = creditledger.DocumentID{Kind: "note", Key: "n1"}

func mustNote(t *testing.T, s *bolt.Store) {
	t.Helper()
	if err := putNote(t, s, 0, "note"); err != nil {
		t.Fatal(err)
	}
}

func putNote(t *testing.T, s *bolt.Store, expect uint64, value string) error {
	t.Helper()
	l := creditledger.New(s, nil)
	was, err := s.Document(t.Context(), noteID)
	if err == nil && was.Version != expect {
		t.Fatalf("the note has version %d, not %d", was.Version, expect)
	}
	err = l.PutDocuments(t.Context(), []creditledger.DocumentPut{{DocumentID: noteID, Expect: expect, Prev: was.Seal(), Value: []byte(value)}})
	return errors.Join(err, l.Close())
}

// TestRecordsAreChecked: no bit of a document of an upper layer changes unnoticed, not
// where it stands, nor its version, nor its value; it is neither read nor put over.
func TestRecordsAreChecked(t *testing.T) {
	file := path(t)
	s := mustOpen(t, file, nil)
	if err := putNote(t, s, 0, `{"amount":"100"}`); err != nil {
		t.Fatal(err)
	}
	mustClose(t, s)
	var sound []byte
	at := []byte("\x04noten1")
	row := func(change func(b *bbolt.Bucket) error) {
		t.Helper()
		database(t, file, nil, func(tx *bbolt.Tx) error { return change(ledgerBucket(tx, "records")) })
	}
	row(func(b *bbolt.Bucket) error { sound = bytes.Clone(b.Get(at)); return nil })
	refused := func(what string, id creditledger.DocumentID) {
		t.Helper()
		s := mustOpen(t, file, nil)
		defer mustClose(t, s)
		if r, err := s.Document(t.Context(), id); !errors.Is(err, creditledger.ErrCorrupt) {
			t.Errorf("%s: it is read as version %d, %q (%v)", what, r.Version, r.Value, err)
		}
		if _, err := s.Documents(t.Context(), id.Kind, "", "", 10); !errors.Is(err, creditledger.ErrCorrupt) {
			t.Errorf("%s: it is listed: %v", what, err)
		}
	}
	for i := range len(sound) * 8 {
		damaged := bytes.Clone(sound)
		damaged[i/8] ^= 0x80 >> (i % 8)
		row(func(b *bbolt.Bucket) error { return b.Put(at, damaged) })
		refused("one bit", noteID)
	}
	row(func(b *bbolt.Bucket) error { return errors.Join(b.Put(at, sound), b.Put([]byte("\x04noten2"), sound)) })
	refused("in another's place", creditledger.DocumentID{Kind: "note", Key: "n2"})
	if err := putNote(t, mustOpen(t, file, nil), 1, "new"); err != nil {
		t.Error(err)
	}
}

// TestRecordsOfLayout1: rows without a check are read as they are, and get one when they
// are put again; the file says from then on that older releases cannot read it.
func TestRecordsOfLayout1(t *testing.T) {
	file := path(t)
	mustClose(t, mustOpen(t, file, nil))
	layout := func(tx *bbolt.Tx) uint32 {
		return binary.BigEndian.Uint32(ledgerBucket(tx, "meta").Get([]byte("format")))
	}
	database(t, file, nil, func(tx *bbolt.Tx) error {
		return errors.Join(ledgerBucket(tx, "meta").Put([]byte("format"), []byte{0, 0, 0, 1}),
			ledgerBucket(tx, "records").Put([]byte("\x04noten1"), append(binary.BigEndian.AppendUint64(nil, 3), "old"...)))
	})
	unchanged(t, file, func() {
		s := mustOpen(t, file, &bolt.Options{ReadOnly: true})
		if r, err := s.Document(t.Context(), noteID); err != nil || r.Version != 3 || string(r.Value) != "old" {
			t.Errorf("read only: %+v, %v", r, err)
		}
		mustClose(t, s)
	})
	s := mustOpen(t, file, nil)
	if err := putNote(t, s, 3, "new"); err != nil {
		t.Error(err)
	}
	if r, err := s.Document(t.Context(), noteID); err != nil || r.Version != 4 || string(r.Value) != "new" {
		t.Errorf("put again: %+v, %v", r, err)
	}
	mustClose(t, s)
	database(t, file, nil, func(tx *bbolt.Tx) error {
		if n := layout(tx); n != 4 {
			t.Errorf("the layout is %d", n)
		}
		if row := ledgerBucket(tx, "records").Get([]byte("\x04noten1")); row[0] != 0x80 {
			t.Errorf("the row is %x", row)
		}
		return nil
	})
}

// TestNothingIsShownBeforeItIsWritten: while a commit is being written into the log file,
// readers see what was there before it.
func TestNothingIsShownBeforeItIsWritten(t *testing.T) {
	s := mustOpen(t, path(t), nil)
	bolt.Engage(t, s, 1<<20)
	mustGrant(t, s, ann, 1)
	done, looks := uint64(1), 0
	bolt.HookLog(s, func(write func([]byte, int64) (int, error), p []byte, off int64) (int, error) {
		look := func() {
			looks++
			state, err := s.Load(t.Context(), ann, nil)
			if err != nil || state.Head.Version != done {
				t.Errorf("after %d commits a reader sees version %d: %v", done, state.Head.Version, err)
			}
		}
		look()
		defer look()
		return write(p, off)
	})
	bolt.SetFoldEvery(s, 3)
	for range 10 {
		if err := grant(t, s, ann, ""); err != nil {
			t.Fatal(err)
		}
		done++
	}
	if looks != 20 {
		t.Errorf("%d looks", looks)
	}
}
