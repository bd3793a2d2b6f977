package onelog

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

const sector = 512

// written returns the bytes of a log before and after its last commit.
func written(t *testing.T, align, commits int, token Token) (before, after []byte) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "log")
	l, err := Create(path, 256<<10, align, Token{9})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for i := range 20 { // an earlier turn, whose frames stand behind those of this one
		if err := l.Append(payload(100 + i)); err != nil {
			t.Fatal(err)
		}
	}
	l.Begin(token)
	for i := range commits {
		before = read(t, path)
		if err := l.Append(payload(i)); err != nil {
			t.Fatal(err)
		}
	}
	return before, read(t, path)
}

func payload(i int) []byte { return bytes.Repeat([]byte(fmt.Sprintf("<%d>", i)), 300+7*i) }

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// replayed returns how many commits come back, and makes sure that they are the first ones.
func replayed(t *testing.T, data []byte, align int, token Token) (int, error) {
	t.Helper()
	i := 0
	n, err := Replay(bytes.NewReader(data), align, token, func(_ uint64, p []byte) error {
		if !bytes.Equal(p, payload(i)) {
			t.Errorf("commit %d comes back as something else", i)
		}
		i++
		return nil
	})
	return n, err
}

// TestPowerCut: of the last write any sectors may have arrived, the others are as they were or
// torn. What was acknowledged comes back, and the last commit whole or not at all. The control
// packs frames, so that two share a sector: a torn one takes an acknowledged commit with it.
func TestPowerCut(t *testing.T) {
	const commits = 5
	token := Token{1}
	for _, align := range []int{4096, sector, 8} {
		before, after := written(t, align, commits, token)
		var differ []int
		for at := 0; at < len(after); at += sector {
			if !bytes.Equal(before[at:at+sector], after[at:at+sector]) {
				differ = append(differ, at)
			}
		}
		states, lost := 0, 0
		for arrived := range 1 << len(differ) {
			for _, torn := range []bool{false, true} {
				state := bytes.Clone(before)
				for bit, at := range differ {
					switch {
					case arrived&(1<<bit) != 0:
						copy(state[at:at+sector], after[at:at+sector])
					case torn:
						copy(state[at:at+sector], bytes.Repeat([]byte{0xa5}, sector))
					}
				}
				n, err := replayed(t, state, align, token)
				if states++; n < commits-1 || n > commits || err != nil {
					lost++
				}
			}
		}
		t.Logf("align %d: %d states, %d lost", align, states, lost)
		if align >= sector && lost > 0 {
			t.Errorf("align %d: %d of %d states lose an acknowledged commit", align, lost, states)
		}
		if align < sector && lost == 0 {
			t.Error("the control loses nothing")
		}
	}
}

// TestDamage: a byte that is flipped in an acknowledged frame is told of, unless it is the last
// frame's, which cannot be told from one that was being written.
func TestDamage(t *testing.T) {
	const commits, align = 4, 4096
	token := Token{1}
	_, whole := written(t, align, commits, token)
	for at := range commits * align {
		if at%align >= headerSize+len(payload(at/align)) {
			continue // padding
		}
		if at%align > headerSize && at%37 != 0 {
			continue
		}
		data := bytes.Clone(whole)
		data[at] ^= 1
		n, err := replayed(t, data, align, token)
		last := at/align == commits-1
		if n != at/align || errors.Is(err, ErrDamaged) == last {
			t.Errorf("byte %d: %d commits, %v", at, n, err)
		}
	}
}

// TestForeign: frames of another turn or another database are none of ours.
func TestForeign(t *testing.T) {
	_, data := written(t, 4096, 3, Token{1})
	for _, token := range []Token{{2}, {9}} { // the latter's first frames are overwritten
		n, err := replayed(t, data, 4096, token)
		if n != 0 || errors.Is(err, ErrDamaged) != (token == Token{9}) {
			t.Errorf("%v: %d commits, %v", token, n, err)
		}
	}
}
