//go:build linux

package crash

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"creditledger"
	"creditledger/fuzz/results"
	"creditledger/store/bolt"
)

func init() { roles["damage"] = damageChild }

// damageJob is what a child is told beside its files.
type damageJob struct {
	Since   []creditledger.Checkpoint
	History string
	Seed    uint64 // of the script behind it
}

// damageChild opens damaged files one after the other, and says of each what became
// of it: refused, found, harmless or silent.
func damageChild(c child) error {
	var job damageJob
	if c.How != "naive" {
		data, err := os.ReadFile(c.Path)
		if err == nil {
			err = json.Unmarshal(data, &job)
		}
		if err != nil {
			return err
		}
	}
	if c.How != "" {
		job.Since = nil
	}
	for i, path := range c.Files {
		fmt.Printf("s %d\n", i)
		begin := cpu()
		verdict := ""
		if c.How == "naive" {
			verdict = naive(path)
		} else {
			verdict = judge(path, &job, c.How == "no checkpoints")
		}
		if cpu()-begin > 5*time.Second {
			verdict = "hangs"
		}
		fmt.Printf("a %d %s\n", i, verdict)
	}
	fmt.Printf("w %d\n", len(c.Files))
	return nil
}

// cpu is the processor time that this process has taken. It does not depend on what else
// the machine does.
func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// judge opens a damaged file, verifies it against checkpoints kept elsewhere, reads
// all of it and appends to it, unless it is for reading only.
func judge(path string, job *damageJob, readOnly bool) string {
	s, err := bolt.Open(path, &bolt.Options{InitialMmapSize: -1, ReadOnly: readOnly})
	if err != nil {
		var file *bolt.FileError
		if errors.Is(err, creditledger.ErrCorrupt) || errors.As(err, &file) {
			return "refused"
		}
		return "other:" + strings.ReplaceAll(err.Error(), " ", "_")
	}
	defer s.Close()
	w := newWorld(s, script(job.Seed, 150))
	v, err := w.l.VerifyAll(context.Background(), &creditledger.VerifyOptions{Since: job.Since})
	if err != nil || v.Violation != nil {
		_, _ = w.do(149)
		return "found"
	}
	var t quiet
	same := func() (same bool) {
		defer func() {
			if p := recover(); p != nil && p != &t {
				panic(p)
			}
		}()
		return w.history(&t) == job.History
	}()
	switch {
	case !same:
		return "silent"
	case len(s.Warnings()) > 0:
		return "warned"
	case readOnly:
		return "harmless"
	}
	on := creditledger.AccountID{Customer: "customer-1"}
	if _, err := w.l.Do(context.Background(), on, creditledger.Increment{Amount: creditledger.AmountOf(1)}, "after"); err != nil {
		return "found-on-write"
	}
	if v, err := w.l.VerifyAll(context.Background(), &creditledger.VerifyOptions{Since: job.Since}); err != nil || v.Violation != nil {
		return "broken-by-write"
	}
	return "harmless"
}

// quiet is a testing.TB for helpers in a child process. A failure is a panic whose value is
// the quiet itself.
type quiet struct{ testing.TB }

func (q *quiet) Helper()      {}
func (q *quiet) Fatal(...any) { panic(q) }

// patient is a damaged file that a child opens.
type patient struct{ name, path, verdict string }

// patients damages n files in each of the given ways, and adds what the child needs to
// judge them.
func patients(t *testing.T, dir, left string, each int, ways []damage) (job string, list []patient) {
	t.Helper()
	whole, old, since, history := original(t, dir, left)
	data, err := json.Marshal(damageJob{since, history, *seeded})
	if err != nil {
		t.Fatal(err)
	}
	job = filepath.Join(dir, "job-"+left)
	if err := os.WriteFile(job, data, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, d := range ways {
		for n := range each {
			seed := *seeded + uint64(n)
			r := rand.New(rand.NewPCG(seed, uint64(len(d.name))))
			path := filepath.Join(dir, fmt.Sprintf("%d-%s.db", len(list), left))
			if err := d.to(r, whole, old).write(path); err != nil {
				t.Fatal(err)
			}
			list = append(list, patient{name: fmt.Sprintf("%s, seed %d, %s", d.name, seed, left), path: path})
		}
	}
	return job, list
}

// TestDamagedFiles damages ledgers in thirteen ways and opens them in child processes.
// None may crash the process, hang, or pass for a sound one with another history.
//
// A hang is more than 5 seconds of work on one file, or 2 minutes of waiting on 50.
func TestDamagedFiles(t *testing.T) {
	run := results.Start(t, "damaged files")
	run.Set("seed", *seeded)
	for _, verdict := range []string{"crashes", "hangs", "silent", "other"} {
		run.Count(verdict, 0)
	}
	dir := scratch(t)
	for _, left := range []string{closed, leftOpen, leftShort} {
		ways := damages
		if left == leftOpen {
			ways = slices.Concat(damages, logDamages)
		}
		job, list := patients(t, dir, left, max(1, damaged()/len(damages)/3), ways)
		judgeAll(t, child{Role: "damage", Path: job}, list)
		for _, p := range list {
			verdict, _, _ := strings.Cut(p.verdict, ":")
			run.Count("files", 1)
			run.Count(verdict, 1)
			switch verdict {
			case "refused", "found", "found-on-write", "warned", "harmless":
			default:
				t.Errorf("%s: %s", p.name, p.verdict)
			}
		}
	}
	if run.Get("refused") == 0 || damaged() > 500 && run.Get("found") == 0 {
		t.Error("no damage was found at all")
	}
}

// TestDamagedMetaPages damages a meta page of ledgers that nobody keeps checkpoints of. A
// ledger that is opened to be written to has lost nothing, or is refused.
func TestDamagedMetaPages(t *testing.T) {
	run := results.Start(t, "damaged meta pages, without checkpoints")
	run.Set("seed", *seeded)
	run.Count("silent", 0)
	dir := scratch(t)
	for _, left := range []string{closed, leftOpen, leftShort} {
		job, list := patients(t, dir, left, max(5, damaged()/20), metaDamages)
		judgeAll(t, child{Role: "damage", Path: job, How: "to be written to, no checkpoints"}, list)
		for _, p := range list {
			verdict, _, _ := strings.Cut(p.verdict, ":")
			run.Count("files", 1)
			run.Count(verdict, 1)
			switch verdict {
			case "refused", "found", "found-on-write", "warned", "harmless":
			default:
				t.Errorf("%s: %s", p.name, p.verdict)
			}
		}
	}
}

// TestDamagedFilesControl: without the examination before opening, bbolt crashes the
// process. Without checkpoints kept elsewhere, and if warnings are ignored, a damaged meta
// page makes a ledger that is opened for reading show the state of one commit before.
func TestDamagedFilesControl(t *testing.T) {
	run := results.Start(t, "control of damaged files: bbolt alone, no checkpoints")
	dir := scratch(t)
	_, list := patients(t, dir, leftShort, 10, []damage{damages[4], damages[6], damages[10]}) // no cycles: bbolt would follow them for ever
	judgeAll(t, child{Role: "damage", How: "naive"}, list)
	job, metas := patients(t, dir, leftShort, 20, damages[1:2])
	judgeAll(t, child{Role: "damage", Path: job, How: "no checkpoints"}, metas)
	for _, p := range append(list, metas...) {
		run.Count("files", 1)
		run.Count(p.verdict, 1)
	}
	if run.Get("crashes") == 0 {
		t.Error("no damaged file crashed bbolt: the test cannot see a crash")
	}
	if run.Get("silent") == 0 {
		t.Error("no file changed silently: the test cannot see it")
	}
}

// judgeAll gives the files to child processes, some at a time. If a file kills its child,
// the next child goes on after that file.
func judgeAll(t *testing.T, c child, list []patient) {
	t.Helper()
	for len(list) > 0 {
		batch := list[:min(50, len(list))]
		c.Files = nil
		for _, p := range batch {
			c.Files = append(c.Files, p.path)
		}
		cmd, out, stderr := start(t, c)
		patience := 2 * time.Minute
		if c.How == "naive" {
			patience = 5 * time.Second
		}
		hung := time.AfterFunc(patience, func() { _ = cmd.Process.Signal(syscall.SIGQUIT) })
		h := listen(out, nil)
		stopped := !hung.Stop()
		err := cmd.Wait()
		for i := range batch {
			batch[i].verdict = h.answers[i]
		}
		if err == nil {
			list = list[len(batch):]
			continue
		}
		fatal := &batch[max(h.begun, 0)]
		if fatal.verdict = "crashes"; stopped {
			fatal.verdict = "hangs"
		}
		if c.How == "" {
			t.Errorf("%s: the process ended with %v: %s", fatal.name, err, said(stderr))
		}
		list = list[max(h.begun, 0)+1:]
	}
}

// naive opens a file with bbolt alone, without any examination, and reads it.
func naive(path string) string {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: time.Second})
	if err != nil {
		return "refused"
	}
	defer db.Close()
	verdict := "harmless"
	_ = db.View(func(tx *bbolt.Tx) error {
		for err := range tx.Check() {
			_, verdict = err, "found"
		}
		var walk func(b *bbolt.Bucket) error
		walk = func(b *bbolt.Bucket) error {
			return b.ForEach(func(k, v []byte) error {
				if v == nil {
					return walk(b.Bucket(k))
				}
				return nil
			})
		}
		return tx.ForEach(func(_ []byte, b *bbolt.Bucket) error { return walk(b) })
	})
	return verdict
}

// FuzzFile overwrites a part of a ledger's two files and cuts them off. Whatever is left is
// opened and read, and must not pass for a sound one with another history.
func FuzzFile(f *testing.F) {
	dir, err := os.MkdirTemp("", "creditledger-*")
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { os.RemoveAll(dir) })
	whole, _, since, history := original(f, dir, leftOpen)
	file := slices.Concat(whole.ledger, whole.log)
	job := &damageJob{since, history, *seeded}
	f.Add(uint32(0), []byte{0}, uint32(0))
	f.Add(uint32(pageSize+16), []byte{1, 2, 3}, uint32(0))
	f.Add(uint32(3*pageSize), bytes.Repeat([]byte{0xff}, 16), uint32(0))
	f.Add(uint32(0), []byte{}, uint32(5*pageSize))
	f.Fuzz(func(t *testing.T, at uint32, patch []byte, cut uint32) {
		data := bytes.Clone(file)
		copy(data[int(at)%len(data):], patch)
		data = data[:len(data)-int(cut)%len(data)]
		path := filepath.Join(dir, fmt.Sprintf("fuzz-%d.db", os.Getpid()))
		n := min(len(data), len(whole.ledger))
		if err := (files{data[:n], data[n:]}).write(path); err != nil {
			t.Fatal(err)
		}
		switch verdict := judge(path, job, false); verdict {
		case "refused", "found", "found-on-write", "warned", "harmless":
		default:
			t.Error(verdict)
		}
	})
}
