package bolt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.etcd.io/bbolt"

	"creditledger"
)

// bigFile makes a bbolt file with branches, overflow pages, buckets of all sizes and,
// if wanted, a freelist of several pages.
func bigFile(t *testing.T, keys int, free bool) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file.db")
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{FreelistType: bbolt.FreelistMapType, NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	update := func(f func(tx *bbolt.Tx) error) {
		if err := db.Update(f); err != nil {
			t.Fatal(err)
		}
	}
	update(func(tx *bbolt.Tx) error {
		for _, name := range []string{"a", "b", "c"} {
			top, err := tx.CreateBucket([]byte(name))
			if err != nil {
				return err
			}
			inner, err := top.CreateBucket([]byte("inner"))
			if err != nil {
				return err
			}
			if name == "b" {
				continue
			}
			for i := range keys {
				if err := inner.Put(key(uint64(i)), make([]byte, i%61*i%997)); err != nil {
					return err
				}
			}
			if err := top.Put([]byte("large"), make([]byte, 20_000)); err != nil {
				return err
			}
		}
		return nil
	})
	if free {
		update(func(tx *bbolt.Tx) error { return tx.DeleteBucket([]byte("c")) })
		update(func(tx *bbolt.Tx) error { return tx.Bucket([]byte("a")).Put([]byte("x"), nil) })
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

type bytesAt []byte

func (b bytesAt) ReadAt(p []byte, off int64) (int, error) {
	if off > int64(len(b)) || copy(p, b[off:]) < len(p) {
		return 0, errors.New("behind the end")
	}
	return len(p), nil
}

func TestWalkAcceptsWhatBboltWrites(t *testing.T) {
	for _, keys := range []int{0, 1, 50, 6000} {
		for _, free := range []bool{false, true} {
			data := bigFile(t, keys, free)
			if warnings, err := preflight(t.Context(), bytesAt(data), int64(len(data)), true); err != nil || warnings != nil {
				t.Errorf("%d keys, free %v: %v %v", keys, free, warnings, err)
			}
		}
	}
}

// Each rule of the walk is broken once; the page is named.
func TestWalkNamesTheDamagedPage(t *testing.T) {
	whole := bigFile(t, 3000, true)
	m, err := readMeta(bytesAt(whole), int64(len(whole)))
	if err != nil {
		t.Fatal(err)
	}
	size := int(m.pageSize)
	branch, leaf := treePages(whole, m)
	if branch == 0 || leaf == 0 {
		t.Fatal("the file has no branch or no leaf of several keys")
	}
	freelist := int(m.freelist)
	u16, u32, u64 := binary.NativeEndian.PutUint16, binary.NativeEndian.PutUint32, binary.NativeEndian.PutUint64
	swap := func(a, b []byte) {
		for i := range a {
			a[i], b[i] = b[i], a[i]
		}
	}
	tests := []struct {
		name string
		page int
		do   func(p []byte)
	}{
		{"id", leaf, func(p []byte) { u64(p, 3) }},
		{"flags", leaf, func(p []byte) { u16(p[8:], flagFreelist) }},
		{"count", leaf, func(p []byte) { u16(p[10:], 60_000) }},
		{"overflow", leaf, func(p []byte) { u32(p[12:], 1<<31) }},
		{"order", leaf, func(p []byte) { swap(p[pageHeader:][:16], p[pageHeader+16:][:16]) }},
		{"position", leaf, func(p []byte) { u32(p[pageHeader+4:], 1<<30) }},
		{"positions twice", leaf, func(p []byte) {
			first := binary.NativeEndian.Uint32(p[pageHeader+4:])
			u32(p[pageHeader+elementSize+4:], first-elementSize) // the same bytes: also the same key
			u32(p[pageHeader+elementSize+8:], binary.NativeEndian.Uint32(p[pageHeader+8:])+1)
		}},
		{"position in front", leaf, func(p []byte) { u32(p[pageHeader+4:], 0) }},
		{"key size", leaf, func(p []byte) { u32(p[pageHeader+8:], 0) }},
		{"value size", leaf, func(p []byte) { u32(p[pageHeader+12:], 1<<31) }},
		{"element flags", leaf, func(p []byte) { u32(p[pageHeader:], 7) }},
		{"a bucket", leaf, func(p []byte) { u32(p[pageHeader:], elementBucket) }},
		{"empty branch", branch, func(p []byte) { u16(p[10:], 0) }},
		{"branch position", branch, func(p []byte) { u32(p[pageHeader:], 1<<20) }},
		{"child behind the end", -1, func([]byte) { u64(whole[branch*size+pageHeader+8:], m.pages) }},
		{"cycle", branch, func(p []byte) { u64(p[pageHeader+8:], uint64(branch)) }},
		{"same child twice", -1, func([]byte) { copy(whole[branch*size+pageHeader+8:][:8], whole[branch*size+pageHeader+24:][:8]) }},
		{"freelist flags", freelist, func(p []byte) { u16(p[8:], flagLeaf) }},
		{"freelist count", -1, func([]byte) { u16(whole[freelist*size+10:], 1) }},
		{"freelist length", freelist, func(p []byte) { u16(p[10:], manyFree); u64(p[pageHeader:], 1<<60) }},
		{"used page free", -1, func([]byte) {
			u64(whole[freelist*size+pageHeader:], 2)
			u64(whole[freelist*size+pageHeader+8:], uint64(leaf))
		}},
		{"free page twice", freelist, func(p []byte) { copy(p[pageHeader+8:][:8], p[pageHeader:][:8]) }},
	}
	sound := append([]byte{}, whole...)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			copy(whole, sound)
			test.do(whole[max(test.page, 0)*size:])
			_, err := preflight(t.Context(), bytesAt(whole), int64(len(whole)), true)
			var damage *creditledger.CorruptError
			if !errors.As(err, &damage) {
				t.Fatalf("got %v", err)
			}
			if want := fmt.Sprintf("page %d", test.page); test.page >= 0 && damage.Where != want {
				t.Errorf("it is said to be in %s, not %s: %v", damage.Where, want, err)
			}
		})
	}
}

// treePages finds a branch, and a leaf of several keys.
func treePages(file []byte, m meta) (branch, leaf int) {
	for p := 2; p < int(m.pages); p++ {
		h := file[p*int(m.pageSize):]
		switch reachable := isReachable(file, m, uint64(p)); {
		case reachable && h[8] == flagBranch:
			branch = p
		case reachable && h[8] == flagLeaf && binary.NativeEndian.Uint16(h[10:]) > 3:
			leaf = p
		}
	}
	return branch, leaf
}

// isReachable reports whether a page is not free.
func isReachable(file []byte, m meta, page uint64) bool {
	list := file[m.freelist*m.pageSize:]
	for i := range int(binary.NativeEndian.Uint16(list[10:])) {
		if binary.NativeEndian.Uint64(list[pageHeader+8*i:]) == page {
			return false
		}
	}
	// Not the inside of an overflowing page either.
	return page != m.freelist && binary.NativeEndian.Uint64(file[page*m.pageSize:]) == page
}

// TestMetaPages damages, copies, swaps and ages the meta pages. Only what a write that was
// cut off leaves behind is opened for writing.
func TestMetaPages(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "ledger.db")
	put := func(key string) []byte { // one commit, and the fold of Close
		s, err := Open(path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(s.Warnings()) != 0 {
			t.Errorf("a sound file: %v", s.Warnings())
		}
		change := creditledger.Change{Documents: []creditledger.DocumentPut{{DocumentID: creditledger.DocumentID{Kind: "k", Key: key}, Value: []byte("v")}}}
		if err := errors.Join(s.Commit(t.Context(), []creditledger.Change{change}), s.Close()); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	before := put("a")
	put("b")
	sound := put("c")
	m, err := readMeta(bytesAt(sound), int64(len(sound)))
	if err != nil {
		t.Fatal(err)
	}
	size := int(m.pageSize)
	newer := int(m.tx%2) * size
	older := size - newer
	const tx, sum = metaOffset + metaTx, metaOffset + metaChecksum
	for _, c := range []struct {
		name           string
		do             func(file []byte)
		refused        string // for writing
		refusedReading string
		warns          bool
	}{
		{"a bit of the older", func(f []byte) { f[older+sum] ^= 1 }, "", "", true},
		{"a bit of the newer", func(f []byte) { f[newer+sum] ^= 1 }, "may have been the newer", "", true},
		{"the older zeroed", func(f []byte) { clear(f[older:][:size]) }, "may have been the newer", "", true},
		{"the newer zeroed", func(f []byte) { clear(f[newer:][:size]) }, "may have been the newer", "", true},
		{"the number of the newer", func(f []byte) { f[newer+tx] ^= 1 << 5 }, "may have been the newer", "", true},
		{"both", func(f []byte) { f[newer+sum] ^= 1; f[older+sum] ^= 1 }, "both its meta pages", "both its meta pages", false},
		{"a copy of the older over the newer", func(f []byte) { copy(f[newer:], f[older:][:size]) }, "may have been the newer", "", true},
		{"that, with its number put right", func(f []byte) {
			copy(f[newer+8:], f[older+8:][:size-8])
		}, "do not follow one another", "do not follow one another", false},
		{"swapped", func(f []byte) {
			page := append([]byte{}, f[:size]...)
			copy(f, f[size:][:size])
			copy(f[size:], page)
		}, "both its meta pages", "both its meta pages", false},
		{"the older put back by a commit", func(f []byte) { copy(f[older:], before[older:][:size]) }, "do not follow one another", "do not follow one another", false},
		// Nothing but a checkpoint tells this from a commit that never was.
		{"the newer put back by a commit", func(f []byte) { copy(f[newer:], before[newer:][:size]) }, "", "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			damaged := append([]byte{}, sound...)
			c.do(damaged)
			for _, readOnly := range []bool{false, true} {
				file := filepath.Join(t.TempDir(), "damaged.db")
				if err := os.WriteFile(file, damaged, 0o600); err != nil {
					t.Fatal(err)
				}
				want := c.refused
				if readOnly {
					want = c.refusedReading
				}
				s, err := Open(file, &Options{ReadOnly: readOnly})
				if want != "" {
					if !errors.Is(err, creditledger.ErrCorrupt) || !strings.Contains(err.Error(), want) {
						t.Errorf("read only %t: %v, want %q", readOnly, err, want)
					}
					continue
				}
				if err != nil {
					t.Errorf("read only %t: %v", readOnly, err)
					continue
				}
				if warns := len(s.Warnings()) == 1; warns != c.warns {
					t.Errorf("read only %t: warnings %q", readOnly, s.Warnings())
				}
				s.Close()
			}
		})
	}
}

func BenchmarkWalk(b *testing.B) {
	path := filepath.Join(b.TempDir(), "file.db")
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{NoSync: true})
	if err != nil {
		b.Fatal(err)
	}
	for range 10 {
		err := db.Update(func(tx *bbolt.Tx) error {
			bucket, err := tx.CreateBucketIfNotExists([]byte("log"))
			for i := uint64(0); i < 10_000 && err == nil; i++ {
				n, _ := bucket.NextSequence()
				err = bucket.Put(key(n), make([]byte, 150))
			}
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	db.Close()
	f, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	info, _ := f.Stat()
	b.SetBytes(info.Size())
	for b.Loop() {
		if _, err := preflight(b.Context(), f, info.Size(), true); err != nil {
			b.Fatal(err)
		}
	}
}
