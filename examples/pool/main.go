// Command pool charges the members of a team: a member's own credits pay first, and the
// team's pay the rest, both in one act. So a job is paid for whole or not at all, and
// nobody can spend in between what it was decided on.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"

	"creditledger"
	"creditledger/store/memory"
)

func main() {
	ctx := context.Background()
	ledger := creditledger.New(memory.New(), nil)
	defer ledger.Close()
	ann, team := creditledger.AccountID{Customer: "ann"}, creditledger.AccountID{Customer: "team"}
	_, err := ledger.DoAll(ctx, []creditledger.AccountOperation{
		{Account: ann, Operation: creditledger.Increment{Amount: creditledger.AmountOf(10)}},
		{Account: team, Operation: creditledger.Increment{Amount: creditledger.AmountOf(100)}},
	}, "given")
	if err != nil {
		log.Fatal(err)
	}
	pool := &Pool{Ledger: ledger, Team: team}
	for _, job := range []string{"job-1", "job-2", "job-2", "job-3"} { // one of them twice
		paid, err := pool.Charge(ctx, ann, creditledger.AmountOf(40), creditledger.Key(job))
		if err != nil {
			fmt.Println(job, "is refused:", err)
			continue
		}
		fmt.Printf("%s: ann paid %s, the team %s\n", job, paid.Own, paid.Team)
	}
}

// Pool is a team's credits, which its members spend after their own.
type Pool struct {
	Ledger *creditledger.Ledger
	Team   creditledger.AccountID
}

// Paid is who paid how much.
type Paid struct {
	Own, Team creditledger.Amount
}

// ErrTooFewCredits says that a member and the team together cannot pay.
var ErrTooFewCredits = errors.New("too few credits")

// mostLooks is how often a charge looks at what the member has: each time that it has to
// look again, somebody else has spent.
const mostLooks = 10

// jobs counts the jobs of a member, in a unit of its own. It stands in every act, so it
// knows the key of every job, whoever paid for it.
func jobs(member creditledger.AccountID) creditledger.AccountID {
	return creditledger.AccountID{Customer: member.Customer, Currency: "jobs"}
}

// Charge takes a price from a member and, for what the member lacks, from the team. A retry
// under the same key does nothing twice, and says what was paid the first time.
func (p *Pool) Charge(ctx context.Context, member creditledger.AccountID, price creditledger.Amount, key creditledger.Key) (Paid, error) {
	for range mostLooks {
		b, err := p.Ledger.Balance(ctx, member, creditledger.BalanceQuery{})
		if err != nil {
			return Paid{}, err
		}
		shares := Paid{Own: b.Available}
		if shares.Own.Cmp(price) > 0 {
			shares.Own = price
		}
		if shares.Team, err = price.Sub(shares.Own); err != nil {
			return Paid{}, err
		}
		err = p.take(ctx, member, shares, key)
		var refused *creditledger.ActError
		switch {
		case err == nil:
			return shares, nil
		case errors.Is(err, creditledger.ErrIdempotencyMismatch): // it was paid, in other shares
			return p.paid(ctx, member, price, key)
		case !errors.As(err, &refused) || !errors.Is(err, creditledger.ErrInsufficientCredits):
			return Paid{}, err
		case refused.Account.Customer == p.Team.Customer:
			return Paid{}, fmt.Errorf("%w: %w", ErrTooFewCredits, err)
		}
	}
	return Paid{}, fmt.Errorf("%s spends too fast: %w", member.Customer, creditledger.ErrConflict)
}

// take takes both shares, or neither.
func (p *Pool) take(ctx context.Context, member creditledger.AccountID, shares Paid, key creditledger.Key) error {
	act := []creditledger.AccountOperation{
		{Account: jobs(member), Operation: creditledger.Increment{Amount: creditledger.AmountOf(1)}},
	}
	add := func(account creditledger.AccountID, share creditledger.Amount) {
		if !share.IsZero() {
			charge := creditledger.Decrement{Amount: share, Overdraft: creditledger.OverdraftReject}
			act = append(act, creditledger.AccountOperation{Account: account, Operation: charge})
		}
	}
	add(member, shares.Own)
	add(p.Team, shares.Team)
	_, err := p.Ledger.DoAll(ctx, act, key)
	return err
}

// paid is what was paid under a key before.
func (p *Pool) paid(ctx context.Context, member creditledger.AccountID, price creditledger.Amount, key creditledger.Key) (shares Paid, err error) {
	if shares.Own, err = p.chargedTo(ctx, member, key); err != nil {
		return Paid{}, err
	}
	if shares.Team, err = p.chargedTo(ctx, p.Team, key); err != nil {
		return Paid{}, err
	}
	if sum, err := shares.Own.Add(shares.Team); err != nil || sum.Cmp(price) != 0 {
		return Paid{}, fmt.Errorf("the key %q is that of another job: %w", key, creditledger.ErrIdempotencyMismatch)
	}
	return shares, nil
}

// chargedTo is what an account was charged under a key.
func (p *Pool) chargedTo(ctx context.Context, account creditledger.AccountID, key creditledger.Key) (sum creditledger.Amount, err error) {
	for entry, err := range p.Ledger.AllEntries(ctx, account, creditledger.EntriesQuery{Key: key}) {
		if err != nil {
			return sum, err
		}
		if sum, err = sum.Add(entry.Amount); err != nil {
			return sum, err
		}
	}
	return sum, nil
}
