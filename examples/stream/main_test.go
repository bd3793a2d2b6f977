package main

import (
	"context"
	"errors"
	"strings"
	"testing"

	"creditledger"
	"creditledger/store/memory"
)

var ann = creditledger.AccountID{Customer: "ann"}

func newStreamer(t *testing.T, credits int64) *Streamer {
	t.Helper()
	l := creditledger.New(memory.New(), nil)
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := l.Do(t.Context(), ann, creditledger.Increment{Amount: creditledger.AmountOf(credits)}, ""); err != nil {
		t.Fatal(err)
	}
	return &Streamer{Ledger: l, Piece: creditledger.AmountOf(10)}
}

// left is what the account may spend, and what of it is held.
func left(t *testing.T, s *Streamer) string {
	t.Helper()
	b, err := s.Ledger.Balance(context.Background(), ann, creditledger.BalanceQuery{})
	if err != nil {
		t.Fatal(err)
	}
	return b.Available.String() + " held " + b.Held.String()
}

func TestStreamIsPaidPieceByPiece(t *testing.T) {
	s := newStreamer(t, 100)
	var out strings.Builder
	used, err := s.Stream(t.Context(), ann, "q", []string{"one", "three", "x"}, &out)
	if err != nil || used.String() != "9" || out.String() != "one three x " {
		t.Errorf("used %s for %q, %v", used, out.String(), err)
	}
	if got := left(t, s); got != "91 held 0" {
		t.Errorf("left is %s", got)
	}
}

func TestStreamEndsWithTheCredits(t *testing.T) {
	s := newStreamer(t, 16)
	var out strings.Builder
	used, err := s.Stream(t.Context(), ann, "q", []string{"three", "four", "five"}, &out)
	if !errors.Is(err, ErrOutOfCredits) || used.String() != "9" || out.String() != "three four " {
		t.Errorf("used %s for %q, %v", used, out.String(), err)
	}
	if got := left(t, s); got != "7 held 0" {
		t.Errorf("left is %s", got)
	}
	if _, err := s.Stream(t.Context(), ann, "p", []string{"x"}, &out); !errors.Is(err, ErrOutOfCredits) {
		t.Errorf("a stream that nothing is set aside for: %v", err)
	}
}

// broken is a reader who left.
type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("gone") }

func TestStreamNobodyReadsIsReleased(t *testing.T) {
	s := newStreamer(t, 100)
	used, err := s.Stream(t.Context(), ann, "q", []string{"one"}, broken{})
	if err == nil || !used.IsZero() {
		t.Errorf("used %s, %v", used, err)
	}
	if got := left(t, s); got != "100 held 0" {
		t.Errorf("left is %s", got)
	}
}
