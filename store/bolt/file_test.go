package bolt_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"creditledger"
	"creditledger/store/bolt"
)

// TestCreate looks at what Open leaves behind when it makes a new ledger.
func TestCreate(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "ledger.db")
	s := mustOpen(t, path, nil)
	mustGrant(t, s, ann, 3)
	info, err := os.Lstat(path)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, %v, want 0600", info.Mode(), err)
	}
	mustClose(t, s)
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("the directory holds %v, %v, want the ledger alone", entries, err)
	}
	wantVersion(t, mustOpen(t, path, nil), ann, 3)

	_, err = bolt.Open(filepath.Join(dir, "no such directory", "ledger.db"), nil)
	wantError(t, err, fs.ErrNotExist, "no such directory")
}

// TestCreateTogether opens one new ledger from many goroutines: whoever makes it,
// nobody's commit may be lost to another's new file.
func TestCreateTogether(t *testing.T) {
	path := path(t)
	var wg sync.WaitGroup
	ids := make([]creditledger.AccountID, 8)
	for i := range ids {
		ids[i] = creditledger.AccountID{Customer: strconv.Itoa(i), Currency: "credits"}
		wg.Go(func() {
			s, err := bolt.Open(path, &bolt.Options{LockTimeout: time.Minute})
			if err != nil {
				t.Error(err)
				return
			}
			if err := errors.Join(grant(t, s, ids[i], "k"), s.Close()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	s := mustOpen(t, path, nil)
	for _, id := range ids {
		wantVersion(t, s, id, 1)
	}
}

// TestLock tries to open a ledger that is open in this process and in another.
func TestLock(t *testing.T) {
	if held := os.Getenv("CREDITLEDGER_HOLD"); held != "" {
		mustOpen(t, held, nil)
		os.Stdout.WriteString("open\n")
		os.Stdin.Read(make([]byte, 1)) // until the parent closes it
		return
	}
	path := path(t)
	locked := func(opts bolt.Options) {
		t.Helper()
		start := time.Now()
		_, err := bolt.Open(path, &opts)
		wantError(t, err, creditledger.ErrLocked, path)
		wait := opts.LockTimeout
		if wait == 0 {
			wait = time.Second
		}
		if took := time.Since(start); took < max(wait, 0)-100*time.Millisecond || took > max(wait, 0)+30*time.Second {
			t.Errorf("gave up after %v, want %v", took, wait)
		}
	}
	s := mustOpen(t, path, nil)
	locked(bolt.Options{LockTimeout: -1})
	locked(bolt.Options{LockTimeout: 200 * time.Millisecond})
	locked(bolt.Options{LockTimeout: -1, ReadOnly: true})
	locked(bolt.Options{})
	mustClose(t, s)

	child := exec.Command(os.Args[0], "-test.run=^TestLock$")
	child.Env = append(os.Environ(), "CREDITLEDGER_HOLD="+path)
	stdin, errIn := child.StdinPipe()
	stdout, errOut := child.StdoutPipe()
	if err := errors.Join(errIn, errOut, child.Start()); err != nil {
		t.Fatal(err)
	}
	if _, err := stdout.Read(make([]byte, 5)); err != nil {
		t.Fatal(err)
	}
	locked(bolt.Options{LockTimeout: -1})
	stdin.Close()
	wantVersion(t, mustOpen(t, path, &bolt.Options{LockTimeout: time.Minute}), ann, 0)
	if err := child.Wait(); err != nil {
		t.Errorf("the other process: %v", err)
	}
}

// TestReadOnly opens a ledger for reading, twice at once.
func TestReadOnly(t *testing.T) {
	path := path(t)
	readOnly := &bolt.Options{ReadOnly: true, LockTimeout: -1}
	_, err := bolt.Open(path, readOnly)
	wantError(t, err, fs.ErrNotExist, path)
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a ledger was made for reading: %v", err)
	}
	s := mustOpen(t, path, nil)
	mustGrant(t, s, ann, 2)
	mustClose(t, s)
	if err := os.Chmod(path, 0o400); err != nil {
		t.Fatal(err)
	}
	unchanged(t, path, func() {
		one, two := mustOpen(t, path, readOnly), mustOpen(t, path, readOnly)
		wantVersion(t, one, ann, 2)
		wantVersion(t, two, ann, 2)
		wantError(t, grant(t, one, ann, "k"), creditledger.ErrReadOnly, path)
		wantVersion(t, one, ann, 2)
		_, err := bolt.Open(path, &bolt.Options{LockTimeout: -1})
		if err == nil {
			t.Error("open for writing while others read")
		}
		mustClose(t, one)
		mustClose(t, two)
	})
}

// database makes a bbolt file with buckets of other people.
func database(t *testing.T, path string, opts *bbolt.Options, change func(tx *bbolt.Tx) error) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, opts)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucketIfNotExists([]byte("theirs"))
		if err != nil {
			return err
		}
		return b.Put([]byte("k"), []byte("v"))
	})
	if err == nil && change != nil {
		err = db.Update(change)
	}
	if err = errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}

func ledgerBucket(tx *bbolt.Tx, name string) *bbolt.Bucket {
	return tx.Bucket([]byte("creditledger")).Bucket([]byte(name))
}

// TestNotALedger opens files that hold something else. None may be changed, and none
// taken for an empty ledger.
func TestNotALedger(t *testing.T) {
	good := path(t)
	s := mustOpen(t, good, nil)
	mustGrant(t, s, ann, 20)
	mustClose(t, s)
	bytesOf, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	write := func(content []byte) func(*testing.T, string) {
		return func(t *testing.T, path string) {
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	edited := func(change func(tx *bbolt.Tx) error) func(*testing.T, string) {
		return func(t *testing.T, path string) {
			write(bytesOf)(t, path)
			database(t, path, nil, change)
		}
	}
	for _, c := range []struct {
		name string
		make func(t *testing.T, path string)
		says string
	}{
		{"empty", write(nil), "empty"},
		{"one byte", write([]byte{0}), "not a bbolt database"},
		{"text", write([]byte(strings.Repeat("credits\n", 10_000))), "not a bbolt database"},
		{"zeros", write(make([]byte, 1<<16)), "not a bbolt database"},
		{"both metas gone", write(slices.Concat(make([]byte, 8192), bytesOf[8192:])), "not a bbolt database"},
		{"three pages", write(bytesOf[:3*4096]), "cut short"},
		{"half a page", write(bytesOf[:2048]), "cut short"},
		{"another database", func(t *testing.T, path string) { database(t, path, nil, nil) }, "without a ledger"},
		{"no freelist", func(t *testing.T, path string) {
			database(t, path, &bbolt.Options{NoFreelistSync: true}, nil)
		}, "NoFreelistSync"},
		{"our name is a key", func(t *testing.T, path string) {
			database(t, path, nil, func(tx *bbolt.Tx) error {
				return tx.Bucket([]byte("theirs")).Put([]byte("creditledger"), nil)
			})
		}, "without a ledger"},
		{"newer format", edited(func(tx *bbolt.Tx) error {
			return ledgerBucket(tx, "meta").Put([]byte("format"), binary.BigEndian.AppendUint32(nil, 99))
		}), "format version: 99 is not known"},
		{"no format", edited(func(tx *bbolt.Tx) error {
			return ledgerBucket(tx, "meta").Delete([]byte("format"))
		}), "format version: missing"},
		{"a bucket missing", edited(func(tx *bbolt.Tx) error {
			return tx.Bucket([]byte("creditledger")).DeleteBucket([]byte("blockids"))
		}), "bucket blockids: missing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := path(t)
			c.make(t, path)
			unchanged(t, path, func() {
				for _, readOnly := range []bool{false, true} {
					_, err := bolt.Open(path, &bolt.Options{ReadOnly: readOnly})
					wantError(t, err, creditledger.ErrCorrupt, c.says)
				}
			})
			// Nothing holds the file any more.
			if err := os.WriteFile(path, bytesOf, 0o600); err != nil {
				t.Fatal(err)
			}
			wantVersion(t, mustOpen(t, path, &bolt.Options{LockTimeout: -1}), ann, 20)
		})
	}
}

// TestDamagedValues opens a ledger whose rows do not decode: an error that says
// where, never a zero value.
func TestDamagedValues(t *testing.T) {
	for _, bucket := range []string{"accounts", "blocks", "blockids", "keys", "log", "due"} {
		t.Run(bucket, func(t *testing.T) {
			path := path(t)
			s := mustOpen(t, path, nil)
			mustGrant(t, s, ann, 1)
			blocks, err := s.Blocks(t.Context(), ann, 1, 1)
			if err != nil {
				t.Fatal(err)
			}
			mustClose(t, s)
			database(t, path, nil, func(tx *bbolt.Tx) error {
				b := ledgerBucket(tx, bucket)
				k, _ := b.Cursor().First()
				if bucket == "due" { // due at 1, where a sweep begins to read
					k = append(binary.BigEndian.AppendUint64(nil, 1), 0)
				}
				return b.Put(bytes.Clone(k), []byte{0xff})
			})
			s = mustOpen(t, path, nil)
			_, errLoad := s.Load(t.Context(), ann, nil)
			_, errBlocks := s.Blocks(t.Context(), ann, 1, 10)
			_, errBlock := s.Block(t.Context(), ann, blocks[0].ID)
			_, errJournal := s.Journal(t.Context(), ann, 1, 10, false)
			_, errKey := s.KeySeq(t.Context(), ann, creditledger.Key(t.Name()+"0"))
			_, errDue := s.Due(t.Context(), 1, creditledger.DueAccount{}, 10)
			l := creditledger.New(s, nil)
			defer l.Close()
			_, errVerify := l.Verify(t.Context(), ann, nil)
			if !slices.ContainsFunc([]error{errLoad, errBlocks, errBlock, errJournal, errKey, errDue, errVerify}, func(err error) bool {
				return errors.Is(err, creditledger.ErrCorrupt)
			}) {
				t.Error("nothing notices")
			}
		})
	}
}

// TestMoved moves the file away from under an open ledger.
func TestMoved(t *testing.T) {
	path := path(t)
	s := mustOpen(t, path, nil)
	mustGrant(t, s, ann, 1)
	rename := func(from, to string) {
		t.Helper()
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	refused := func() {
		t.Helper()
		wantFileError(t, grant(t, s, ann, "k"), path, "no longer names the open file")
		wantVersion(t, s, ann, 1)
	}
	rename(path, path+".away")
	refused()
	// Somebody opens the name and gets a new ledger; the two may not both go on.
	other := mustOpen(t, path, nil)
	mustGrant(t, other, ann, 2)
	refused()
	mustClose(t, other)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(path+".away", path); err != nil {
		t.Fatal(err)
	}
	refused()
	rename(path+".away", path)
	if err := grant(t, s, ann, "k"); err != nil {
		t.Errorf("after the file was put back: %v", err)
	}
	wantVersion(t, s, ann, 2)
}
