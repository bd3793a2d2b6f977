//go:build linux

package crash

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"creditledger/fuzz/results"
	"creditledger/store/bolt"
)

func init() { roles["power"] = powerChild }

// powerChild makes a ledger and works on it until the power is cut.
func powerChild(c child) error {
	s, err := bolt.Open(c.Path, nil)
	if err != nil {
		return err
	}
	setFoldEvery(s, foldEvery)
	hookWrites(s, c.NoSync, func(_ file, orig writeAt, p []byte, off int64) (int, error) { return orig(p, off) })
	return work(newWorld(s, script(c.Seed, c.Steps)), 0, c.Steps, c)
}

// machine is a file system of its own whose power can be cut.
type machine struct {
	t          *testing.T
	image, dir string
	options    string
}

// newMachine makes an ext4 on a loop device, or says why it cannot.
func newMachine(t *testing.T, options string) (m *machine, reason string) {
	t.Helper()
	if os.Geteuid() != 0 {
		return nil, "not root"
	}
	for _, tool := range []string{"mkfs.ext4", "mount", "umount"} {
		if _, err := exec.LookPath(tool); err != nil {
			return nil, err.Error()
		}
	}
	dir := scratch(t)
	m = &machine{t: t, image: filepath.Join(dir, "disk.img"), dir: filepath.Join(dir, "mnt"), options: options}
	if err := errors.Join(os.Mkdir(m.dir, 0o700), os.WriteFile(m.image, nil, 0o600), os.Truncate(m.image, 64<<20)); err != nil {
		return nil, err.Error()
	}
	if out, err := exec.Command("mkfs.ext4", "-q", "-F", m.image).CombinedOutput(); err != nil {
		return nil, "mkfs.ext4: " + string(out)
	}
	if out, err := m.mount(); err != nil {
		return nil, "mount: " + strings.TrimSpace(out)
	}
	t.Cleanup(func() { _ = exec.Command("umount", m.dir).Run() })
	return m, ""
}

func (m *machine) mount() (string, error) {
	out, err := exec.Command("mount", "-o", "loop,"+m.options, m.image, m.dir).CombinedOutput()
	return string(out), err
}

// cut cuts the power. What is neither in the journal of the file system nor on its device
// is lost.
func (m *machine) cut() {
	m.t.Helper()
	const shutdown, noLogFlush = 0x8004587d, 2 // FS_IOC_SHUTDOWN
	d, err := os.Open(m.dir)
	if err != nil {
		m.t.Fatal(err)
	}
	defer d.Close()
	how := uint32(noLogFlush)
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, d.Fd(), shutdown, uintptr(unsafe.Pointer(&how))); errno != 0 {
		m.t.Fatalf("FS_IOC_SHUTDOWN: %v", errno)
	}
}

// restart brings the power back.
func (m *machine) restart() {
	m.t.Helper()
	for attempt := 1; ; attempt++ {
		out, err := exec.Command("umount", m.dir).CombinedOutput()
		if err == nil {
			break
		}
		if attempt == 50 {
			m.t.Fatalf("umount: %s", out)
		}
		time.Sleep(20 * time.Millisecond)
	}
	if out, err := m.mount(); err != nil {
		m.t.Fatalf("mount after the cut: %s", out)
	}
}

// cutOnce lets a child make a ledger and work on it, cuts the power at a random
// moment, and examines what is there afterwards. It returns what is wrong.
func (m *machine) cutOnce(t *testing.T, seed uint64, noSync bool, sum *tally) []string {
	t.Helper()
	const length, window = 150, 3
	random := rand.New(rand.NewPCG(seed, 19))
	path := filepath.Join(m.dir, fmt.Sprintf("ledger-%d.db", seed))
	cmd, out, _ := start(t, child{Role: "power", Path: path, Seed: seed, Steps: length, Window: window, NoSync: noSync})
	after, wait := random.IntN(length), time.Duration(random.IntN(3000))*time.Microsecond
	h := listen(out, func(h heard) bool {
		if h.begun < after {
			return false
		}
		time.Sleep(wait)
		m.cut()
		_ = cmd.Process.Kill()
		return true
	})
	_ = cmd.Wait()
	m.restart()
	copied := filepath.Join(scratch(t), "after.db")
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) && len(h.answers) == 0 {
		return nil
	} else if errors.Is(err, fs.ErrNotExist) {
		sum.runs++
		sum.acked += len(h.answers)
		sum.lost += len(h.answers)
		return []string{"the whole file is lost"}
	}
	moveLedger(t, path, copied)
	if s, err := bolt.Open(copied, nil); err != nil {
		sum.runs++
		sum.bad++
		return []string{err.Error()}
	} else if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return examine(t, copied, script(seed, length), h, window, sum)
}

// TestPowerCut cuts the power of a file system while a ledger on it is written.
func TestPowerCut(t *testing.T) {
	run := results.Start(t, "power cuts")
	run.Set("seed", *seeded)
	var sum tally
	for i, options := range []string{"commit=1", "data=writeback", "data=journal,commit=1000"} {
		m, reason := newMachine(t, options)
		run.Require("power", reason)
		for n := range max(1, cuts()/3+min(1, cuts()%3)) {
			seed := *seeded + uint64(1000*i+n)
			for _, wrong := range m.cutOnce(t, seed, false, &sum) {
				t.Errorf("%s, seed %d: %s", options, seed, wrong)
			}
		}
	}
	run.Set("cuts", sum.runs)
	run.Set("acknowledged", sum.acked)
	run.Set("acknowledged lost", sum.lost)
	run.Set("stored unacknowledged", sum.unacked)
	run.Set("not opened", sum.bad)
}

// TestPowerCutControl: a ledger that does not sync loses acknowledged operations.
func TestPowerCutControl(t *testing.T) {
	run := results.Start(t, "control of power cuts: nothing is synced")
	m, reason := newMachine(t, "commit=1000")
	run.Require("power", reason)
	var sum tally
	for seed := *seeded; seed < *seeded+10 && sum.lost+sum.bad == 0; seed++ {
		m.cutOnce(t, seed, true, &sum)
	}
	run.Set("cuts", sum.runs)
	run.Set("acknowledged", sum.acked)
	run.Set("acknowledged lost", sum.lost)
	run.Set("not opened", sum.bad)
	if sum.lost+sum.bad == 0 {
		t.Error("the control lost nothing: the test cannot see a loss")
	}
}
