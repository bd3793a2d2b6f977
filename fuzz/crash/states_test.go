//go:build linux

package crash

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"creditledger"
	"creditledger/fuzz/results"
	"creditledger/store/bolt"
)

// wrote is one write of bbolt.
type wrote struct {
	off  int64
	data []byte
}

// epoch is what was written between two barriers: a device may have brought any part
// of it to the disk when the power goes, and has brought all that came before.
type epoch struct {
	writes []wrote
	acked  int   // how many steps were acknowledged when it began
	size   int64 // of the file, at its end
	meta   bool
}

// recording is a run of a script with all that bbolt wrote.
type recording struct {
	first  []byte // the file before
	epochs []epoch
	steps  []step
	points [][]creditledger.Checkpoint // after so many acknowledged steps
	final  map[creditledger.AccountID][]creditledger.Seal
}

// record runs a script and notes every write, by epochs.
func record(t *testing.T, dir string, seed uint64, n int) *recording {
	t.Helper()
	path := fresh(t, dir, fmt.Sprintf("recorded-%d.db", seed))
	r := &recording{first: read(t, path), steps: script(seed, n), final: map[creditledger.AccountID][]creditledger.Seal{}}
	s := open(t, path)
	defer s.Close()
	setFoldEvery(s, foldEvery)
	db := database(s)
	hookWrites(db, func(orig writeAt, p []byte, off int64) (int, error) {
		meta := isMeta(db, off)
		if last := len(r.epochs) - 1; last < 0 || meta || r.epochs[last].meta {
			r.epochs = append(r.epochs, epoch{acked: len(r.points), meta: meta})
		}
		e := &r.epochs[len(r.epochs)-1]
		e.writes = append(e.writes, wrote{off, bytes.Clone(p)})
		written, err := orig(p, off)
		if info, statErr := os.Stat(path); statErr == nil {
			e.size = info.Size()
		}
		return written, err
	})
	w := newWorld(s, r.steps)
	for i := range r.steps {
		if _, err := w.do(i); err != nil && !refused(err) {
			t.Fatal(err)
		}
		var now []creditledger.Checkpoint
		for c := range 4 {
			point, err := w.l.Checkpoint(context.Background(), creditledger.AccountID{Customer: fmt.Sprintf("customer-%d", c)})
			if err != nil {
				t.Fatal(err)
			}
			now = append(now, point)
		}
		r.points = append(r.points, now)
	}
	for _, p := range r.points[len(r.points)-1] {
		records, err := s.Journal(context.Background(), normal(p.Account), 1, 1<<20, false)
		if err != nil {
			t.Fatal(err)
		}
		for _, record := range records {
			r.final[normal(p.Account)] = append(r.final[normal(p.Account)], creditledger.SealOf(record.Bytes))
		}
	}
	return r
}

// since are the checkpoints of what was acknowledged when an epoch began.
func (r *recording) since(e epoch) []creditledger.Checkpoint {
	if e.acked == 0 {
		return nil
	}
	return r.points[e.acked-1]
}

// partly applies a random part of some writes: whole ones, sectors of them, or all up
// to a torn one.
func partly(random *rand.Rand, file []byte, writes []wrote) {
	const sector = 512
	torn := random.IntN(len(writes) + 1)
	how := random.IntN(4)
	for i, w := range writes {
		at := file[w.off:][:len(w.data)]
		switch {
		case how == 0 && random.IntN(2) == 0, how == 1 && i < torn, how == 3 && i != torn:
			copy(at, w.data)
		case how == 1 && i == torn, how == 3:
			copy(at, w.data[:random.IntN(len(w.data)+1)])
		case how == 2:
			for from := 0; from < len(w.data); from += sector {
				if random.IntN(2) == 0 {
					copy(at[from:min(from+sector, len(at))], w.data[from:])
				}
			}
		}
	}
}

// outcome is what a crash state turned out to be.
type outcome struct{ lost, corrupt string }

// stateOf opens a crash state and holds it to what was acknowledged, and to what was
// written after that.
func (r *recording) stateOf(path string, since []creditledger.Checkpoint, write bool) (o outcome) {
	s, err := bolt.Open(path, &bolt.Options{ReadOnly: !write, InitialMmapSize: -1})
	if err != nil {
		o.corrupt = err.Error()
		return o
	}
	defer s.Close()
	w := newWorld(s, r.steps)
	v, err := w.l.VerifyAll(context.Background(), &creditledger.VerifyOptions{Since: since})
	switch {
	case err != nil:
		o.corrupt = err.Error()
		return o
	case v.Violation != nil && v.Violation.Rule == "checkpoint":
		o.lost = v.Violation.String()
		return o
	case v.Violation != nil:
		o.corrupt = v.Violation.String()
		return o
	}
	for id, seals := range r.final {
		state, err := s.Load(context.Background(), id, nil)
		n := 0
		if err == nil {
			n = int(state.Head.Version)
		}
		if err != nil || n > len(seals) || n > 0 && state.Head.Seal != seals[n-1] {
			o.corrupt = fmt.Sprintf("%v is at record %d of another history (%v)", id, n, err)
		}
	}
	if write && o.corrupt == "" {
		for i := range r.steps {
			if _, err := w.do(i); !r.steps[i].sweeps() && err != nil && !refused(err) {
				o.corrupt = fmt.Sprintf("step %d again: %v", i, err)
			}
		}
	}
	return o
}

// replay makes random crash states of a recording and judges them. With merged, the
// barrier between the data and the meta page is taken away.
func (r *recording) replay(t *testing.T, random *rand.Rand, dir string, each int, merged bool, judge func(outcome)) {
	t.Helper()
	file := bytes.Clone(r.first)
	path := filepath.Join(dir, "state.db")
	for i, e := range r.epochs {
		if grown := int(e.size) - len(file); grown > 0 && grown < 1<<20 {
			file = append(file, make([]byte, grown)...)
		} else if end := e.end(); end > len(file) {
			file = append(file, make([]byte, end-len(file))...)
		}
		writes := e.writes
		if merged && !e.meta && i+1 < len(r.epochs) {
			writes = append(writes[:len(writes):len(writes)], r.epochs[i+1].writes...)
		}
		for range each {
			state := bytes.Clone(file)
			partly(random, state, writes)
			if err := os.WriteFile(path, state, 0o600); err != nil {
				t.Fatal(err)
			}
			judge(r.stateOf(path, r.since(e), random.IntN(8) == 0))
		}
		for _, w := range e.writes {
			copy(file[w.off:], w.data)
		}
	}
}

// end is the offset behind its last byte, rounded up to what bbolt needs to be there:
// the sparse rest of the file, megabytes of it, is left out.
func (e epoch) end() int {
	end := 0
	for _, w := range e.writes {
		end = max(end, int(w.off)+len(w.data))
	}
	return end
}

// TestCrashStates cuts the power in every epoch of recorded runs, with any part of
// what was not behind a barrier on the disk.
func TestCrashStates(t *testing.T) {
	run := results.Start(t, "crash states")
	run.Set("seed", *seeded)
	const length, each = 40, 6
	dir := scratch(t)
	lost, corrupt, done, epochs := 0, 0, 0, 0
	for seed := *seeded; done < states() && !t.Failed(); seed++ {
		r := record(t, dir, seed, length)
		epochs += len(r.epochs)
		random := rand.New(rand.NewPCG(seed, 13))
		r.replay(t, random, dir, each, false, func(o outcome) {
			done++
			if o.lost != "" {
				lost++
				t.Errorf("seed %d, state %d: lost: %s", seed, done, o.lost)
			}
			if o.corrupt != "" {
				corrupt++
				t.Errorf("seed %d, state %d: corrupt: %s", seed, done, o.corrupt)
			}
		})
	}
	run.Set("states", done)
	run.Set("epochs", epochs)
	run.Set("lost", lost)
	run.Set("corrupt", corrupt)
}

// TestCrashStatesControl: with the barrier before the meta page taken away, states
// are lost or corrupt. All of them are found, and none crashes the process.
func TestCrashStatesControl(t *testing.T) {
	run := results.Start(t, "control of crash states: barriers merged")
	dir := scratch(t)
	r := record(t, dir, *seeded, 40)
	r.replay(t, rand.New(rand.NewPCG(*seeded, 17)), dir, 4, true, func(o outcome) {
		run.Count("states", 1)
		if o.lost != "" {
			run.Count("lost", 1)
		}
		if o.corrupt != "" {
			run.Count("corrupt", 1)
		}
	})
	if run.Get("corrupt") == 0 {
		t.Error("no state was corrupt: the test cannot see a missing barrier")
	}
}
