package bolt

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"creditledger"
	"creditledger/bench/measure"
)

// BenchmarkOpen opens a file with some history and makes a first decrement.
// preflight-ms is what it takes to read every page before bbolt sees any, beyond-ms the
// rest; each is the least of its kind, because what disturbs is as large as the rest. closed=false is a file as a crash leaves it, with records in the
// log that the tables do not have yet.
func BenchmarkOpen(b *testing.B) {
	entries := measure.Size(1_000_000, 2_000)
	dir := b.TempDir()
	crashed := filepath.Join(dir, "crashed.db")
	closed := history(b, filepath.Join(dir, "closed.db"), crashed, entries)
	for _, file := range []struct {
		path   string
		closed bool
	}{{closed, true}, {crashed, false}} {
		b.Run(fmt.Sprintf("entries=%d/closed=%t", entries, file.closed), func(b *testing.B) {
			preflights, totals := []time.Duration{}, []time.Duration{}
			for range b.N {
				b.StopTimer()
				path := filepath.Join(dir, "open.db")
				duplicate(b, file.path, path)
				preflights = append(preflights, timePreflight(b, path), timePreflight(b, path))
				b.StartTimer()
				start := time.Now()
				s, err := Open(path, nil)
				if err != nil {
					b.Fatal(err)
				}
				l := creditledger.New(s, nil)
				if _, err := l.Do(context.Background(), account, decrement, ""); err != nil {
					b.Fatal(err)
				}
				totals = append(totals, time.Since(start))
				b.StopTimer()
				check(b, cmp.Or(l.Close(), s.Close(), os.Remove(path)))
				b.StartTimer()
			}
			preflight, total := slices.Min(preflights), slices.Min(totals)
			b.ReportMetric(preflight.Seconds()*1e3, "preflight-ms")
			b.ReportMetric((total-preflight).Seconds()*1e3, "beyond-ms")
		})
	}
}

var (
	account   = creditledger.AccountID{Customer: "ann", Currency: "credits"}
	decrement = creditledger.Decrement{Amount: creditledger.AmountOf(1)}
)

// history writes a file of that many decrements of an account of ten blocks, and a
// copy of it as it was while the last of them were not folded.
func history(b *testing.B, path, crashed string, entries int) string {
	b.Helper()
	s, err := Open(path, nil)
	check(b, err)
	l := creditledger.New(s, nil)
	var grants creditledger.Batch
	for i := range 10 {
		grants = append(grants, creditledger.Increment{
			Amount: creditledger.MustAmount("1e12"), ExpiresAt: creditledger.At(time.Now().AddDate(1+i, 0, 0)),
		})
	}
	_, err = l.Do(context.Background(), account, grants, "")
	check(b, err)
	for n := 0; n < entries; n += 1000 {
		var last *creditledger.Pending
		for range min(1000, entries-n) {
			last, err = l.Submit(context.Background(), account, decrement, "")
			check(b, err)
		}
		_, err = last.Wait(context.Background())
		check(b, err)
	}
	duplicate(b, path, crashed)
	check(b, cmp.Or(l.Close(), s.Close()))
	return path
}

// duplicate copies a ledger that nobody is writing to, with its log if there is one.
func duplicate(b *testing.B, from, to string) {
	b.Helper()
	copyFile(b, from, to)
	if _, err := os.Stat(from + "-log"); err == nil {
		copyFile(b, from+"-log", to+"-log")
	}
}

func copyFile(b *testing.B, from, to string) {
	b.Helper()
	in, err := os.Open(from)
	check(b, err)
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	check(b, err)
	_, err = io.Copy(out, in)
	check(b, cmp.Or(err, out.Sync(), out.Close()))
}

func timePreflight(b *testing.B, path string) time.Duration {
	b.Helper()
	f, err := os.Open(path)
	check(b, err)
	defer f.Close()
	info, err := f.Stat()
	check(b, err)
	start := time.Now()
	_, err = preflight(context.Background(), f, info.Size(), true)
	took := time.Since(start)
	check(b, err)
	return took
}

func check(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}
