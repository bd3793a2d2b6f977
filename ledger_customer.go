package creditledger

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Customer is what the ledger knows of a customer. Accounts work without one, in UTC.
// Rule: docs/semantics.md, "Customers".
type Customer struct {
	ID         string
	ExternalID string // unique over all customers; immutable once set
	Name       string
	Email      string
	Timezone   string // IANA name
	Currency   string // invoicing currency, ISO 4217; empty when not recorded
	Metadata   map[string]string
	CreatedAt  Instant
	DeletedAt  Instant // none: not deleted
	// BillingAddress, of one line or more, and TaxID stand on invoices.
	BillingAddress string
	TaxID          string
}

// CustomerUpdate creates a customer or changes the fields that are given.
type CustomerUpdate struct {
	ID            string
	ExternalID    *string
	Name          *string
	Email         *string
	Timezone      *string
	Currency      *string
	Metadata      map[string]*string // merged; a nil value removes its key
	ClearMetadata bool               // forget all metadata first

	BillingAddress *string
	TaxID          *string
}

const (
	customerKind       = "customer"
	customerExternal   = "customer_external"
	customerFormat     = 1
	countedFormat      = 2 // has how often the customer was put
	billedFormat       = 3 // has also a billing address or a tax id
	defaultZone        = "UTC"
	maxCustomerText    = 255
	maxBillingAddress  = 1000
	maxCustomerRetries = 16
)

// location is the customer's time zone.
func (c *Customer) location() (*time.Location, error) {
	if c.Timezone == "" || c.Timezone == defaultZone {
		return time.UTC, nil
	}
	zone, err := time.LoadLocation(c.Timezone)
	if err != nil {
		return nil, fmt.Errorf("time zone of customer %s: %w", quote(c.ID), err)
	}
	return zone, nil
}

// forbids refuses a real currency that is not the customer's invoicing currency.
func (c *Customer) forbids(currency string) error {
	if c.Currency == "" || c.Currency == currency || !IsISOCurrency(currency) {
		return nil
	}
	return constraint("customer %s is invoiced in %s, not %s", quote(c.ID), c.Currency, currency)
}

// PutCustomer creates a customer or updates the given fields of one, and returns it
// as it is afterwards. Errors: InvalidError; DuplicateError when the external id is
// another customer's; ConstraintError when a different external id is set already. When
// ctx ends, its error if nothing was written, else an OutcomeUnknownError: the same update
// again is safe.
func (l *Ledger) PutCustomer(ctx context.Context, u CustomerUpdate) (Customer, error) {
	err := l.enter()
	if err != nil {
		return Customer{}, err
	}
	defer l.leave()
	if err := u.check(); err != nil {
		return Customer{}, fmt.Errorf("customer %s: %w", quote(u.ID), err)
	}
	for attempt := 1; ; attempt++ {
		c, err := l.putCustomer(ctx, &u)
		if err == nil {
			return c, nil
		}
		if !errors.Is(err, ErrConflict) || attempt == maxCustomerRetries {
			return Customer{}, fmt.Errorf("customer %s: %w", quote(u.ID), err)
		}
	}
}

func (l *Ledger) putCustomer(ctx context.Context, u *CustomerUpdate) (Customer, error) {
	s, err := l.customerSlot(ctx, u.ID)
	if err != nil {
		return Customer{}, err
	}
	defer l.cache.release(s)
	c, was, err := l.customer(ctx, u.ID)
	if err != nil && !isNotFound(err) {
		return Customer{}, err
	}
	if was.Version == 0 {
		now, err := l.now()
		if err != nil {
			return Customer{}, err
		}
		c = Customer{ID: u.ID, Timezone: defaultZone, CreatedAt: now}
	}
	var puts []DocumentPut
	if u.ExternalID != nil && *u.ExternalID != c.ExternalID {
		id := DocumentID{Kind: customerExternal, Key: *u.ExternalID}
		switch _, err := l.store.Document(ctx, id); {
		case err == nil:
			return Customer{}, &DuplicateError{Kind: "external customer id", ID: *u.ExternalID}
		case !isNotFound(err):
			return Customer{}, err
		case c.ExternalID != "":
			return Customer{}, constraint("the external id is %s already and cannot change", quote(c.ExternalID))
		}
		puts = append(puts, DocumentPut{DocumentID: id, Value: []byte(u.ID)})
	}
	if err := c.update(u); err != nil {
		return Customer{}, err
	}
	return c, l.storeCustomer(ctx, &c, &was, puts, func() {})
}

// customerSlot locks a customer, and all customers that are counted with it, against this
// ledger's other updates. Otherwise these would be in conflict with one another. It locks
// the slot of an account that cannot exist, because it has no currency.
func (l *Ledger) customerSlot(ctx context.Context, id string) (*slot, error) {
	return l.cache.acquire(ctx, AccountID{Customer: partOf(id).Key})
}

// Customer returns a customer; a NotFoundError when there is none.
func (l *Ledger) Customer(ctx context.Context, id string) (Customer, error) {
	err := l.enter()
	if err != nil {
		return Customer{}, err
	}
	defer l.leave()
	if err := checkID("customer_id", id); err != nil {
		return Customer{}, err
	}
	c, _, err := l.customer(ctx, id)
	return c, err
}

// customer returns a customer and its document. The document has no version if there is
// no customer.
func (l *Ledger) customer(ctx context.Context, id string) (Customer, Document, error) {
	rec, err := l.store.Document(ctx, DocumentID{Kind: customerKind, Key: id})
	return customerFrom(id, rec, err)
}

// customerFrom decodes a customer's document as the store returned it.
func customerFrom(id string, rec Document, err error) (Customer, Document, error) {
	if isNotFound(err) {
		return Customer{}, Document{}, &NotFoundError{Kind: "customer", ID: id}
	}
	if err != nil {
		return Customer{}, Document{}, err
	}
	c, err := decodeCustomer(rec.Value)
	return c, rec, err
}

// customerOrDefault returns the customer of an account, who need not exist.
func (l *Ledger) customerOrDefault(ctx context.Context, id string) (Customer, error) {
	c, _, err := l.customer(ctx, id)
	return orDefault(c, id, err)
}

// orDefault returns the customer in a document, or the default customer if there is no
// document.
func orDefault(c Customer, id string, err error) (Customer, error) {
	if isNotFound(err) {
		return Customer{ID: id, Timezone: defaultZone}, nil
	}
	return c, err
}

func (u *CustomerUpdate) check() error {
	if err := checkID("id", u.ID); err != nil {
		return err
	}
	for _, f := range []struct {
		name  string
		value *string
		limit int
	}{
		{"external_customer_id", u.ExternalID, MaxID},
		{"name", u.Name, maxCustomerText},
		{"email", u.Email, maxCustomerText},
		{"timezone", u.Timezone, MaxID},
		{"currency", u.Currency, MaxID},
		{"billing_address", u.BillingAddress, maxBillingAddress},
		{"tax_id", u.TaxID, maxCustomerText},
	} {
		if f.value == nil {
			continue
		}
		text := *f.value
		if f.limit == maxBillingAddress {
			text = strings.ReplaceAll(text, "\n", " ")
		}
		if err := checkText(f.name, text, f.limit); err != nil {
			return err
		}
	}
	if u.ExternalID != nil && *u.ExternalID == "" {
		return invalid("external_customer_id", "is empty")
	}
	if u.Timezone != nil {
		if err := checkZone(*u.Timezone); err != nil {
			return err
		}
	}
	if u.Currency != nil && !IsISOCurrency(*u.Currency) {
		// With a pricing unit here every operation in a real currency would be refused.
		// Case counts.
		return invalid("currency", "%s is not a currency of ISO 4217 such as USD", quote(*u.Currency))
	}
	if u.Currency != nil && !IsInvoicingCurrency(*u.Currency) {
		return invalid("currency", "%s has no minor unit, and no invoice can be written in it", *u.Currency)
	}
	return nil
}

func (c *Customer) update(u *CustomerUpdate) error {
	set := func(field *string, value *string) {
		if value != nil {
			*field = *value
		}
	}
	set(&c.ExternalID, u.ExternalID)
	set(&c.Name, u.Name)
	set(&c.Email, u.Email)
	set(&c.Timezone, u.Timezone)
	set(&c.Currency, u.Currency)
	set(&c.BillingAddress, u.BillingAddress)
	set(&c.TaxID, u.TaxID)
	if u.ClearMetadata {
		c.Metadata = nil
	}
	c.Metadata = cloneMetadata(c.Metadata)
	for k, v := range u.Metadata {
		switch {
		case v == nil:
			delete(c.Metadata, k)
		case c.Metadata == nil:
			c.Metadata = map[string]string{k: *v}
		default:
			c.Metadata[k] = *v
		}
	}
	return checkMetadata(c.Metadata)
}

func appendCustomer(dst []byte, c *Customer) []byte {
	return appendCustomerFields(append(dst, customerFormat), c)
}

// appendCounted is appendCustomer with how often the customer was put.
func appendCounted(dst []byte, c *Customer, n count) []byte {
	billed := c.BillingAddress != "" || c.TaxID != ""
	format := byte(countedFormat)
	if billed {
		format = billedFormat
	}
	dst = appendCustomerFields(append(dst, format), c)
	dst = binary.AppendUvarint(appendInstant(dst, n.began), n.puts)
	if billed {
		dst = appendText(appendText(dst, c.BillingAddress), c.TaxID)
	}
	return dst
}

func appendCustomerFields(dst []byte, c *Customer) []byte {
	for _, s := range []string{c.ID, c.ExternalID, c.Name, c.Email, c.Timezone, c.Currency} {
		dst = appendText(dst, s)
	}
	dst = appendMetadata(dst, c.Metadata)
	dst = appendInstant(dst, c.CreatedAt)
	return appendInstant(dst, c.DeletedAt)
}

func decodeCustomer(data []byte) (Customer, error) {
	c, _, err := decodeCounted(data)
	return c, err
}

// decodeCounted returns a customer and how often it was put since puts are counted.
func decodeCounted(data []byte) (c Customer, n count, err error) {
	r := reader{data: data}
	format := r.version(customerFormat, billedFormat)
	c = Customer{
		ID: r.text(), ExternalID: r.text(), Name: r.text(), Email: r.text(), Timezone: r.text(), Currency: r.text(),
		Metadata: r.metadata(), CreatedAt: r.instant(), DeletedAt: r.instant(),
	}
	if format >= countedFormat {
		n = count{began: r.instant(), puts: r.uvarint()}
	}
	if format == billedFormat {
		c.BillingAddress, c.TaxID = r.text(), r.text()
	}
	return c, n, r.finish("customer")
}
