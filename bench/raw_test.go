package bench

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"

	"go.etcd.io/bbolt"
)

// BenchmarkRawWrite overwrites one page of a file and waits for the disk: the least
// that anything durable costs.
func BenchmarkRawWrite(b *testing.B) {
	const page = 4096
	f, err := os.Create(filepath.Join(b.TempDir(), "raw"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	data := make([]byte, page)
	b.Run(fmt.Sprintf("bytes=%d/sync=data", page), func(b *testing.B) {
		for b.Loop() {
			data[0]++
			if _, err := f.WriteAt(data, 0); err != nil {
				b.Fatal(err)
			}
			if err := syncData(f); err != nil {
				b.Fatal(err)
			}
		}
		rate(b, 1)
	})
}

// BenchmarkRawBolt puts values of 200 bytes under increasing keys, each in a
// transaction of its own or all that wait in one.
func BenchmarkRawBolt(b *testing.B) {
	db, err := bbolt.Open(filepath.Join(b.TempDir(), "raw.db"), 0o600, &bbolt.Options{FreelistType: bbolt.FreelistMapType})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	bucket := []byte("values")
	err = db.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucket(bucket)
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	var last atomic.Uint64
	value := make([]byte, 200)
	put := func(puts int) error {
		return db.Update(func(tx *bbolt.Tx) error {
			for range puts {
				if err := tx.Bucket(bucket).Put(binary.BigEndian.AppendUint64(nil, last.Add(1)), value); err != nil {
					return err
				}
			}
			return nil
		})
	}
	for _, grouped := range []bool{false, true} {
		for _, writers := range []int{1, 8, 64} {
			b.Run(fmt.Sprintf("grouped=%t/writers=%d", grouped, writers), func(b *testing.B) {
				b.ReportAllocs()
				if !grouped {
					together(b, writers, func(int) error { return put(1) })
					return
				}
				g := newGroup(put)
				defer g.end()
				together(b, writers, func(int) error { return g.put() })
			})
		}
	}
}

// group lets writers share transactions: whoever waits when one begins is in it.
type group struct{ waiting chan chan error }

// maxGroup is more than there are writers.
const maxGroup = 1024

func newGroup(put func(puts int) error) *group {
	g := &group{waiting: make(chan chan error, maxGroup)}
	go func() {
		for first := range g.waiting {
			members := []chan error{first}
			for seen := -1; seen != len(members); {
				seen = len(members)
				for range len(g.waiting) {
					members = append(members, <-g.waiting)
				}
				runtime.Gosched()
			}
			err := put(len(members))
			for _, m := range members {
				m <- err
			}
		}
	}()
	return g
}

func (g *group) put() error {
	done := make(chan error, 1)
	g.waiting <- done
	return <-done
}

func (g *group) end() { close(g.waiting) }
