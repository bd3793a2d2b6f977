package bench

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"sync"
	"testing"

	"go.etcd.io/bbolt"

	"creditledger"
	"creditledger/bench/measure"
	"creditledger/store"
)

// row is something put into a bucket of the store's file, or taken out of it.
type row struct {
	bucket, key, value []byte
	gone               bool
}

// recording is what decrements wrote, window by window. A window is as many records as the
// store gathers in the log before it writes the tables.
type recording struct {
	path    string // of the file as it was before
	windows []window
	rows    int // of the log
}

type window struct{ log, tables []row }

var topBucket, logBucket = []byte("creditledger"), []byte("log")

// record spends from accounts of a file and notes what was written.
func record(b *testing.B, accounts int, key func() creditledger.Key) *recording {
	b.Helper()
	dir := b.TempDir()
	was, is := filepath.Join(dir, "was.db"), filepath.Join(dir, "is.db")
	var ids []creditledger.AccountID
	var gathered int
	inLedger(b, was, nil, func(l *creditledger.Ledger, s store.Store) {
		ids = grant(b, l, accounts)
		gathered = measure.Size(foldEvery(s), 2_048)
	})
	rec := &recording{path: filepath.Join(dir, "first.db")}
	copyFile(b, was, rec.path)
	for range measure.Size(4, 1) {
		copyFile(b, was, is)
		// Closing writes the tables.
		inLedger(b, is, nil, func(l *creditledger.Ledger, _ store.Store) { spendAtOnce(b, l, ids, gathered, key) })
		var w window
		for _, r := range difference(b, was, is) {
			if bytes.Equal(r.bucket, logBucket) {
				w.log = append(w.log, r)
			} else {
				w.tables = append(w.tables, r)
			}
		}
		if len(w.log) != gathered || len(w.tables) == 0 {
			b.Fatalf("%d decrements wrote %d rows of the log and %d of tables", gathered, len(w.log), len(w.tables))
		}
		rec.windows, rec.rows = append(rec.windows, w), rec.rows+len(w.log)
		was, is = is, was
		if err := os.Remove(is); err != nil {
			b.Fatal(err)
		}
	}
	return rec
}

// foldEvery is how many records the store lets gather before the tables follow.
func foldEvery(s store.Store) int {
	return int(reflect.ValueOf(s).Elem().FieldByName("foldEvery").Int())
}

// spendAtOnce has 64 writers make n decrements.
func spendAtOnce(b *testing.B, l *creditledger.Ledger, ids []creditledger.AccountID, n int, key func() creditledger.Key) {
	b.Helper()
	const writers = 64
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for i := w; i < n; i += writers {
				var k creditledger.Key
				if key != nil {
					k = key()
				}
				if _, err := l.Do(context.Background(), pick(ids, i), one, k); err != nil {
					b.Error(err)
				}
			}
		})
	}
	all.Wait()
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
	// It is synced here, so that no measurement pays for it later.
	if _, err = f.Write(data); err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		b.Fatal(err)
	}
}

// difference lists the rows of the file is that differ from those of the file was, and the
// rows that are gone.
func difference(b *testing.B, was, is string) (rows []row) {
	b.Helper()
	from, to := openRaw(b, was), openRaw(b, is)
	err := from.View(func(before *bbolt.Tx) error {
		return to.View(func(after *bbolt.Tx) error {
			return after.Bucket(topBucket).ForEachBucket(func(name []byte) error {
				rows = append(rows, bucketDifference(name, before.Bucket(topBucket).Bucket(name).Cursor(), after.Bucket(topBucket).Bucket(name).Cursor())...)
				return nil
			})
		})
	})
	if err := errors.Join(err, from.Close(), to.Close()); err != nil {
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

// again writes the recorded rows once more, with bbolt alone.
type again struct {
	*recording
	b            *testing.B // the benchmark that it serves
	db           *bbolt.DB
	window, next int    // the row that comes next
	last         uint64 // number of the log's last row
	left         int    // rows that are still to come
}

// begin makes sure that n rows are left to write, on a fresh file if need be. If the
// recording has fewer, it is repeated under the numbers that follow.
func (a *again) begin(n int) {
	if a.db != nil && a.left >= n {
		return
	}
	path := filepath.Join(a.b.TempDir(), "raw.db")
	copyFile(a.b, a.path, path)
	a.db = openRaw(a.b, path)
	a.window, a.next, a.left = 0, 0, a.rows
	a.last = binary.BigEndian.Uint64(a.windows[0].log[0].key) - 1
}

func (a *again) put(n int) error {
	a.left -= n
	return a.db.Update(func(tx *bbolt.Tx) error {
		top := tx.Bucket(topBucket)
		log := top.Bucket(logBucket)
		log.FillPercent = 1
		for range n {
			w := &a.windows[a.window]
			a.last++
			if err := log.Put(binary.BigEndian.AppendUint64(nil, a.last), w.log[a.next].value); err != nil {
				return err
			}
			if a.next++; a.next < len(w.log) {
				continue
			}
			for i := range w.tables {
				if err := w.tables[i].write(top.Bucket(w.tables[i].bucket)); err != nil {
					return err
				}
			}
			a.window, a.next = (a.window+1)%len(a.windows), 0
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
				b.Run("key="+key.name, func(b *testing.B) {
					a := &again{recording: record(b, accounts, key.next), b: b}
					for _, writers := range writers {
						b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
							b.ReportAllocs()
							a.begin(b.N)
							grouping(b, writers > 1, writers, a.put)
						})
					}
				})
			}
		})
	}
}

// BenchmarkOneWriter has the disk, bbolt and the ledger take turns, operation by operation:
// a lone writer waits mostly for the disk, and turns make its ups and downs the same for
// all.
func BenchmarkOneWriter(b *testing.B) {
	t := newTable(b, 0)
	subjects := []measure.Subject{
		{Name: "of=write", Do: pageWriter(b)},
		{Name: "of=put", Do: func() error { return t.put(1, t.increasing) }},
	}
	turns := measure.Size(1_500, 1)
	for _, key := range keys {
		a := &again{recording: record(b, 1, key.next), b: b}
		a.begin(turns)
		l := stores[1].ledger(b, nil)
		on := grant(b, l, 1)[0]
		subjects = append(subjects,
			measure.Subject{Name: "of=same/key=" + key.name, Do: func() error { return a.put(1) }},
			measure.Subject{Name: "of=decrement/key=" + key.name, Do: func() error {
				var k creditledger.Key
				if key.next != nil {
					k = key.next()
				}
				_, err := l.Do(context.Background(), on, one, k)
				return err
			}})
	}
	measure.Alternate(b, turns, 1, subjects)
}
