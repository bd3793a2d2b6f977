package bolt

import (
	"bytes"
	"encoding/binary"
	"iter"
	"maps"
	"slices"

	"go.etcd.io/bbolt"
)

// unwritten is what a log file has of a tail and the buckets do not: rows of theirs. A row
// of the log is not changed once it is here.
type unwritten struct {
	log       [][]byte          // rows of bucket log, of the log numbers that follow on tail.folded
	again     map[uint64][]byte // rows of it, by number, that took the place of another
	documents map[string][]byte // rows of bucket records, by key
}

// rows copies what a reader of the log needs.
func (u *unwritten) rows() unwritten {
	return unwritten{log: u.log[:len(u.log):len(u.log)], again: maps.Clone(u.again)}
}

// logRow returns a row of the log that is not in its bucket, nil if there is none.
func (t *tail) logRow(number uint64) []byte {
	for ; t != nil; t = t.older {
		if row := t.again[number]; row != nil {
			return row
		}
		if number > t.folded && number <= t.folded+uint64(len(t.log)) {
			return t.log[number-t.folded-1]
		}
	}
	return nil
}

// documentRow returns a row that is not in its bucket, nil if there is none.
func (t *tail) documentRow(key []byte) []byte {
	for ; t != nil; t = t.older {
		if row := t.documents[string(key)]; row != nil {
			return row
		}
	}
	return nil
}

// documentKeys are those of the rows that begin with prefix, from a key on, in order.
func (t *tail) documentKeys(prefix, from []byte) (keys [][]byte) {
	for ; t != nil; t = t.older {
		for k := range t.documents {
			if k >= string(from) && len(k) >= len(prefix) && k[:len(prefix)] == string(prefix) {
				keys = append(keys, []byte(k))
			}
		}
	}
	slices.SortFunc(keys, bytes.Compare)
	return slices.CompactFunc(keys, bytes.Equal)
}

// documentRows yields the rows of bucket records that begin with prefix, from a key on, in
// order.
func (v view) documentRows(b *bbolt.Bucket, prefix, from []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(k, row []byte) bool) {
		recent := v.tail.documentKeys(prefix, from)
		for k, row := range ascending(b, prefix, from) {
			for len(recent) > 0 && bytes.Compare(recent[0], k) < 0 {
				if !yield(recent[0], v.tail.documentRow(recent[0])) {
					return
				}
				recent = recent[1:]
			}
			if len(recent) > 0 && bytes.Equal(recent[0], k) {
				row, recent = v.tail.documentRow(k), recent[1:]
			}
			if !yield(k, row) {
				return
			}
		}
		for _, k := range recent {
			if !yield(k, v.tail.documentRow(k)) {
				return
			}
		}
	}
}

// In a log file a commit is its rows, one after the other: what the row is, its key behind
// its length, and its value behind its length.
const (
	logPut      = 1 // the key is a log number
	documentPut = 2
)

// putRow is a row that a commit puts into bucket log or records.
type putRow struct {
	document   bool
	key, value []byte
}

func appendPutRow(dst []byte, r *putRow) []byte {
	kind := byte(logPut)
	if r.document {
		kind = documentPut
	}
	dst = append(dst, kind)
	dst = append(binary.AppendUvarint(dst, uint64(len(r.key))), r.key...)
	return append(binary.AppendUvarint(dst, uint64(len(r.value))), r.value...)
}

// parsePutRows reads what appendPutRow made; false when it is something else.
func parsePutRows(data []byte) (rows []putRow, ok bool) {
	text := func() (text []byte, ok bool) {
		n, size := binary.Uvarint(data)
		if size <= 0 || n > uint64(len(data)-size) {
			return nil, false
		}
		text, data = data[size:size+int(n):size+int(n)], data[size+int(n):]
		return text, true
	}
	for len(data) > 0 {
		kind := data[0]
		data = data[1:]
		k, ok := text()
		if !ok {
			return nil, false
		}
		value, ok := text()
		if !ok || kind != documentPut && (kind != logPut || len(k) != numberSize) {
			return nil, false
		}
		rows = append(rows, putRow{document: kind == documentPut, key: k, value: value})
	}
	return rows, true
}

// take adds rows that a commit put, which are the tail's from then on.
func (t *tail) take(rows []putRow) {
	for i := range rows {
		r := &rows[i]
		number := uint64(0)
		if !r.document {
			number = binary.BigEndian.Uint64(r.key)
		}
		switch {
		case r.document:
			if t.documents == nil {
				t.documents = map[string][]byte{}
			}
			t.size += documentSize(len(r.key), len(r.value)) - oldDocumentSize(t.documents, r.key)
			t.documents[string(r.key)] = r.value
		case number > t.folded+uint64(len(t.log)):
			t.log = append(t.log, r.value)
		default:
			if t.again == nil {
				t.again = map[uint64][]byte{}
			}
			t.size += 48 + len(r.value)
			t.again[number] = r.value
		}
	}
}

func documentSize(key, value int) int { return 64 + key + value }

func oldDocumentSize(documents map[string][]byte, key []byte) int {
	if row, found := documents[string(key)]; found {
		return documentSize(len(key), len(row))
	}
	return 0
}
