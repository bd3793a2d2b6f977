//go:build linux

package crash

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"creditledger"
	"creditledger/fuzz/results"
	"creditledger/store/bolt"
)

// event is one write to one of the two files of a ledger, or a flush of the log file.
type event struct {
	in    file
	flush bool
	off   int64
	data  []byte
	acked int   // how many steps were acknowledged when it began
	size  int64 // of the ledger file then
	meta  bool  // a write of a meta page: what bbolt wrote before it is behind a barrier
	idle  bool  // bbolt commits nothing: all that it wrote is behind a barrier
}

// recording is a run of a script with all that was written.
type recording struct {
	first  []byte // the ledger file before
	log    []byte // the log file before
	events []event
	steps  []step
	points [][]creditledger.Checkpoint // after so many acknowledged steps
	final  map[creditledger.AccountID][]creditledger.Seal
}

// record runs a script and notes every write.
func record(t *testing.T, dir string, seed uint64, n int) *recording {
	t.Helper()
	path := fresh(t, dir, fmt.Sprintf("recorded-%d.db", seed))
	r := &recording{first: read(t, path), steps: script(seed, n), final: map[creditledger.AccountID][]creditledger.Seal{}}
	s := open(t, path)
	defer s.Close()
	setFoldEvery(s, foldEvery)
	db := database(s)
	metaing := field[sync.Mutex](s, "metaing") // held while bbolt commits
	var mu sync.Mutex                          // also held over the writes: so their order is the one that is noted
	over := false
	hookEvents(s, false, func(in file, orig writeAt, p []byte, off int64) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		e := event{in: in, off: off, data: bytes.Clone(p), acked: len(r.points), meta: in == ledgerFile && isMeta(db, off)}
		if in == logFile && r.log == nil {
			r.log = read(t, path+"-log")
		}
		if in == logFile && metaing.TryLock() {
			metaing.Unlock()
			e.idle = true
		}
		written, err := orig(p, off)
		if info, statErr := os.Stat(path); statErr == nil {
			e.size = info.Size()
		}
		if !over {
			r.events = append(r.events, e)
		}
		return written, err
	}, func() {
		mu.Lock()
		defer mu.Unlock()
		if !over {
			r.events = append(r.events, event{in: logFile, flush: true, acked: len(r.points)})
		}
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
		mu.Lock()
		r.points = append(r.points, now)
		mu.Unlock()
	}
	mu.Lock()
	over = true
	mu.Unlock()
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

// since are the checkpoints of what was acknowledged when a write began.
func (r *recording) since(e event) []creditledger.Checkpoint {
	if e.acked == 0 {
		return nil
	}
	return r.points[e.acked-1]
}

// partly applies a random part of some writes: whole ones, sectors of them, or all up
// to a torn one.
func partly(random *rand.Rand, file []byte, writes []event) {
	if len(writes) == 0 {
		return
	}
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

// stateOf opens a crash state. It has to hold all that was acknowledged, and nothing that
// was not written.
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

// disk is one file on the disk: what is certainly there, and what may be.
type disk struct {
	data     []byte
	inFlight []event // written, and not behind a barrier
}

// settle brings what is in flight to the disk.
func (d *disk) settle() {
	for _, w := range d.inFlight {
		copy(d.data[w.off:], w.data)
	}
	d.inFlight = nil
}

// take adds a write. What bbolt wrote before a meta page is behind a barrier, and so is
// that page. In the control without barriers neither is.
func (d *disk) take(e event, barriers bool) {
	if grown := int(e.size) - len(d.data); grown > 0 && grown < 1<<20 {
		d.data = append(d.data, make([]byte, grown)...)
	} else if end := int(e.off) + len(e.data); end > len(d.data) { // the sparse rest of the file is left out
		d.data = append(d.data, make([]byte, end-len(d.data))...)
	}
	last := len(d.inFlight) - 1
	if last >= 0 && (e.meta && barriers || d.inFlight[last].meta) {
		d.settle()
	}
	d.inFlight = append(d.inFlight, e)
}

// control takes away what makes commits safe.
type control struct {
	noBarrier bool // before the meta page
	noFlush   bool // of the log file, until it is written over
	noSums    bool // of the frames in the log file
}

// The offsets of the numbers in a frame.
const sumBefore, length, sum, payload = 16, 40, 48, 64

// contents are a frame without what fills up its last page, which the checksum does not
// cover.
func contents(frame []byte) []byte {
	return frame[:min(len(frame), payload+int(binary.BigEndian.Uint32(frame[length:])))]
}

// resealed makes all frames of a log file pass for whole: it gives each frame of a turn the
// checksum of what is there, and that of the frame before. So the replay accepts what a
// replay without checksums would accept.
func resealed(log []byte) {
	const page = 4096
	half := (len(log) - page) / 2
	if half < page {
		return
	}
	for begin := page; begin < len(log); begin += half {
		in := log[begin:min(begin+half, len(log))]
		token, before := bytes.Clone(in[:sumBefore]), make([]byte, 16)
		for len(in) >= payload && bytes.Equal(in[:sumBefore], token) && !bytes.Equal(token, make([]byte, sumBefore)) {
			end := payload + int(binary.BigEndian.Uint32(in[length:]))
			if end > len(in) {
				break
			}
			copy(in[sumBefore:], before)
			all := sha256.Sum256(slices.Concat(in[:sum], in[payload:end]))
			before = bytes.Clone(all[:16])
			copy(in[sum:], before)
			in = in[min((end+page-1)/page*page, len(in)):]
		}
	}
}

// replay makes random crash states of a recording and judges them.
func (r *recording) replay(t *testing.T, random *rand.Rand, dir string, each int, c control, judge func(outcome)) {
	t.Helper()
	ledger, log := &disk{data: bytes.Clone(r.first)}, &disk{data: bytes.Clone(r.log)}
	path := filepath.Join(dir, "state.db")
	for _, e := range r.events {
		switch {
		case e.flush && c.noFlush:
			continue
		case e.flush:
			log.settle()
			continue
		case e.in == logFile:
			if e.idle {
				ledger.settle()
			}
			if c.noSums { // only what is torn in there is of interest
				e.data = contents(e.data)
			}
			log.inFlight = append(log.inFlight, e)
		default:
			ledger.take(e, !c.noBarrier)
		}
		for range each {
			for _, d := range []struct {
				*disk
				path string
			}{{ledger, path}, {log, path + "-log"}} {
				state := bytes.Clone(d.data)
				partly(random, state, d.inFlight)
				if c.noSums && d.disk == log {
					resealed(state)
				}
				if err := os.WriteFile(d.path, state, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			judge(r.stateOf(path, r.since(e), random.IntN(8) == 0))
		}
	}
}

// TestCrashStates cuts the power at every write of recorded runs, to either file, with any
// part of what was not behind a barrier on the disk.
func TestCrashStates(t *testing.T) {
	run := results.Start(t, "crash states")
	run.Set("seed", *seeded)
	const length, each = 40, 3
	dir := scratch(t)
	lost, corrupt, done, writes := 0, 0, 0, 0
	for seed := *seeded; done < states() && !t.Failed(); seed++ {
		r := record(t, dir, seed, length)
		writes += len(r.events)
		random := rand.New(rand.NewPCG(seed, 13))
		r.replay(t, random, dir, each, control{}, func(o outcome) {
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
	run.Set("writes and flushes", writes)
	run.Set("lost", lost)
	run.Set("corrupt", corrupt)
}

// TestCrashStatesControl: with the barrier before the meta page taken away, states are
// corrupt. With the flushes of the log file taken away, acknowledged commits are lost. With a
// replay that does not look at checksums, half a commit is taken for a whole one. All of them are
// found, and none crashes the process.
func TestCrashStatesControl(t *testing.T) {
	dir := scratch(t)
	r := record(t, dir, *seeded, 40)
	whole := &disk{data: bytes.Clone(r.log)}
	for _, e := range r.events {
		if e.in == logFile && !e.flush {
			whole.inFlight = append(whole.inFlight, e)
		}
	}
	whole.settle()
	again := bytes.Clone(whole.data)
	if resealed(again); len(again) == 0 || !bytes.Equal(again, whole.data) {
		t.Fatal("a log file that is whole has other checksums")
	}
	for name, c := range map[string]struct {
		control
		finds string
	}{
		"control of crash states: barriers merged":             {control{noBarrier: true}, "corrupt"},
		"control of crash states: the log file is not flushed": {control{noFlush: true}, "lost"},
		"control of crash states: checksums are not looked at": {control{noSums: true}, "corrupt"},
	} {
		run := results.Start(t, name)
		r.replay(t, rand.New(rand.NewPCG(*seeded, 17)), dir, 2, c.control, func(o outcome) {
			run.Count("states", 1)
			if o.lost != "" {
				run.Count("lost", 1)
			}
			if o.corrupt != "" {
				run.Count("corrupt", 1)
			}
		})
		if run.Get(c.finds) == 0 {
			t.Errorf("%s: no state is found %s: the test cannot see it", name, c.finds)
		}
	}
}
