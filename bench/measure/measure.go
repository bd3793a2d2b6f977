// Package measure holds what benchmarks of several packages share: how they are timed,
// and how large they are.
package measure

import (
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Full asks for the sizes that the goals speak of. Without it a run is small enough to
// show, in every change, that the benchmarks still work.
var Full = os.Getenv("LEDGER_BENCH") == "full"

// Size returns the first value in a full run, and the second in any other.
func Size[T any](inFull, otherwise T) T {
	if Full {
		return inFull
	}
	return otherwise
}

// Rate reports what happened n times in each iteration, with a unit such as ops/s.
func Rate(b *testing.B, n int, unit string) {
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), unit)
}

// Together has writers share b.N calls of one operation, and reports how many a second
// there were and how long they took.
func Together(b *testing.B, writers int, do func(i int) error) {
	took := make([]time.Duration, b.N)
	var next atomic.Int64
	var all sync.WaitGroup
	b.ResetTimer()
	for range writers {
		all.Go(func() {
			last := time.Now()
			for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
				if err := do(int(i)); err != nil {
					b.Error(err)
					return
				}
				now := time.Now()
				took[i-1], last = now.Sub(last), now
			}
		})
	}
	all.Wait()
	b.StopTimer()
	Rate(b, 1, "ops/s")
	slices.Sort(took)
	b.ReportMetric(took[len(took)/2].Seconds()*1e6, "p50-µs")
	b.ReportMetric(took[len(took)*99/100].Seconds()*1e6, "p99-µs")
}

// Subject is one of several things that are compared.
type Subject struct {
	Name string // key=value
	Do   func() error
}

// Alternate lets the subjects take turns of some operations each and reports the
// median turn of each of them: what disturbs the machine disturbs all alike. ratio is the
// median of what a subject's turn took to what the first one's of the same round did.
func Alternate(b *testing.B, turns, each int, subjects []Subject) {
	took := make([][]float64, len(subjects))
	for range turns {
		for i, s := range subjects {
			start := time.Now()
			for range each {
				if err := s.Do(); err != nil {
					b.Fatal(err)
				}
			}
			took[i] = append(took[i], float64(time.Since(start))/float64(each))
		}
	}
	ratios := make([]float64, turns)
	for i, s := range subjects {
		for turn := range turns {
			ratios[turn] = took[i][turn] / took[0][turn]
		}
		ratio := Median(ratios)
		b.Run(s.Name, func(b *testing.B) {
			b.ReportMetric(Median(took[i]), "ns/op")
			b.ReportMetric(ratio, "ratio")
		})
	}
}

// Median is the middle of some values, of which there is one at least.
func Median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// Heap returns how much memory is in use after a garbage collection.
func Heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
