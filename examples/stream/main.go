// Command stream answers questions in pieces, as a language model does, and is paid while
// it answers: before each piece the credits for it are set aside, after it what it took is
// captured and the next piece set aside, in one batch. A customer who runs out of credits
// gets what was paid for, and never more.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"strings"

	"creditledger"
	"creditledger/store/memory"
)

func main() {
	ctx := context.Background()
	ledger := creditledger.New(memory.New(), nil)
	defer ledger.Close()
	ann := creditledger.AccountID{Customer: "ann"}
	if _, err := ledger.Do(ctx, ann, creditledger.Increment{Amount: creditledger.AmountOf(25)}, "welcome"); err != nil {
		log.Fatal(err)
	}
	answer := strings.Split("Credits that are set aside cannot be spent twice", " ")
	used, err := (&Streamer{Ledger: ledger, Piece: creditledger.AmountOf(10)}).Stream(ctx, ann, "q1", answer, os.Stdout)
	fmt.Println()
	fmt.Printf("used %s, %v\n", used, err)
}

// Streamer sells answers.
type Streamer struct {
	Ledger *creditledger.Ledger
	Piece  creditledger.Amount // the most that a piece of an answer may cost
}

// ErrOutOfCredits ends an answer that its customer cannot pay for any further.
var ErrOutOfCredits = errors.New("out of credits")

// Stream writes an answer word by word and charges one credit a letter. It returns what was
// charged. An answer that was begun before under the same id goes on to charge under the
// same keys, so nothing is paid twice.
func (s *Streamer) Stream(ctx context.Context, on creditledger.AccountID, id string, words []string, out io.Writer) (used creditledger.Amount, err error) {
	hold := func(n int) creditledger.Hold {
		return creditledger.Hold{HoldID: fmt.Sprintf("%s/%d", id, n), Amount: s.Piece}
	}
	key := func(n int, what string) creditledger.Key {
		return creditledger.Key(fmt.Sprintf("%s/%d/%s", id, n, what))
	}
	if _, err := s.Ledger.Do(ctx, on, hold(0), key(0, "hold")); err != nil {
		return used, outOfCredits(err)
	}
	for n, word := range words {
		if _, err := fmt.Fprint(out, word, " "); err != nil {
			_, released := s.Ledger.Do(context.WithoutCancel(ctx), on, creditledger.Release{HoldID: hold(n).HoldID}, key(n, "release"))
			return used, errors.Join(err, released)
		}
		cost := creditledger.AmountOf(int64(len(word)))
		capture := creditledger.Capture{HoldID: hold(n).HoldID, Amount: cost}
		var next error
		if n+1 < len(words) {
			// Both or neither: nobody can spend in between what is set aside.
			_, next = s.Ledger.Do(ctx, on, creditledger.Batch{capture, hold(n + 1)}, key(n, "next"))
		}
		if n+1 == len(words) || errors.Is(next, creditledger.ErrInsufficientCredits) {
			if _, err := s.Ledger.Do(ctx, on, capture, key(n, "last")); err != nil {
				return used, err
			}
		} else if next != nil {
			return used, next
		}
		if used, err = used.Add(cost); err != nil || next != nil {
			return used, outOfCredits(errors.Join(err, next))
		}
	}
	return used, nil
}

// outOfCredits says of a refusal for lack of credits what it means here.
func outOfCredits(err error) error {
	if errors.Is(err, creditledger.ErrInsufficientCredits) {
		return fmt.Errorf("%w: %w", ErrOutOfCredits, err)
	}
	return err
}
