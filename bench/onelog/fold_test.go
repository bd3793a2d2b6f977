package onelog

import (
	"encoding/binary"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"creditledger/bench/measure"
)

// BenchmarkBesideFold commits to a log while nothing else happens, and while another goroutine
// folds: it puts rows of 200 bytes, under random keys, into a bbolt database of 200,000 such
// rows, so many in a transaction, one transaction after the other. It reports how long commits
// take, and how many rows a second are folded.
func BenchmarkBesideFold(b *testing.B) {
	rows, each := measure.Size(200_000, 2_000), measure.Size(10_000, 50)
	dir := b.TempDir()
	l, err := Create(filepath.Join(dir, "log"), 192<<20, 4096, Token{1})
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	db, err := bbolt.Open(filepath.Join(dir, "db"), 0o600, &bbolt.Options{InitialMmapSize: 1 << 30, NoStatistics: true, FreelistType: bbolt.FreelistMapType})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	last := uint64(0)
	fold := func(n int) error {
		keys := make([]uint64, n)
		for i := range keys {
			last++
			keys[i] = last * 0x9e3779b97f4a7c15
		}
		slices.Sort(keys)
		return db.Update(func(tx *bbolt.Tx) error {
			bucket, err := tx.CreateBucketIfNotExists([]byte("rows"))
			for _, k := range keys {
				if err == nil {
					err = bucket.Put(binary.BigEndian.AppendUint64(nil, k), make([]byte, 200))
				}
			}
			return err
		})
	}
	if err := fold(rows); err != nil {
		b.Fatal(err)
	}
	value := make([]byte, 200)
	run := func(b *testing.B) {
		took := make([]time.Duration, each)
		for i := range took {
			begun := time.Now()
			if err := l.Append(value); err != nil {
				b.Fatal(err)
			}
			took[i] = time.Since(begun)
		}
		slices.Sort(took)
		for name, at := range map[string]int{"p50-µs": each / 2, "p99-µs": each * 99 / 100, "p99.9-µs": each * 999 / 1000, "max-µs": each - 1} {
			b.ReportMetric(took[at].Seconds()*1e6, name)
		}
	}
	b.Run("fold=none", run)
	for _, inFold := range measure.Size([]int{32_768, 4_096, 512}, []int{300}) {
		stop, folded := make(chan struct{}), make(chan int)
		go func() {
			n := 0
			defer func() { folded <- n }()
			for {
				select {
				case <-stop:
					return
				default:
				}
				if err := fold(inFold); err != nil {
					b.Error(err)
					return
				}
				n += inFold
			}
		}()
		b.Run(fmt.Sprintf("fold=%d", inFold), func(b *testing.B) {
			begun := time.Now()
			run(b)
			close(stop)
			b.ReportMetric(float64(<-folded)/time.Since(begun).Seconds(), "rows/s")
		})
	}
}
