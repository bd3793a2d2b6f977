package opsfile_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"creditledger"
	"creditledger/fuzz/testseed"
	"creditledger/fuzz/testsize"
	"creditledger/store"
	"creditledger/store/bolt"
)

// same_test.go: an operations file under a manual clock has one answer.

// TestOneAnswerToAFile: random operations files with keys that are used again, zones that
// change, batches, sweeps and a clock that moves give the same bytes in every run on a
// file, and as many lines sent ahead as the reader likes. One process that has a file to
// itself is never in conflict with itself.
func TestOneAnswerToAFile(t *testing.T) {
	files, runs := testsize.Of(2, 4, 20), testsize.Of(3, 6, 200)
	seed, replayed := testseed.Of(t), 0
	for i := range files {
		t.Run(fmt.Sprintf("seed %d file %d", seed, i), func(t *testing.T) {
			input := randomFile(rand.New(rand.NewPCG(seed, uint64(i))), 200)
			want, _ := newWorld(t, inMemory).run(1, input)
			replayed += bytes.Count(want, []byte(`"replayed":true`))
			for range runs {
				s := &counting{}
				open := onFile(t)
				got, _ := newWorld(t, func() store.Store { s.Store = open().(*bolt.Store); return s }).run(1, input)
				same(t, got, want)
				if n := s.conflicts.Load(); n > 0 {
					t.Errorf("%d conflicts of a process with itself", n)
				}
				if t.Failed() {
					return
				}
			}
		})
	}
	if replayed < files {
		t.Errorf("%d operations were replays, in %d files", replayed, files)
	}
}

// TestOneAnswerToAFileOnPostgres: the same answers as in memory, whatever the database
// finds out later than that does.
func TestOneAnswerToAFileOnPostgres(t *testing.T) {
	open, seed := onDatabase(t), testseed.Of(t)
	for i := range testsize.Of(1, 2, 20) {
		input := randomFile(rand.New(rand.NewPCG(seed, uint64(i))), 150)
		want, _ := newWorld(t, inMemory).run(1, input)
		got, _ := newWorld(t, open(t)).run(1, input)
		same(t, got, want)
	}
}

// counting is a file that counts the commits it finds in conflict, and is slow now and
// then, so that commits are grouped otherwise each time.
type counting struct {
	*bolt.Store
	conflicts atomic.Int64
}

func (s *counting) Commit(ctx context.Context, changes []creditledger.Change) error {
	if rand.IntN(8) == 0 {
		time.Sleep(time.Duration(rand.IntN(2000)) * time.Microsecond)
	}
	err := s.Store.Commit(ctx, changes)
	if errors.Is(err, creditledger.ErrConflict) {
		s.conflicts.Add(1)
	}
	return err
}

// fileOf makes an operations file.
type fileOf struct {
	*rand.Rand
	out    bytes.Buffer
	keyed  []map[string]any // requests with a key so far
	now    time.Time
	blocks int
}

func randomFile(r *rand.Rand, lines int) []byte {
	f := fileOf{Rand: r, now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	f.line(map[string]any{"op": "clock", "now": f.now})
	for range lines {
		f.line(f.request())
	}
	f.line(map[string]any{"op": "sweep"})
	f.line(map[string]any{"op": "verify"})
	return f.out.Bytes()
}

func (f *fileOf) line(fields map[string]any) {
	text, err := json.Marshal(fields)
	if err != nil {
		panic(err)
	}
	f.out.Write(append(text, '\n'))
}

func (f *fileOf) one(of ...string) string { return of[f.IntN(len(of))] }

func (f *fileOf) customer() string { return f.one("ada", "bob", "cy") }

// date is a bare date, or an instant, around now.
func (f *fileOf) date() string {
	d := f.now.Add(time.Duration(f.IntN(96)-12) * time.Hour)
	if f.IntN(3) > 0 {
		return d.Format(time.DateOnly)
	}
	return d.Format(time.RFC3339)
}

func (f *fileOf) request() map[string]any {
	account := map[string]any{"customer_id": f.customer()}
	with := func(op string, more map[string]any) map[string]any {
		account["op"] = op
		for k, v := range more {
			account[k] = v
		}
		return account
	}
	switch f.IntN(24) {
	case 0, 1:
		f.now = f.now.Add(time.Duration(f.IntN(30*3600)) * time.Second)
		return map[string]any{"op": "clock", "now": f.now}
	case 2, 3:
		return map[string]any{"op": "customer", "id": f.customer(), "timezone": f.one("UTC", "America/New_York", "Asia/Tokyo", "Europe/Berlin")}
	case 4:
		return map[string]any{"op": f.one("sweep", "verify")}
	case 5:
		return with(f.one("balance", "state", "entries"), nil)
	case 6:
		return with("blocks", map[string]any{"include_all_blocks": true})
	case 7:
		inner := f.operation()
		if f.IntN(2) == 0 {
			inner["idempotency_key"] = f.key()
		}
		return with("preview", map[string]any{"operation": inner})
	case 8, 9:
		var list []any
		for range 1 + f.IntN(3) {
			list = append(list, f.operation())
		}
		return with("batch", map[string]any{"operations": list, "idempotency_key": f.key()})
	}
	op := f.operation()
	switch n := len(f.keyed); {
	case n > 0 && f.IntN(5) == 0:
		return f.keyed[n-1-f.IntN(min(n, 8))] // the same again
	case f.IntN(4) > 0:
		op["idempotency_key"] = f.key()
		f.keyed = append(f.keyed, with(op["op"].(string), op))
		return f.keyed[n]
	}
	return with(op["op"].(string), op)
}

// key is one of few, so that it is used again.
func (f *fileOf) key() string { return fmt.Sprint("k", f.IntN(40)) }

func (f *fileOf) operation() map[string]any {
	amount := fmt.Sprint(1 + f.IntN(3))
	switch f.IntN(8) {
	case 0, 1, 2:
		op := map[string]any{"op": "increment", "amount": amount}
		if f.IntN(2) == 0 {
			op["expiry_date"] = f.date()
		}
		if f.IntN(3) == 0 {
			f.blocks++
			op["block_id"] = fmt.Sprint("b", f.IntN(f.blocks))
		}
		return op
	case 3:
		return map[string]any{"op": "expiration_change", "block_id": fmt.Sprint("b", f.IntN(f.blocks+1)), "target_expiry_date": f.date()}
	case 4:
		return map[string]any{"op": f.one("void", "amendment"), "block_id": fmt.Sprint("b", f.IntN(f.blocks+1)), "amount": amount}
	}
	return map[string]any{"op": "decrement", "amount": amount, "overdraft": f.one("allow", "reject", "stop_at_zero")}
}
