package creditledger_test

import (
	"errors"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"creditledger"
	"creditledger/store/bolt"
	"creditledger/store/memory"
)

// accountMethods call every method of a ledger that takes an account, with arguments
// that are right otherwise.
var accountMethods = map[string]func(*creditledger.Ledger, creditledger.AccountID) error{
	"Do": func(l *creditledger.Ledger, on creditledger.AccountID) error {
		return errOf(l.Do(ctx, on, grant("", "1"), ""))
	},
	"DoWith": func(l *creditledger.Ledger, on creditledger.AccountID) error {
		return errOf(l.DoWith(ctx, on, spend("1"), creditledger.DoOptions{}))
	},
	"DoAll": func(l *creditledger.Ledger, on creditledger.AccountID) error {
		return errOf(l.DoAll(ctx, []creditledger.AccountOperation{{Account: cus2, Operation: grant("", "1")}, {Account: on, Operation: grant("", "1")}}, ""))
	},
	"DoAllWith": func(l *creditledger.Ledger, on creditledger.AccountID) error {
		return errOf(l.DoAllWith(ctx, []creditledger.AccountOperation{{Account: on, Operation: grant("", "1")}}, creditledger.DoOptions{}))
	},
	"Moves": func(l *creditledger.Ledger, on creditledger.AccountID) error {
		if err := errOf(l.Moves(ctx, on, "none")); !errors.Is(err, creditledger.ErrNotFound) {
			return err
		}
		return nil
	},
	"Transfer": func(l *creditledger.Ledger, on creditledger.AccountID) error {
		to := creditledger.AccountID{Customer: "else", Currency: on.Currency}
		if err := errOf(l.Transfer(ctx, creditledger.Transfer{From: on, To: to, Amount: amount("1")}, "")); !errors.Is(err, creditledger.ErrInsufficientCredits) {
			return err
		}
		return nil
	},
	"Submit": func(l *creditledger.Ledger, on creditledger.AccountID) error {
		return errOf(l.Submit(ctx, on, spend("1"), ""))
	},
	"Preview": func(l *creditledger.Ledger, on creditledger.AccountID) error {
		return errOf(l.Preview(ctx, on, spend("1"), ""))
	},
	"Balance": func(l *creditledger.Ledger, on creditledger.AccountID) error {
		return errOf(l.Balance(ctx, on, creditledger.BalanceQuery{}))
	},
	"Blocks": func(l *creditledger.Ledger, on creditledger.AccountID) error {
		return errOf(l.Blocks(ctx, on, creditledger.BlocksQuery{}))
	},
	"Entries": func(l *creditledger.Ledger, on creditledger.AccountID) error {
		return errOf(l.Entries(ctx, on, creditledger.EntriesQuery{}))
	},
	"AllBlocks": func(l *creditledger.Ledger, on creditledger.AccountID) error {
		return lastOf(l.AllBlocks(ctx, on, creditledger.BlocksQuery{}))
	},
	"AllEntries": func(l *creditledger.Ledger, on creditledger.AccountID) error {
		return lastOf(l.AllEntries(ctx, on, creditledger.EntriesQuery{}))
	},
	"Explain": func(l *creditledger.Ledger, on creditledger.AccountID) error {
		return errOf(l.Explain(ctx, on, amount("1"), creditledger.Charge{}))
	},
	"Schedules": func(l *creditledger.Ledger, on creditledger.AccountID) error {
		return errOf(l.Schedules(ctx, on))
	},
	"Holds": func(l *creditledger.Ledger, on creditledger.AccountID) error { return errOf(l.Holds(ctx, on)) },
	"Hold": func(l *creditledger.Ledger, on creditledger.AccountID) error {
		if err := errOf(l.Hold(ctx, on, "none")); !errors.Is(err, creditledger.ErrNotFound) {
			return err
		}
		return nil
	},
	"Drawn": func(l *creditledger.Ledger, on creditledger.AccountID) error {
		if err := errOf(l.Drawn(ctx, on, creditledger.Reverse{Charge: "none"})); !errors.Is(err, creditledger.ErrNotFound) {
			return err
		}
		return nil
	},
	"NoteLoss": func(l *creditledger.Ledger, on creditledger.AccountID) error { return errOf(l.NoteLoss(ctx, on)) },
	"Erase": func(l *creditledger.Ledger, on creditledger.AccountID) error {
		return errOf(l.Erase(ctx, on.Customer, creditledger.Erasure{Currency: on.Currency}))
	},
	"SweepAccount": func(l *creditledger.Ledger, on creditledger.AccountID) error { return errOf(l.SweepAccount(ctx, on)) },
	"Journal":      func(l *creditledger.Ledger, on creditledger.AccountID) error { return errOf(l.Journal(ctx, on, 1, 10)) },
	"Import":       func(l *creditledger.Ledger, on creditledger.AccountID) error { return l.Import(ctx, on, nil) },
	"ImportAnew":   func(l *creditledger.Ledger, on creditledger.AccountID) error { return l.ImportAnew(ctx, on, nil) },
	"Checkpoint":   func(l *creditledger.Ledger, on creditledger.AccountID) error { return errOf(l.Checkpoint(ctx, on)) },
	"Verify":       func(l *creditledger.Ledger, on creditledger.AccountID) error { return errOf(l.Verify(ctx, on, nil)) },
	"Block": func(l *creditledger.Ledger, on creditledger.AccountID) error {
		if err := errOf(l.Block(ctx, on, "none")); !errors.Is(err, creditledger.ErrNotFound) {
			return err
		}
		return nil
	},
}

// otherMethods take no account, or one that only says where a list begins.
var otherMethods = []string{"Accounts", "AccountsOfBlock", "AllAccounts", "AllCustomers", "AllDocuments", "Close", "Customer", "CustomerByExternalID", "Customers", "DeleteCustomer", "ImportDocuments", "Now", "PutCustomer", "PutDocuments", "Document", "Documents", "ChangeSettings", "ReplaceSettings", "Settings", "Sweep", "SweepCustomer", "VerifyAll"}

// TestEveryMethodIsTried: a new method belongs in one of the two lists.
func TestEveryMethodIsTried(t *testing.T) {
	kind := reflect.TypeFor[*creditledger.Ledger]()
	for m := range kind.Methods() {
		if accountMethods[m.Name] == nil && !slices.Contains(otherMethods, m.Name) {
			t.Errorf("no hostile input is given to %s", m.Name)
		}
	}
}

// TestHostileAccounts: customers and currencies that are none are refused by every
// method.
func TestHostileAccounts(t *testing.T) {
	w := hostileWorld(t)
	before := digestOf(t, w)
	for _, text := range slices.Concat(longTexts, brokenTexts, []string{"a\nb", "\t", ""}) {
		accounts := []creditledger.AccountID{{Customer: text}, {Customer: "cus_1", Currency: text}, {Customer: text, Currency: text}}
		if text == "" {
			accounts = accounts[:1] // the empty currency is the default one
		}
		for _, on := range accounts {
			for name, call := range accountMethods {
				about := name + " on " + shown(on.Customer) + ", " + shown(on.Currency)
				err := call(w.Ledger, on)
				if !errors.Is(err, creditledger.ErrInvalid) {
					t.Errorf("%s: %v", about, err)
					continue
				}
				checkTyped(t, about, err)
			}
		}
	}
	if digestOf(t, w) != before {
		t.Error("a refusal wrote something")
	}
}

// hostileStores are ledgers over every store that needs no server.
func hostileStores(t *testing.T, f func(*testing.T, *creditledger.Ledger, creditledger.Store)) {
	file, err := bolt.Open(filepath.Join(t.TempDir(), "credits.db"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for name, s := range map[string]creditledger.Store{"memory": memory.New(), "file": file} {
		l := creditledger.New(s, nil)
		t.Run(name, func(t *testing.T) { f(t, l, s) })
		l.Close()
	}
}

// TestOddNames: ids that look alike, hold separators, or mean something elsewhere
// never meet: as customers, currencies, block ids, keys, items and customers' own ids.
func TestOddNames(t *testing.T) {
	hostileStores(t, func(t *testing.T, l *creditledger.Ledger, s creditledger.Store) {
		var want []creditledger.AccountID
		var pending []*creditledger.Pending
		for i, a := range oddTexts {
			for _, on := range []creditledger.AccountID{{Customer: a, Currency: "credits"}, {Customer: "cus", Currency: a}, {Customer: a, Currency: oddTexts[(i+1)%len(oddTexts)]}} {
				if slices.Contains(want, on) {
					continue
				}
				want = append(want, on)
				p, err := l.Submit(ctx, on, creditledger.Increment{Amount: creditledger.AmountOf(int64(len(want))), BlockID: a}, creditledger.Key(a))
				if err != nil {
					t.Fatalf("%q: %v", on, err)
				}
				pending = append(pending, p)
			}
		}
		for _, p := range pending {
			if _, err := p.Wait(ctx); err != nil {
				t.Fatal(err)
			}
		}
		for i, on := range want {
			b, err := l.Balance(ctx, on, creditledger.BalanceQuery{})
			if err != nil || b.Total.Cmp(creditledger.AmountOf(int64(i+1))) != 0 {
				t.Errorf("%q holds %s, not %d (%v)", on, b.Total, i+1, err)
			}
		}
		accounts, err := l.Accounts(ctx, creditledger.AccountID{}, creditledger.MaxPage)
		slices.SortFunc(want, creditledger.AccountID.Compare)
		if err != nil || !slices.Equal(accounts, want) {
			t.Errorf("the accounts are\n%q, not\n%q (%v)", accounts, want, err)
		}
		oddWithin(t, l)
		for _, a := range oddTexts {
			c, err := l.PutCustomer(ctx, creditledger.CustomerUpdate{ID: a, ExternalID: &a, Name: &a})
			if err != nil || c.ID != a || c.ExternalID != a || c.Name != a {
				t.Errorf("customer %q: %+v, %v", a, c, err)
			}
			if again, err := l.Customer(ctx, a); err != nil || again.Name != a {
				t.Errorf("customer %q: %+v, %v", a, again, err)
			}
		}
		if v, err := l.VerifyAll(ctx, nil); err != nil || v.Violation != nil {
			t.Errorf("verify: %v, %v", v.Violation, err)
		}
	})
}

// oddWithin does the same within one account: blocks, keys, items.
func oddWithin(t *testing.T, l *creditledger.Ledger) {
	t.Helper()
	on := creditledger.AccountID{Customer: "within"}
	for i, a := range oddTexts {
		op := creditledger.Increment{Amount: creditledger.AmountOf(int64(i + 1)), BlockID: a, Filters: []creditledger.Filter{{Values: []string{a}}}}
		for _, replayed := range []bool{false, true} {
			if res, err := l.Do(ctx, on, op, creditledger.Key(a)); err != nil || res.Replayed != replayed || res.Entries[0].IdempotencyKey != creditledger.Key(a) {
				t.Fatalf("block %q: %+v, %v", a, res, err)
			}
		}
	}
	for i, a := range oddTexts {
		b, err := l.Block(ctx, on, a)
		if err != nil || b.ID != a || b.Balance.Cmp(creditledger.AmountOf(int64(i+1))) != 0 {
			t.Errorf("block %q: %+v, %v", a, b, err)
		}
		got, err := l.Balance(ctx, on, creditledger.BalanceQuery{Charge: creditledger.Charge{ItemID: a}})
		if err != nil || got.Available.Cmp(b.Balance) != 0 {
			t.Errorf("%s are available to %q, not %s (%v)", got.Available, a, b.Balance, err)
		}
	}
}

// TestHostileKeys: a key that is none is refused.
func TestHostileKeys(t *testing.T) {
	w := hostileWorld(t)
	before := digestOf(t, w)
	for _, text := range slices.Concat(longTexts, brokenTexts, []string{"a\nb", "\t"}) {
		err := w.refused(grant("", "1"), creditledger.Key(text), creditledger.ErrInvalid)
		checkTyped(t, "key "+shown(text), err)
	}
	// What looks like a key that the ledger makes and is none is a key.
	for _, key := range []creditledger.Key{"auto-", "auto-x", "auto-00000000-0000-0000-0000-000000000000", "auto-ffffffff-ffff-7fff-bfff-ffffffffffff", "auto-019b7b4c-1c00-7000-8000-000000000000-1", "auto-019b7b4c-1c00-7000-8000-000000000000-18446744073709551615"} {
		if res := w.must(grant("", "1"), key); res.Replayed {
			t.Errorf("%s is known", key)
		}
		if res := w.must(grant("", "1"), key); !res.Replayed {
			t.Errorf("%s is forgotten", key)
		}
	}
	if digestOf(t, w) == before {
		t.Error("nothing was written")
	}
}
