package bench

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"go.etcd.io/bbolt"

	"creditledger"
	"creditledger/store"
)

// row is something put into a bucket of the store's file, or taken out of it.
type row struct {
	bucket, key, value []byte
	gone               bool
}

// writing is what a number of decrements wrote: to the log each at once, and to the
// tables when they followed.
type writing struct {
	path   string // of the file as it was before
	log    []row
	tables []row
}

// foldEvery is after how many decrements the tables follow the log; see "Commits
// append to a log, tables follow" in docs/design.md.
const foldEvery = 8192

var topBucket, logBucket = []byte("creditledger"), []byte("log")

// record spends on accounts of a file and looks what was written.
func record(b *testing.B, accounts int, key func() creditledger.Key) *writing {
	b.Helper()
	dir := b.TempDir()
	was, is := filepath.Join(dir, "was.db"), filepath.Join(dir, "is.db")
	var ids []creditledger.AccountID
	inLedger(b, was, nil, func(l *creditledger.Ledger, _ store.Store) { ids = grant(b, l, accounts) })
	copyFile(b, was, is)
	inLedger(b, is, nil, func(l *creditledger.Ledger, _ store.Store) {
		var all sync.WaitGroup
		const writers = 64
		for w := range writers {
			all.Go(func() {
				for i := range foldEvery / writers {
					var k creditledger.Key
					if key != nil {
						k = key()
					}
					if _, err := l.Do(context.Background(), pick(ids, w+i*writers), one, k); err != nil {
						b.Error(err)
					}
				}
			})
		}
		all.Wait()
	})
	w := &writing{path: was}
	for _, r := range difference(b, was, is) {
		if bytes.Equal(r.bucket, logBucket) {
			w.log = append(w.log, r)
		} else {
			w.tables = append(w.tables, r)
		}
	}
	if len(w.log) != foldEvery || len(w.tables) == 0 {
		b.Fatalf("%d decrements wrote %d rows of the log and %d of tables", foldEvery, len(w.log), len(w.tables))
	}
	return w
}

func copyFile(b *testing.B, from, to string) {
	b.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		b.Fatal(err)
	}
	f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		b.Fatal(err)
	}
	// Synced, so that no measurement pays for it later.
	if _, err = f.Write(data); err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		b.Fatal(err)
	}
}

// difference lists what stands in the file is and not, or otherwise, in the file was.
func difference(b *testing.B, was, is string) (rows []row) {
	b.Helper()
	err := openRaw(b, was).View(func(before *bbolt.Tx) error {
		return openRaw(b, is).View(func(after *bbolt.Tx) error {
			return after.Bucket(topBucket).ForEachBucket(func(name []byte) error {
				rows = append(rows, bucketDifference(name, before.Bucket(topBucket).Bucket(name).Cursor(), after.Bucket(topBucket).Bucket(name).Cursor())...)
				return nil
			})
		})
	})
	if err != nil {
		b.Fatal(err)
	}
	return rows
}

func bucketDifference(name []byte, was, is *bbolt.Cursor) (rows []row) {
	name = bytes.Clone(name)
	k, v := was.First()
	l, w := is.First()
	for k != nil || l != nil {
		order := bytes.Compare(k, l)
		switch {
		case l == nil || (k != nil && order < 0):
			rows = append(rows, row{bucket: name, key: bytes.Clone(k), gone: true})
			k, v = was.Next()
		case k == nil || order > 0:
			rows = append(rows, row{bucket: name, key: bytes.Clone(l), value: bytes.Clone(w)})
			l, w = is.Next()
		default:
			if !bytes.Equal(v, w) {
				rows = append(rows, row{bucket: name, key: bytes.Clone(l), value: bytes.Clone(w)})
			}
			k, v = was.Next()
			l, w = is.Next()
		}
	}
	return rows
}

// again writes what was written once more, with nothing but bbolt. When it is at its
// end it begins anew, under the numbers of the log that follow.
type again struct {
	*writing
	db   *bbolt.DB
	next int
	last uint64 // number of the log's last row
}

func (w *writing) again(b *testing.B) *again {
	b.Helper()
	path := filepath.Join(b.TempDir(), "raw.db")
	copyFile(b, w.path, path)
	return &again{writing: w, db: openRaw(b, path), last: binary.BigEndian.Uint64(w.log[0].key) - 1}
}

func (a *again) put(n int) error {
	return a.db.Update(func(tx *bbolt.Tx) error {
		top := tx.Bucket(topBucket)
		log := top.Bucket(logBucket)
		log.FillPercent = 1
		for range n {
			a.last++
			if err := log.Put(binary.BigEndian.AppendUint64(nil, a.last), a.log[a.next].value); err != nil {
				return err
			}
			if a.next++; a.next < len(a.log) {
				continue
			}
			a.next = 0
			for _, r := range a.tables {
				if err := r.write(top.Bucket(r.bucket)); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func (r *row) write(b *bbolt.Bucket) error {
	if r.gone {
		return b.Delete(r.key)
	}
	return b.Put(r.key, r.value)
}

// BenchmarkRawSame writes with bbolt alone what the store writes for decrements: the
// same bytes under the same keys, as many at once as writers wait.
func BenchmarkRawSame(b *testing.B) {
	for _, accounts := range []int{1, 10_000} {
		b.Run(fmt.Sprintf("accounts=%d", accounts), func(b *testing.B) {
			for _, key := range keys {
				a := record(b, accounts, key.next).again(b)
				for _, writers := range writers {
					b.Run(fmt.Sprintf("key=%s/writers=%d", key.name, writers), func(b *testing.B) {
						b.ReportAllocs()
						grouping(b, writers > 1, writers, a.put)
					})
				}
			}
		})
	}
}
