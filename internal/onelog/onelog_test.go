package onelog

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

const (
	testSize = page + 256<<10
	sector   = 512
)

func payload(i int) []byte { return bytes.Repeat(fmt.Appendf(nil, "<%d>", i), 300+7*i) }

// script makes a log and writes turns of so many frames each, and returns what is in the file
// before each write, then at the end, with the tokens of the turns.
func script(t *testing.T, turns ...int) (states [][]byte, tokens []Token) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "log")
	l, err := begun(path, testSize)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	number := 0
	for i, frames := range turns {
		if i == 0 {
			l.Begin(Token{1})
		} else {
			l.Turn()
		}
		tokens = append(tokens, l.Token())
		for range frames {
			states = append(states, content(t, path))
			if err := l.Append(uint64(number), payload(number)); err != nil {
				t.Fatal(err)
			}
			number++
		}
	}
	return append(states, content(t, path)), tokens
}

// begun makes a log file and begins with it.
func begun(path string, size int64) (*Log, error) {
	if err := Make(path, size); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	return New(f, size)
}

func content(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// numbers reads a log and returns the numbers of its commits, which are what was written.
func numbers(t *testing.T, data []byte, token Token, before ...Token) (list []uint64, err error) {
	t.Helper()
	turns, err := Read(bytes.NewReader(data), int64(len(data)), token, before...)
	for _, turn := range turns {
		for _, f := range turn.Frames {
			if !bytes.Equal(f.Payload, payload(int(f.Number))) {
				t.Errorf("commit %d comes back as something else", f.Number)
			}
			list = append(list, f.Number)
		}
	}
	return list, err
}

func upTo(from, to int) (list []uint64) {
	for n := from; n < to; n++ {
		list = append(list, uint64(n))
	}
	return list
}

// TestReadReturnsTheTurnAndTheOneThatFollows: what an earlier turn left is not among them,
// also where it stands behind a shorter turn.
func TestReadReturnsTheTurnAndTheOneThatFollows(t *testing.T) {
	states, tokens := script(t, 6, 4, 3, 2)
	last := states[len(states)-1]
	for _, c := range []struct {
		token  Token
		before []Token
		want   []uint64
	}{
		{tokens[2], tokens[1:2], upTo(10, 15)},
		{tokens[3], tokens[2:3], upTo(13, 15)},
	} {
		if got, err := numbers(t, last, c.token, c.before...); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%v, %v, want %v", got, err, c.want)
		}
	}
	if err := Left(bytes.NewReader(last), testSize, tokens[2:]...); err != nil {
		t.Errorf("only turns that are stored are left: %v", err)
	}
}

// TestEachStateOfAPowerCut: of a write any sectors may have arrived, the others are as they
// were or torn. What was acknowledged comes back, and the commit that was being written whole
// or not at all; that at each write, of the first of a turn as well.
func TestEachStateOfAPowerCut(t *testing.T) {
	states, tokens := script(t, 3, 2, 2, 1)
	begins := []int{0, 3, 5, 7, 8}
	n, lost := 0, 0
	for write := range len(states) - 1 {
		turn := slices.IndexFunc(begins, func(b int) bool { return b > write }) - 1
		from := max(turn-1, 0) // the one before is still to be folded
		var before []Token
		if from > 0 {
			before = tokens[from-1 : from]
		}
		for state := range powerCuts(states[write], states[write+1]) {
			got, err := numbers(t, state, tokens[from], before...)
			acknowledged := upTo(begins[from], write)
			if n++; err != nil || !slices.Equal(got, acknowledged) && !slices.Equal(got, upTo(begins[from], write+1)) {
				if lost++; lost < 5 {
					t.Errorf("write %d: %v, %v, want %v", write, got, err, acknowledged)
				}
			}
		}
	}
	t.Logf("%d states, %d lost", n, lost)
}

// powerCuts yields what may be in a file when the power goes in a write.
func powerCuts(before, after []byte) func(func([]byte) bool) {
	return func(yield func([]byte) bool) {
		var differ []int
		for at := 0; at < len(after); at += sector {
			if !bytes.Equal(before[at:at+sector], after[at:at+sector]) {
				differ = append(differ, at)
			}
		}
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
				if !yield(state) {
					return
				}
			}
		}
	}
}

// TestEveryFlippedByteIsToldOf in a frame that was acknowledged, but for the very last one,
// which cannot be told from one that was being written.
func TestEveryFlippedByteIsToldOf(t *testing.T) {
	states, tokens := script(t, 2, 3, 2)
	whole := states[len(states)-1]
	turns, err := Read(bytes.NewReader(whole), testSize, tokens[1], tokens[0])
	if err != nil || len(turns) != 2 {
		t.Fatalf("%d turns, %v", len(turns), err)
	}
	for _, turn := range turns {
		at := page + turn.Half*(testSize-page)/2
		for _, f := range turn.Frames {
			last := f.Number == 6
			for i := range headerSize + len(f.Payload) {
				if i > headerSize && i%37 != 0 {
					continue
				}
				data := bytes.Clone(whole)
				data[at+i] ^= 1
				got, err := numbers(t, data, tokens[1], tokens[0])
				var damaged *DamagedError
				var foreign *ForeignError
				told := errors.As(err, &damaged) || errors.As(err, &foreign)
				if told == last || !slices.Equal(got, upTo(2, int(f.Number))) && !told {
					t.Fatalf("commit %d, byte %d: %v, %v", f.Number, i, got, err)
				}
			}
			at += int(frameSize(len(f.Payload)))
		}
	}
}

// TestForeignTurnsAreToldOf: of another log, of a copy that went its own way, of a later or an
// earlier time.
func TestForeignTurnsAreToldOf(t *testing.T) {
	states, tokens := script(t, 3, 2, 2, 1)
	last := states[len(states)-1]
	for name, c := range map[string]struct {
		data   []byte
		token  Token
		before []Token
	}{
		"another log":      {last, Token{9}, []Token{{8}}},
		"an older copy":    {last, tokens[0], nil},
		"a newer database": {states[3], Token{7}, []Token{{6}}},
	} {
		got, err := numbers(t, c.data, c.token, c.before...)
		var foreign *ForeignError
		if !errors.As(err, &foreign) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	if err := Left(bytes.NewReader(last), testSize, tokens[:2]...); err == nil {
		t.Error("turns that nobody folded are taken for leftovers")
	}
	if _, err := Read(bytes.NewReader(make([]byte, testSize)), testSize, Token{1}); err != nil {
		t.Errorf("a log in which nothing was written: %v", err)
	}
}

// TestContinue goes on where a log was left, in the same turn.
func TestContinue(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	l, err := begun(path, testSize)
	if err != nil {
		t.Fatal(err)
	}
	l.Begin(Token{1})
	for n := range 9 {
		if n == 4 {
			l.Turn()
		}
		if err := l.Append(uint64(n), payload(n)); err != nil {
			t.Fatal(err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		turns, err := Read(bytes.NewReader(content(t, path)), testSize, Token{1})
		if err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		if l, err = Continue(f, testSize, turns[len(turns)-1]); err != nil {
			t.Fatal(err)
		}
	}
	defer l.Close()
	if got, err := numbers(t, content(t, path), Token{1}); err != nil || !slices.Equal(got, upTo(0, 9)) {
		t.Errorf("%v, %v", got, err)
	}
}

// TestAHalfIsFull before anything of a frame is written that does not fit.
func TestAHalfIsFull(t *testing.T) {
	l, err := begun(filepath.Join(t.TempDir(), "log"), 5*page)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	l.Begin(Token{1})
	if !l.Fits(2*page-headerSize) || l.Fits(2*page-headerSize+1) {
		t.Error("Fits")
	}
	if err := l.Append(1, make([]byte, page)); err != nil {
		t.Fatal(err)
	}
	if err := l.Append(2, nil); !errors.Is(err, ErrFull) {
		t.Errorf("%v", err)
	}
	l.Turn()
	if err := l.Append(2, make([]byte, 2*page-headerSize)); err != nil {
		t.Error(err)
	}
}
