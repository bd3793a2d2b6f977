package fuzz

import (
	"fmt"
	"maps"
	"slices"

	cl "creditledger"
	"creditledger/fuzz/model"
)

// customer records or changes a customer.
func (m *machine) customer(g *generator) {
	id := oneOf(g, "customer", "cus_1", "cus_2")
	if g.chance(8, "delete") {
		m.deleteCustomer(g, "cus_2")
		return
	}
	if m.holding("cus_2") && g.chance(2, "with holds") {
		id = "cus_2"
	}
	u := cl.CustomerUpdate{ID: id}
	some := func(what string, list ...string) *string {
		if g.below(2, what) == 0 {
			return nil
		}
		v := oneOf(g, what, list...)
		return &v
	}
	u.Timezone = some("zone", zones...)
	u.Currency = some("currency", "USD", "USD", "EUR")
	u.ExternalID = some("external", "ext_1", "ext_2")
	u.Name = some("name", "Ann", "Bob")
	if g.chance(3, "metadata") {
		one := "1"
		u.Metadata = map[string]*string{"a": &one, "b": nil}
		u.ClearMetadata = g.chance(2, "clear")
	}
	want, wantErr := m.updated(u)
	for _, s := range m.systems {
		got, err := s.ledger.PutCustomer(m.ctx, u)
		if r := refusal(err); r != wantErr {
			t := g.t
			t.Fatalf("%s: put customer %+v: got error %q (%v), want %q", s.name, u, r, err, wantErr)
		}
		if err == nil && fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", *want) {
			g.t.Fatalf("%s: put customer %+v:\n got %+v\nwant %+v", s.name, u, got, *want)
		}
		if m.customers[id] == nil && wantErr != "" {
			continue
		}
		stored, err := s.ledger.Customer(m.ctx, id)
		if err != nil || wantErr == "" && fmt.Sprintf("%+v", stored) != fmt.Sprintf("%+v", *want) {
			g.t.Fatalf("%s: customer %s: got %+v, %v, want %+v", s.name, id, stored, err, want)
		}
	}
	if wantErr != "" {
		return
	}
	if m.customers[id] = want; id == "cus_2" && m.holding(id) && g.chance(2, "delete with holds") {
		m.deleteCustomer(g, id)
		a := m.accounts[slices.IndexFunc(m.accounts, func(a *account) bool { return a.id.Customer == id })]
		g = m.generator(g.t, a)
		m.operation(g, oneOf(g, "end", g.capture(), g.release()), g.key())
	}
}

// holding tells whether a customer has open holds.
func (m *machine) holding(customer string) bool {
	return slices.ContainsFunc(m.accounts, func(a *account) bool {
		return a.id.Customer == customer && a.Now().Held(a.Instant(m.now())).Sign() > 0
	})
}

// deleteCustomer marks a customer as deleted: from then on its accounts take only
// operations that end what was under way.
func (m *machine) deleteCustomer(g *generator, id string) {
	c := m.customers[id]
	if c != nil && c.DeletedAt == 0 {
		deleted := *c
		deleted.DeletedAt = m.now()
		c, m.customers[id] = &deleted, &deleted
	}
	for _, s := range m.systems {
		got, err := s.ledger.DeleteCustomer(m.ctx, id)
		if c == nil {
			if refusal(err) != model.NotFound+" "+id {
				g.t.Fatalf("%s: delete customer %s: %v", s.name, id, err)
			}
		} else if err != nil || fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", *c) {
			g.t.Fatalf("%s: delete customer %s:\n got %+v, %v\nwant %+v", s.name, id, got, err, *c)
		}
	}
}

// updated is the customer that an update leaves, by the rules.
func (m *machine) updated(u cl.CustomerUpdate) (*cl.Customer, string) {
	c := cl.Customer{ID: u.ID, Timezone: "UTC", CreatedAt: m.now()}
	if old := m.customers[u.ID]; old != nil {
		c = *old
	}
	if u.ExternalID != nil {
		for _, other := range m.customers {
			if other.ID != u.ID && other.ExternalID == *u.ExternalID {
				return nil, model.Duplicate + " " + *u.ExternalID
			}
		}
		if c.ExternalID != "" && c.ExternalID != *u.ExternalID {
			return nil, model.Constraint
		}
		c.ExternalID = *u.ExternalID
	}
	for field, value := range map[*string]*string{&c.Timezone: u.Timezone, &c.Currency: u.Currency, &c.Name: u.Name} {
		if value != nil {
			*field = *value
		}
	}
	metadata := map[string]string{}
	if !u.ClearMetadata {
		maps.Copy(metadata, c.Metadata)
	}
	for k, v := range u.Metadata {
		delete(metadata, k)
		if v != nil {
			metadata[k] = *v
		}
	}
	c.Metadata = metadata
	return &c, ""
}
