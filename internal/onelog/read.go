package onelog

import (
	"cmp"
	"fmt"
	"io"
	"slices"
)

// Turn is one use of one half of a log.
type Turn struct {
	Token  Token
	Half   int // 0 or 1
	Frames []Frame

	last sum   // of the last frame
	end  int64 // of the last frame, from the begin of the half
}

// Following is the token of the turn that follows.
func (t *Turn) Following() Token { return t.Token.following(t.last) }

// DamagedError says that commits which were acknowledged are not all there, or not as they
// were written.
type DamagedError struct {
	Number uint64 // of the last commit before the damage, 0: none
	Reason string
}

func (e *DamagedError) Error() string {
	if e.Number == 0 {
		return e.Reason
	}
	return fmt.Sprintf("behind commit %d: %s", e.Number, e.Reason)
}

// ForeignError says that a log holds a turn that is none of those expected: it belongs to
// another file, or to another copy of this one.
type ForeignError struct{}

func (*ForeignError) Error() string { return "a turn that does not belong to this ledger file" }

// Read reads the turn of that name, and the one that follows it, if they have begun. Nothing
// else may be in the log but turns whose names are known; what was never written,
// or not to its end, is nothing.
//
// A frame that is not whole is the end of its turn: it was being written. But it is damage
// where a frame of the same turn or a turn that follows is written behind it, which began only
// when it was on the disk. That the very last frame was damaged later cannot be told.
func Read(r io.ReaderAt, size int64, token Token, before ...Token) ([]Turn, error) {
	halves, err := read(r, size)
	if err != nil {
		return nil, err
	}
	var turns []Turn
	for h, data := range halves {
		t, err := turnIn(data, h, token)
		if err != nil {
			return nil, err
		}
		if t.end > 0 {
			turns = append(turns, t)
		}
	}
	switch len(turns) {
	case 0:
		return nil, onlyOf(halves[:], before)
	case 2:
		return nil, &DamagedError{Reason: "both halves have the same turn"}
	}
	first := &turns[0]
	other := halves[1-first.Half]
	t, err := turnIn(other, 1-first.Half, first.Following())
	switch {
	case err != nil:
		return turns, err
	case t.end > 0:
		return append(turns, t), nil
	}
	if onlyOf([][]byte{other}, before) != nil {
		return turns, &DamagedError{Number: first.Frames[len(first.Frames)-1].Number, Reason: "the turn that follows does not follow on what is left of this one"}
	}
	return turns, nil
}

// Left makes sure that a log holds nothing but turns of those names: that nothing is in it
// that is not stored elsewhere.
func Left(r io.ReaderAt, size int64, before ...Token) error {
	halves, err := read(r, size)
	if err != nil {
		return err
	}
	return onlyOf(halves[:], before)
}

func read(r io.ReaderAt, size int64) (halves [2][]byte, err error) {
	if size < page+2*page {
		return halves, nil
	}
	data := make([]byte, size)
	if _, err := r.ReadAt(data, 0); err != nil && err != io.EOF {
		return halves, err
	}
	half := (size - page) / 2
	return [2][]byte{data[page : page+half : page+half], data[page+half:]}, nil
}

// names reads which turns begin in the halves.
func names(r io.ReaderAt, size int64) (list [2]Token, err error) {
	halves, err := read(r, size)
	if err != nil {
		return list, err
	}
	for h, data := range halves {
		if _, of, ok := parseFrame(data); ok {
			list[h] = of
		}
	}
	return list, nil
}

// Names are the turns that begin in the halves of a log.
func Names(r io.ReaderAt, size int64) ([]Token, error) {
	list, err := names(r, size)
	return known(list), err
}

func known(names [2]Token) (list []Token) {
	for _, t := range names {
		if t != (Token{}) {
			list = append(list, t)
		}
	}
	return list
}

// turnIn reads the frames of a turn from the begin of a half.
func turnIn(data []byte, half int, token Token) (Turn, error) {
	t := Turn{Token: token, Half: half}
	for {
		f, of, ok := parseFrame(data[min(t.end, int64(len(data))):])
		if ok && of != token && t.end == 0 {
			return t, nil // another turn is written over what may be left of this one
		}
		if !ok || of != token || f.before != t.last {
			break
		}
		t.Frames = append(t.Frames, f)
		t.last = f.sum
		t.end += frameSize(len(f.Payload))
	}
	for at := t.end; at < int64(len(data)); at += page {
		if Token(data[at:at+int64(len(token))]) != token {
			continue
		}
		if f, _, ok := parseFrame(data[at:]); ok {
			e := &DamagedError{Reason: fmt.Sprintf("commit %d stands behind a frame that is damaged", f.Number)}
			if n := len(t.Frames); n > 0 {
				e.Number = t.Frames[n-1].Number
			}
			return t, e
		}
	}
	return t, nil
}

// onlyOf makes sure that halves begin with frames of turns of those names, or with none that
// is whole.
func onlyOf(halves [][]byte, names []Token) error {
	for _, data := range halves {
		if _, of, ok := parseFrame(data); ok && !slices.Contains(names, of) {
			return &ForeignError{}
		}
	}
	return nil
}

// All reads all frames that are whole, whatever turns they are of: those of the half whose
// commits have the lower numbers first.
func All(r io.ReaderAt, size int64) ([]Turn, error) {
	halves, err := read(r, size)
	if err != nil {
		return nil, err
	}
	var turns []Turn
	for h, data := range halves {
		t := Turn{Half: h}
		for at := 0; at < len(data); at += page {
			if f, _, ok := parseFrame(data[at:]); ok {
				t.Frames = append(t.Frames, f)
			}
		}
		if len(t.Frames) > 0 {
			turns = append(turns, t)
		}
	}
	slices.SortFunc(turns, func(a, b Turn) int { return cmp.Compare(a.Frames[0].Number, b.Frames[0].Number) })
	return turns, nil
}
