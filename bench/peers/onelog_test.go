package peers

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"creditledger"
	"creditledger/bench/measure"
	"creditledger/internal/onelog"
	"creditledger/store/bolt"
)

// BenchmarkOneFlush compares durable commits, by turns of a few operations: a credit spent
// by the ledger on a file, the same in SQLite by hand, one put of 200 bytes in bbolt, a
// write to a log like the ledger's, and one write and one flush of 200 bytes, in a file of
// fixed size and in one that grows. It reports the median of each, and the median of its
// ratio to the one write of the same turn.
func BenchmarkOneFlush(b *testing.B) {
	dir := b.TempDir()
	subjects := []measure.Subject{
		{Name: "ledger", Do: ledgerOnFile(b, filepath.Join(dir, "ledger.db"))},
		{Name: "sqlite", Do: handWritten(b)},
		{Name: "bbolt", Do: onePut(b, filepath.Join(dir, "raw.db"))},
		{Name: "log", Do: inLog(b, filepath.Join(dir, "log"))},
		{Name: "write/growing", Do: oneWrite(b, filepath.Join(dir, "growing"), false)},
		{Name: "write", Do: oneWrite(b, filepath.Join(dir, "made"), true)},
	}
	turns, each := measure.Size(151, 3), 10
	took := make([][]float64, len(subjects))
	for range turns {
		for i, s := range subjects {
			begun := time.Now()
			for range each {
				if err := s.Do(); err != nil {
					b.Fatal(err)
				}
			}
			took[i] = append(took[i], time.Since(begun).Seconds()*1e6/float64(each))
		}
	}
	one := took[len(took)-1]
	for i, s := range subjects {
		ratios := make([]float64, turns)
		for k := range ratios {
			ratios[k] = took[i][k] / one[k]
		}
		b.Run(s.Name, func(b *testing.B) {
			b.ReportMetric(measure.Median(took[i]), "µs")
			b.ReportMetric(measure.Median(ratios), "writes")
		})
	}
}

func ledgerOnFile(b *testing.B, path string) func() error {
	b.Helper()
	s, err := bolt.Open(path, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	l := creditledger.New(s, nil)
	b.Cleanup(func() { _ = l.Close() })
	ctx, id := context.Background(), creditledger.AccountID{Customer: "cus_0"}
	for range 100 { // there is a log file then
		if _, err := l.Do(ctx, id, creditledger.Increment{Amount: creditledger.MustAmount("1e12")}, ""); err != nil {
			b.Fatal(err)
		}
	}
	n := uint64(0)
	return func() error {
		n++
		_, err := l.Do(ctx, id, creditledger.Decrement{Amount: creditledger.AmountOf(1)}, creditledger.Key(fmt.Sprintf("%016x-%010d", n*0x9e3779b97f4a7c15, n)))
		return err
	}
}

func handWritten(b *testing.B) func() error {
	s := openSQLite(b, 1)
	return func() error { return s.spend("cus_0") }
}

func onePut(b *testing.B, path string) func() error {
	b.Helper()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{InitialMmapSize: 1 << 30, NoStatistics: true})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	name := []byte("values")
	if err := db.Update(func(tx *bbolt.Tx) error { _, err := tx.CreateBucket(name); return err }); err != nil {
		b.Fatal(err)
	}
	n, value := uint64(0), make([]byte, 200)
	return func() error {
		n++
		return db.Update(func(tx *bbolt.Tx) error {
			return tx.Bucket(name).Put(binary.BigEndian.AppendUint64(nil, n), value)
		})
	}
}

func inLog(b *testing.B, path string) func() error {
	b.Helper()
	err := onelog.Make(path, onelog.Size)
	if err != nil {
		b.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		b.Fatal(err)
	}
	l, err := onelog.New(f, onelog.Size)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = l.Close() })
	l.Begin(onelog.Token{1})
	n, value := uint64(0), make([]byte, 200)
	return func() error {
		n++
		err := l.Append(n, value)
		if errors.Is(err, onelog.ErrFull) {
			l.Turn()
			err = l.Append(n, value)
		}
		return err
	}
}

// oneWrite appends 200 bytes and flushes them, in a file that has its size from the
// beginning, or in one that grows.
func oneWrite(b *testing.B, path string, made bool) func() error {
	b.Helper()
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = f.Close() })
	if made {
		if _, err := f.Write(make([]byte, 4<<20)); err != nil {
			b.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			b.Fatal(err)
		}
	}
	at, value := int64(0), make([]byte, 200)
	return func() error {
		value[0]++
		if _, err := f.WriteAt(value, at); err != nil {
			return err
		}
		at += int64(len(value))
		return onelog.Flush(f)
	}
}
