package bolt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"creditledger"
	"creditledger/fuzz/testsize"
)

// forged is a bbolt file made page by page, in a file that may have holes.
type forged struct {
	t    *testing.T
	file *os.File
	size uint64 // of a page
}

const forgedPage = 4096

func forge(t *testing.T, path string, m meta) forged {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	forged := forged{t, f, forgedPage}
	for i := range uint64(2) {
		p := make([]byte, metaOffset+metaSize)
		binary.NativeEndian.PutUint64(p, i)
		binary.NativeEndian.PutUint16(p[8:], flagMeta)
		b := p[metaOffset:]
		binary.NativeEndian.PutUint32(b, metaMagic)
		binary.NativeEndian.PutUint32(b[4:], metaVersion)
		binary.NativeEndian.PutUint32(b[8:], forgedPage)
		for at, v := range map[int]uint64{16: m.root, 32: m.freelist, 40: m.pages, metaTx: 6 + i} {
			binary.NativeEndian.PutUint64(b[at:], v)
		}
		sum := fnv.New64a()
		sum.Write(b[:metaChecksum])
		binary.NativeEndian.PutUint64(b[metaChecksum:], sum.Sum64())
		forged.write(i, p)
	}
	if err := f.Truncate(int64(min(m.pages, maxPages) * forgedPage)); err != nil {
		t.Skipf("this file system has no files that large: %v", err)
	}
	return forged
}

func (f forged) write(page uint64, data []byte) {
	f.t.Helper()
	if _, err := f.file.WriteAt(data, int64(page*f.size)); err != nil {
		f.t.Fatal(err)
	}
}

// page writes a page of elements, each of a key and either a child or a value.
func (f forged) page(id uint64, flags uint16, overflow uint32, elements ...element) {
	head := make([]byte, pageHeader+elementSize*len(elements))
	binary.NativeEndian.PutUint64(head, id)
	binary.NativeEndian.PutUint16(head[8:], flags)
	binary.NativeEndian.PutUint16(head[10:], uint16(len(elements)))
	binary.NativeEndian.PutUint32(head[12:], overflow)
	var body []byte
	for i, e := range elements {
		b := head[pageHeader+elementSize*i:]
		pos := uint32(len(head) - pageHeader - elementSize*i + len(body))
		if flags == flagBranch {
			binary.NativeEndian.PutUint32(b, pos)
			binary.NativeEndian.PutUint32(b[4:], uint32(len(e.key)))
			binary.NativeEndian.PutUint64(b[8:], e.child)
		} else {
			if e.child != 0 {
				binary.NativeEndian.PutUint32(b, elementBucket)
				e.value = binary.NativeEndian.AppendUint64(nil, e.child)
				e.value = append(e.value, make([]byte, 8)...)
			}
			binary.NativeEndian.PutUint32(b[4:], pos)
			binary.NativeEndian.PutUint32(b[8:], uint32(len(e.key)))
			binary.NativeEndian.PutUint32(b[12:], uint32(len(e.value)))
		}
		body = append(append(body, e.key...), e.value...)
	}
	f.write(id, append(head, body...))
}

type element struct {
	key   string
	child uint64
	value []byte
}

func (f forged) freelist(id uint64, overflow uint32, free ...uint64) {
	p := make([]byte, pageHeader)
	binary.NativeEndian.PutUint64(p, id)
	binary.NativeEndian.PutUint16(p[8:], flagFreelist)
	binary.NativeEndian.PutUint32(p[12:], overflow)
	if len(free) < manyFree {
		binary.NativeEndian.PutUint16(p[10:], uint16(len(free)))
	} else {
		binary.NativeEndian.PutUint16(p[10:], manyFree)
		p = binary.NativeEndian.AppendUint64(p, uint64(len(free)))
	}
	for _, page := range free {
		p = binary.NativeEndian.AppendUint64(p, page)
	}
	f.write(id, p)
}

// wide makes a bucket of a tree of 20,000 leaves, and returns the first page behind it.
func (f forged) wide() uint64 {
	const fan = 100
	f.page(2, flagLeaf, 0, element{key: "creditledger", child: 10})
	var branches []element
	for i := range uint64(2 * fan) {
		var leaves []element
		for j := range uint64(fan) {
			n := i*fan + j
			f.page(firstLeaf+n, flagLeaf, 0, element{key: leafKey(n), value: []byte("v")})
			leaves = append(leaves, element{key: leafKey(n), child: firstLeaf + n})
		}
		f.page(20+i, flagBranch, 0, leaves...)
		branches = append(branches, element{key: leafKey(i * fan), child: 20 + i})
	}
	f.page(10, flagBranch, 1, branches...)
	return firstLeaf + 2*fan*fan
}

// firstLeaf is the page of the leaf with the lowest key that wide makes.
const firstLeaf = 300

func leafKey(n uint64) string { return fmt.Sprintf("%06d", n) }

// hostileFiles are made to end the process that opens them: by its stack, by its memory,
// or by writing to a page that is in use. All are larger than a sample would show.
var hostileFiles = map[string]struct {
	meta meta
	make func(f forged)
	says string
}{
	"a leaf that became a branch and leads back": {meta{root: 2, freelist: 3, pages: 1 << 18}, func(f forged) {
		f.freelist(3, 0)
		f.wide()
		f.page(firstLeaf, flagBranch, 0, element{key: leafKey(0), child: firstLeaf})
	}, "used twice"},
	"a page in use on the freelist": {meta{root: 2, freelist: 3, pages: 1 << 18}, func(f forged) {
		last := f.wide()
		free := []uint64{firstLeaf}
		for page := last; page < 1<<18; page++ {
			free = append(free, page)
		}
		f.freelist(3, 0, free[:400]...)
	}, "used twice"},
	"a chain of branches": {meta{root: 2, freelist: 3, pages: 1 << 18}, func(f forged) {
		f.page(2, flagLeaf, 0, element{key: "creditledger", child: 4})
		f.freelist(3, 0)
		for page := range uint64(maxLevels + 10) {
			f.page(4+page, flagBranch, 0, element{key: "a", child: 5 + page})
		}
	}, "lies under"},
	"buckets in buckets": {meta{root: 2, freelist: 3, pages: 1 << 18}, func(f forged) {
		f.page(2, flagLeaf, 0, element{key: "creditledger", child: 4})
		f.freelist(3, 0)
		for page := range uint64(maxLevels + 10) {
			f.page(4+page, flagLeaf, 0, element{key: "a", child: 5 + page})
		}
	}, "lies under"},
	"2^42 pages in a hole": {meta{root: 2, freelist: 3, pages: 1 << 42}, func(f forged) {
		f.page(2, flagLeaf, 0)
		f.freelist(3, 0)
	}, "no more than"},
	"8 TiB in a hole": {meta{root: 2, freelist: 3, pages: 1 << 31}, func(f forged) {
		f.page(2, flagLeaf, 0)
		f.freelist(3, 0)
	}, "neither in use nor free"},
	"a page that takes terabytes": {meta{root: 2, freelist: 3, pages: 1 << 31}, func(f forged) {
		f.page(2, flagLeaf, 0, element{key: "creditledger", child: 4})
		f.freelist(3, 0)
		f.page(4, flagLeaf, 1<<31-5, element{key: "k", value: []byte("v")})
	}, "bucket meta: missing"},
	"a branch of gigabytes": {meta{root: 2, freelist: 3, pages: 1 << 20}, func(f forged) {
		f.page(2, flagLeaf, 0, element{key: "creditledger", child: 4})
		f.freelist(3, 0)
		f.page(4, flagBranch, 1<<20-5, element{key: "k", child: 5})
	}, "a branch of"},
	"a freelist in a hole": {meta{root: 2, freelist: 3, pages: 1 << 31}, func(f forged) {
		f.page(2, flagLeaf, 0)
		f.freelist(3, 1<<30)
		head := make([]byte, 16)
		binary.NativeEndian.PutUint64(head[8:], 1<<36)
		binary.NativeEndian.PutUint16(head[2:], manyFree)
		if _, err := f.file.WriteAt(head[2:4], 3*forgedPage+10); err != nil {
			f.t.Fatal(err)
		}
		if _, err := f.file.WriteAt(head[8:], 3*forgedPage+pageHeader); err != nil {
			f.t.Fatal(err)
		}
	}, "free page 0"},
	"too many free pages": {meta{root: 2, freelist: 3, pages: maxFree * 2}, func(f forged) {
		f.page(2, flagLeaf, 0)
		count := uint64(maxFree * 3 / 2)
		overflow := count*8/forgedPage + 1
		free := make([]uint64, count)
		for i := range free {
			free[i] = 4 + overflow + uint64(i)
		}
		f.freelist(3, uint32(overflow), free...)
		f.page(2, flagLeaf, 0, element{key: "rest", child: 4 + overflow + count})
		f.page(4+overflow+count, flagLeaf, uint32(maxFree*2-(4+overflow+count)-1))
	}, "compact"},
}

// TestHostileFilesEndNoProcess opens files made to end the process, in a process of 1 GiB.
func TestHostileFilesEndNoProcess(t *testing.T) {
	if path := os.Getenv("CREDITLEDGER_HOSTILE"); path != "" {
		openHostile(t, path)
		return
	}
	if testsize.Race {
		t.Skip("the race detector takes memory of its own; without it this is a proof of every run")
	}
	for name, c := range hostileFiles {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "ledger.db")
			c.make(forge(t, path, c.meta))
			child := exec.Command(os.Args[0], "-test.run=^TestHostileFilesEndNoProcess$", "-test.v")
			child.Env = append(os.Environ(), "CREDITLEDGER_HOSTILE="+path, "GOMEMLIMIT=900MiB")
			out, err := child.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%.2000s", err, out)
			}
			if !strings.Contains(string(out), c.says) {
				t.Errorf("it does not say %q:\n%.2000s", c.says, out)
			}
		})
	}
}

// openHostile opens a file in every way, and tells how each ended.
func openHostile(t *testing.T, path string) {
	debug.SetMaxStack(64 << 20)
	limit := syscall.Rlimit{Cur: 1 << 30, Max: 1 << 30}
	if err := syscall.Setrlimit(syscall.RLIMIT_DATA, &limit); err != nil {
		t.Fatal(err)
	}
	for _, readOnly := range []bool{false, true} {
		s, err := Open(path, &Options{ReadOnly: readOnly, LockTimeout: -1})
		t.Logf("read only %t: %v", readOnly, err)
		if err == nil {
			t.Error("it was opened")
			s.Close()
		} else if !errors.Is(err, creditledger.ErrCorrupt) {
			t.Errorf("error %v", err)
		}
	}
	_, err := Recover(t.Context(), path, path+".new")
	t.Logf("recover: %v", err)
	if !errors.Is(err, creditledger.ErrCorrupt) {
		t.Errorf("recover: %v", err)
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return
	}
	for line := range strings.Lines(string(status)) {
		if kib, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			if n, err := strconv.Atoi(strings.Fields(kib)[0]); err != nil || n > 1<<20 {
				t.Errorf("it took %s", strings.TrimSpace(line))
			}
			fmt.Print(line)
		}
	}
}
