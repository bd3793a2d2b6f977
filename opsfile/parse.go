package opsfile

import (
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"creditledger"
)

// Request is one line of an operations file, read and checked as far as the line
// alone allows.
type Request struct {
	Op      string                 // the line's op; empty when it has none
	Account creditledger.AccountID // zero for all, clock, customer, customers, settings, transfer, and a sweep or verify of more than one
	Key     creditledger.Key       // the idempotency key, of the inner operation for a preview
	// Preview asks what a request of the money side would write, and writes nothing.
	Preview bool
	// Args is what the op asks for: a creditledger.Operation for the writing
	// operations, an Act, a creditledger.Transfer, a Preview, BalanceQuery, Block, BlockAccounts, BlocksQuery, EntriesQuery, Explain, Holds, Schedules,
	// SetClock, CustomerUpdate, Customers, Erase, Settings, Sweep or Verify (those without a type here are the
	// ledger's), or for the money side a Purchase, Payment, VoidInvoice, ClosePeriod,
	// Change, Draft, Invoice, CreditNote, CustomerBalance, Invoices, State or Seller.
	Args any
}

// Preview asks what an operation would write.
type Preview struct{ Operation creditledger.Operation }

// Explain asks which blocks would pay for a charge of Amount, and why.
type Explain struct {
	Amount creditledger.Amount
	Charge creditledger.Charge
}

// Holds asks for the open holds of an account, or for one by its id in any state.
type Holds struct{ ID string }

// Schedules asks for the schedules of an account.
type Schedules struct{}

// SetClock moves a manual clock.
type SetClock struct{ Now creditledger.Instant }

// Sweep asks for what is due to be written: in the request's account, in all accounts of a
// customer, or without one in every account.
type Sweep struct{ Customer string }

// Erase asks the ledger to erase what was said of a customer.
type Erase struct {
	Customer string
	What     creditledger.Erasure
}

// Verify asks for the proof of an account, or of all when the request names none.
type Verify struct{}

// Parse reads one line. When it is not one well-formed JSON object with a known op
// the error is a MalformedError, otherwise a creditledger.InvalidError that names the
// key at fault; the Request then still has its Op. It keeps nothing of line.
//
// A line that names its customer by external_customer_id needs ParseWith.
func Parse(line []byte) (Request, error) { return ParseWith(line, nil) }

// ParseWith is Parse with a function that finds the customer of an external id, such as
// Ledger.CustomerByExternalID. Its error takes the place of an InvalidError.
func ParseWith(line []byte, customerOf func(externalID string) (creditledger.Customer, error)) (Request, error) {
	members, fault := decode(line)
	if members == nil && fault != nil {
		return Request{}, fault
	}
	f := &fields{members: members, customerOf: customerOf}
	op, err := f.op()
	r := Request{Op: op}
	if err != nil {
		return r, err
	}
	if fault != nil {
		return r, fault
	}
	if read, ok := writers[op]; ok {
		r.account(f)
		r.Key = f.key()
		r.Args = read(f)
	} else {
		readers[op](f, &r)
	}
	return r, f.finish()
}

// op returns the op, and a MalformedError with it if it is not a known one.
func (f *fields) op() (string, error) {
	v, ok := f.find("op")
	switch {
	case !ok || v.kind == kindNull:
		return "", &MalformedError{Reason: "op is missing"}
	case v.kind != kindString:
		return "", &MalformedError{Reason: "op is " + v.kind.String() + ", not a string"}
	}
	if writers[v.text] == nil && readers[v.text] == nil {
		return shorten(v.text), &MalformedError{Reason: "op " + strconv.QuoteToASCII(shorten(v.text)) + " is not one of " + strings.Join(opNames(), ", ")}
	}
	return v.text, nil
}

func opNames() []string {
	return slices.Sorted(func(yield func(string) bool) {
		maps.Keys(writers)(yield)
		maps.Keys(readers)(yield)
	})
}

func (r *Request) account(f *fields) {
	r.Account = f.accountID()
}

// currency returns the account's currency.
func (f *fields) currency() string {
	if c := f.id("currency"); c != "" {
		return c
	}
	return creditledger.DefaultCurrency
}

func (f *fields) key() creditledger.Key { return creditledger.Key(f.id("idempotency_key")) }

// readers read the ops that are not writing operations.
var readers map[string]func(*fields, *Request)

func init() {
	readers = map[string]func(*fields, *Request){
		"all":       readAct,
		"balance":   readBalance,
		"blocks":    readBlocks,
		"clock":     readClock,
		"customer":  readCustomer,
		"customers": readCustomers,
		"erase":     readErase,
		"entries":   readEntries,
		"explain":   readExplain,
		"holds":     readHolds,
		"preview":   readPreview,
		"schedules": readSchedules,
		"settings":  readSettings,
		"sweep":     readSweep,
		"transfer":  readTransfer,
		"verify":    readVerify,

		"change":           readChange,
		"close_period":     readClosePeriod,
		"credit_note":      readCreditNote,
		"customer_balance": readCustomerBalance,
		"draft_invoice":    readDraft,
		"invoice":          readInvoice,
		"invoices":         readInvoices,
		"payment":          readPayment,
		"payout":           readPayout,
		"purchase":         readPurchase,
		"seller":           readSeller,
		"state":            readState,
		"void_invoice":     readVoidInvoice,
	}
}

func readClock(f *fields, r *Request) {
	f.require("now")
	r.Args = SetClock{Now: f.instant("now")}
}

func readBalance(f *fields, r *Request) {
	r.account(f)
	r.Args = creditledger.BalanceQuery{
		At:     f.instant("at"),
		Charge: creditledger.Charge{ItemID: f.id("item_id")},
	}
}

func readEntries(f *fields, r *Request) {
	r.account(f)
	minimum, _ := f.amount("minimum_amount")
	q := creditledger.EntriesQuery{
		Limit:     int(f.integer("limit", 1, creditledger.MaxPage)),
		Cursor:    creditledger.Cursor(f.id("cursor")),
		Type:      word(f, "entry_type", creditledger.ParseEntryType),
		Status:    word(f, "entry_status", creditledger.ParseEntryStatus),
		After:     f.instant("created_at[gt]"),
		From:      f.instant("created_at[gte]"),
		Before:    f.instant("created_at[lt]"),
		Until:     f.instant("created_at[lte]"),
		MinAmount: minimum,
	}
	f.lookups(&q)
	order, given := f.text("order")
	q.Ascending = order == "asc"
	if given && order != "asc" && order != "desc" {
		f.refuse("order", "%s is not one of desc, asc", strconv.QuoteToASCII(shorten(order)))
	}
	r.Args = q
}

func readExplain(f *fields, r *Request) {
	r.account(f)
	r.Args = Explain{
		Amount: f.requiredAmount("amount"),
		Charge: creditledger.Charge{ItemID: f.id("item_id")},
	}
}

func readHolds(f *fields, r *Request) {
	r.account(f)
	r.Args = Holds{ID: f.id("hold_id")}
}

func readVerify(f *fields, r *Request) {
	r.Args = Verify{}
	currency := f.currency()
	_, given := f.text("currency")
	if f.namesCustomer() || given {
		r.Account = creditledger.AccountID{Customer: f.requiredCustomer(), Currency: currency}
	}
}

func readSweep(f *fields, r *Request) {
	currency := f.id("currency")
	switch customer := f.customer(); {
	case customer == "" && currency != "":
		f.refuse("currency", "goes with customer_id only")
	case customer != "" && currency != "":
		r.Account = creditledger.AccountID{Customer: customer, Currency: currency}
		r.Args = Sweep{}
	default:
		r.Args = Sweep{Customer: customer}
	}
}

func readErase(f *fields, r *Request) {
	r.Args = Erase{Customer: f.requiredCustomer(), What: creditledger.Erasure{
		Currency: f.id("currency"),
		Entry:    uint64(f.integer("entry", 1, math.MaxInt64)),
		Customer: f.flag("customer"),
	}}
}

func readPreview(f *fields, r *Request) {
	r.account(f)
	f.require("operation")
	v, ok := f.take("operation", kindObject)
	if !ok {
		return
	}
	inner := f.inside("operation", v.members)
	op, err := inner.op()
	read := writers[op]
	switch {
	case err != nil:
		f.refuse("operation", "its op is missing or not known")
		return
	case read == nil:
		f.refuse("operation", "%s is not a writing operation", op)
		return
	}
	r.Key = inner.key()
	r.Args = Preview{Operation: read(inner)}
	f.adopt(inner)
}

func readCustomer(f *fields, r *Request) {
	u := creditledger.CustomerUpdate{
		ID:         f.requiredID("id"),
		ExternalID: f.optionalID("external_customer_id"),
		Name:       f.optionalText("name"),
		Email:      f.optionalText("email"),
		Timezone:   f.optionalID("timezone"),
		Currency:   f.optionalID("currency"),

		BillingAddress: f.optionalText("billing_address"),
		TaxID:          f.optionalText("tax_id"),
	}
	v, given := f.find("metadata")
	if u.ClearMetadata = given && v.kind == kindNull; !u.ClearMetadata {
		u.Metadata = f.metadataUpdate("metadata")
	}
	r.Args = u
}

func (f *fields) optionalText(key string) *string {
	if s, ok := f.text(key); ok {
		return &s
	}
	return nil
}

func (f *fields) optionalID(key string) *string {
	if s := f.id(key); s != "" {
		return &s
	}
	return nil
}

// metadataUpdate returns the pairs to set; nil removes one.
func (f *fields) metadataUpdate(key string) map[string]*string {
	v, ok := f.take(key, kindObject)
	if !ok {
		return nil
	}
	set := f.metadata(key)
	m := make(map[string]*string, len(v.members))
	for _, pair := range v.members {
		m[pair.key] = nil
		if text, ok := set[pair.key]; ok {
			m[pair.key] = &text
		}
	}
	return m
}
