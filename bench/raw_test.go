package bench

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"go.etcd.io/bbolt"

	"creditledger/bench/measure"
)

// BenchmarkRawWrite overwrites one page of a file and waits for the disk: the least
// that anything durable costs.
func BenchmarkRawWrite(b *testing.B) {
	write := pageWriter(b)
	b.Run(fmt.Sprintf("bytes=%d/sync=data", rawPage), func(b *testing.B) {
		measure.Together(b, 1, func(int) error { return write() })
	})
}

const rawPage = 4096

// pageWriter returns a function that overwrites a page and syncs it.
func pageWriter(b *testing.B) func() error {
	b.Helper()
	f, err := os.Create(filepath.Join(b.TempDir(), "raw"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { f.Close() })
	data := make([]byte, rawPage)
	return func() error {
		data[0]++
		if _, err := f.WriteAt(data, 0); err != nil {
			return err
		}
		return syncData(f)
	}
}

// table is a bbolt bucket of values of 200 bytes.
type table struct {
	db    *bbolt.DB
	last  atomic.Uint64
	value [200]byte
}

var bucket = []byte("values")

// openRaw opens a database as the store opens its own.
func openRaw(b *testing.B, path string) *bbolt.DB {
	b.Helper()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{InitialMmapSize: 1 << 30, NoStatistics: true})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	return db
}

// newTable returns a table of that many random keys.
func newTable(b *testing.B, rows int) *table {
	b.Helper()
	t := &table{db: openRaw(b, filepath.Join(b.TempDir(), "raw.db"))}
	err := t.db.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucket(bucket)
		return err
	})
	for ; err == nil && rows > 0; rows -= 1000 {
		err = t.put(min(rows, 1000), t.random)
	}
	if err != nil {
		b.Fatal(err)
	}
	return t
}

func (t *table) increasing() []byte { return binary.BigEndian.AppendUint64(nil, t.last.Add(1)) }
func (t *table) random() []byte     { return binary.BigEndian.AppendUint64(nil, scatter(t.last.Add(1))) }

// put makes one transaction of some puts.
func (t *table) put(puts int, key func() []byte) error {
	return t.db.Update(func(tx *bbolt.Tx) error {
		for range puts {
			if err := tx.Bucket(bucket).Put(key(), t.value[:]); err != nil {
				return err
			}
		}
		return nil
	})
}

// BenchmarkRawBolt puts values of 200 bytes, each in a transaction of its own or all
// that wait in one: under increasing keys into an empty table, or under random keys
// into one of as many rows as 10,000 accounts have blocks.
func BenchmarkRawBolt(b *testing.B) {
	for _, kind := range []string{"increasing", "random"} {
		b.Run("keys="+kind, func(b *testing.B) {
			t := newTable(b, 0)
			key := t.increasing
			if kind == "random" {
				t = newTable(b, measure.Size(100_000, 1_000))
				key = t.random
			}
			for _, grouped := range []bool{false, true} {
				for _, writers := range writers {
					b.Run(fmt.Sprintf("grouped=%t/writers=%d", grouped, writers), func(b *testing.B) {
						b.ReportAllocs()
						grouping(b, grouped, writers, func(puts int) error { return t.put(puts, key) })
					})
				}
			}
		})
	}
}

// grouping has writers call put each by itself, or together.
func grouping(b *testing.B, grouped bool, writers int, put func(puts int) error) {
	if !grouped {
		measure.Together(b, writers, func(int) error { return put(1) })
		return
	}
	g := measure.Group{Put: put}
	measure.Together(b, writers, func(int) error { return g.Join() })
}
