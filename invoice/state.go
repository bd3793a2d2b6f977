package invoice

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"creditledger"
)

// State is what a service needs to decide what a customer may use.
type State struct {
	Customer creditledger.Customer // deletion included; only the id when it is not recorded
	Accounts []AccountState        // by currency
	Balances []CustomerBalance     // customer balances of the currencies invoiced
	Open     []*Invoice            // issued or synced, not paid
	Drafts   []*Invoice            // not issued yet
}

// AccountState is one account of the customer.
type AccountState struct {
	Account    creditledger.AccountID
	Total      creditledger.Amount
	Available  creditledger.Amount  // what a charge without item or price could spend
	NextExpiry creditledger.Instant // of an eligible block that holds something; none: never
	Eligible   []creditledger.Block // drawdown order
	Pending    []creditledger.Block // awaiting payment
	Change     *Change              // the pending change, if there is one
}

// maxOpenInvoices is how many invoices and drafts State lists.
const maxOpenInvoices = 10_000

// State reads everything about a customer; a creditledger.ConstraintError when more than
// 10,000 invoices are open or drafts, which Invoices lists in pages. Each account is one consistent picture;
// accounts and invoices are read one after the other.
func (s *Service) State(ctx context.Context, customer string) (*State, error) {
	if err := checkID("customer_id", customer); err != nil {
		return nil, err
	}
	c, _, err := s.customer(ctx, customer)
	if err != nil {
		return nil, err
	}
	st := &State{Customer: *c}
	after := creditledger.AccountID{Customer: customer}
	for {
		ids, err := s.ledger.Accounts(ctx, after, 100)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			if id.Customer != customer {
				ids = nil
				break
			}
			a, err := s.account(ctx, id)
			if err != nil {
				return nil, err
			}
			st.Accounts = append(st.Accounts, *a)
			after = id
		}
		if len(ids) < 100 {
			break
		}
	}
	if err := s.proposed(ctx, st); err != nil {
		return nil, err
	}
	if err := s.openInvoices(ctx, st); err != nil {
		return nil, err
	}
	st.Balances, err = s.balances(ctx, customer)
	if err != nil {
		return nil, err
	}
	return st, nil
}

// balances are a customer's, as they are now, by currency.
func (s *Service) balances(ctx context.Context, customer string) ([]CustomerBalance, error) {
	prefix := customer + separator
	recs, err := s.ledger.Documents(ctx, kindBalance, prefix, "", creditledger.MaxPage)
	if err != nil {
		return nil, err
	}
	var all []CustomerBalance
	for i := range recs {
		var b CustomerBalance
		if err := decode(&recs[i], &b); err != nil {
			return nil, err
		}
		all = append(all, b)
	}
	now, err := s.customerNow(ctx, customer)
	if now == nil || err != nil {
		return all, err
	}
	for _, id := range now.order {
		b, ok := now.held[id].value.(*CustomerBalance)
		if !ok || !strings.HasPrefix(id.Key, prefix) {
			continue
		}
		place, known := slices.BinarySearchFunc(all, b.Amount.currency, func(a CustomerBalance, c string) int { return strings.Compare(a.Amount.currency, c) })
		if known {
			all[place] = *b
		} else {
			all = slices.Insert(all, place, *b)
		}
	}
	return all, nil
}

// proposed adds the accounts that have a pending change and nothing else yet.
func (s *Service) proposed(ctx context.Context, st *State) error {
	prefix := st.Customer.ID + separator
	recs, err := s.ledger.Documents(ctx, kindChangeNow, prefix, "", creditledger.MaxPage)
	if err != nil {
		return err
	}
	for _, rec := range recs {
		id := creditledger.AccountID{Customer: st.Customer.ID, Currency: rec.Key[len(prefix):]}
		place, known := slices.BinarySearchFunc(st.Accounts, id, func(a AccountState, id creditledger.AccountID) int { return a.Account.Compare(id) })
		if known {
			continue
		}
		a, err := s.account(ctx, id)
		if err != nil {
			return err
		}
		if a.Change != nil {
			st.Accounts = slices.Insert(st.Accounts, place, *a)
		}
	}
	return nil
}

func (s *Service) openInvoices(ctx context.Context, st *State) error {
	q := ListQuery{Customer: st.Customer.ID, Limit: 100}
	for {
		page, err := s.Invoices(ctx, q)
		if err != nil {
			return err
		}
		for _, inv := range page.Invoices {
			switch {
			case inv.open():
				st.Open = append(st.Open, inv)
			case inv.Status == Draft:
				st.Drafts = append(st.Drafts, inv)
			}
			if len(st.Open)+len(st.Drafts) > maxOpenInvoices {
				return &creditledger.ConstraintError{Reason: fmt.Sprintf("more than %d invoices are open, or drafts: list them in pages", maxOpenInvoices)}
			}
		}
		if q.Cursor = page.Next; page.Next == "" {
			return nil
		}
	}
}

// account reads one account.
func (s *Service) account(ctx context.Context, id creditledger.AccountID) (*AccountState, error) {
	b, err := s.ledger.Balance(ctx, id, creditledger.BalanceQuery{})
	if err != nil {
		return nil, err
	}
	a := &AccountState{Account: id, Total: b.Total, Available: b.Available}
	q := creditledger.BlocksQuery{Limit: creditledger.MaxPage}
	for {
		page, err := s.ledger.Blocks(ctx, id, q)
		if err != nil {
			return nil, err
		}
		for _, bl := range page.Blocks {
			switch {
			case bl.Status == creditledger.BlockPendingPayment:
				a.Pending = append(a.Pending, bl)
			case bl.Eligible(b.AsOf):
				a.Eligible = append(a.Eligible, bl)
				if bl.ExpiresAt != 0 && bl.Balance.Sign() > 0 && (a.NextExpiry == 0 || bl.ExpiresAt < a.NextExpiry) {
					a.NextExpiry = bl.ExpiresAt
				}
			}
		}
		if q.Cursor = page.Next; page.Next == "" {
			break
		}
	}
	now, err := fetch[current](ctx, s, kindChangeNow, id.Customer+separator+id.Currency, "change")
	if isNotFound(err) {
		return a, nil
	}
	if err != nil {
		return nil, err
	}
	ch, err := s.Change(ctx, now.ID)
	if err == nil && ch.Status == ChangePending {
		a.Change = ch
	}
	return a, err
}
