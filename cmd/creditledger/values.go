package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"creditledger"
)

// parser reads arguments and flags, and keeps the first error.
type parser struct{ err error }

func (p *parser) fail(name string, err error) {
	if p.err == nil {
		p.err = &flagError{name, err}
	}
}

func (p *parser) amount(name, text string) creditledger.Amount {
	a, err := creditledger.ParseAmount(text)
	if err != nil {
		p.fail(name, err)
	}
	return a
}

// when reads a date, a date-time, or never where that is allowed; nothing for a flag
// that was not given, whose text is "" (refuseEmpty).
func (p *parser) when(name, text string, never bool) creditledger.When {
	switch {
	case text == "":
		return creditledger.When{}
	case text == "never" && never:
		return creditledger.Never()
	}
	w, err := creditledger.ParseWhen(text)
	var wrong *creditledger.InvalidError
	if never && errors.As(err, &wrong) {
		err = errors.New(wrong.Reason + ", nor never")
	}
	if err != nil {
		p.fail(name, err)
	}
	return w
}

// limit checks the number of items of a page.
func (p *parser) limit(name string, n int) int {
	if n < 1 || n > creditledger.MaxPage {
		p.fail(name, fmt.Errorf("%d is not from 1 to %d", n, creditledger.MaxPage))
	}
	return n
}

// moment reads a date-time, or a date for its first instant in UTC; none for "".
func (p *parser) moment(name, text string) creditledger.Instant {
	w := p.when(name, text, false)
	if d := w.Date(); d != 0 {
		return d.FirstInstant(time.UTC)
	}
	return w.Instant()
}

func (p *parser) costBasis(name, text string) creditledger.CostBasis {
	if text == "" {
		return creditledger.CostBasis{}
	}
	c, err := creditledger.ParseCostBasis(text)
	if err != nil {
		p.fail(name, err)
	}
	return c
}

// word reads one of a list of names; the zero value for "".
func word[T any](p *parser, name, text string, parse func(string) (T, error)) T {
	var none T
	if text == "" {
		return none
	}
	v, err := parse(text)
	if err != nil {
		p.fail(name, err)
		return none
	}
	return v
}

// filters turns items to let through and items to keep out into filters.
func filters(include, exclude []string) []creditledger.Filter {
	var list []creditledger.Filter
	if len(include) > 0 {
		list = append(list, creditledger.Filter{Field: creditledger.FilterFieldItem, Operator: creditledger.FilterIncludes, Values: include})
	}
	if len(exclude) > 0 {
		list = append(list, creditledger.Filter{Field: creditledger.FilterFieldItem, Operator: creditledger.FilterExcludes, Values: exclude})
	}
	return list
}

// interval reads a stretch of the calendar, such as month, 3 days or 2weeks; none for "".
func (p *parser) interval(name, text string) creditledger.Interval {
	if text == "" {
		return creditledger.Interval{}
	}
	unit := strings.TrimLeft(text, "0123456789")
	digits := text[:len(text)-len(unit)]
	unit = strings.TrimSuffix(strings.TrimPrefix(unit, " "), "s")
	v := creditledger.Interval{Count: 1}
	var err error
	if digits != "" {
		v.Count, err = strconv.Atoi(digits)
	}
	if err == nil {
		v.Unit, err = creditledger.ParseIntervalUnit(unit)
	}
	switch {
	case err != nil || v.Unit == 0:
		p.fail(name, fmt.Errorf("%s is no interval such as month, 3 days or 2 weeks", strconv.QuoteToASCII(text)))
	case v.Count < 1 || v.Count > creditledger.MaxInterval:
		p.fail(name, fmt.Errorf("%d is not from 1 to %d", v.Count, creditledger.MaxInterval))
	}
	return v
}

// lifetime reads how long credits live: period_end, never or an interval; nil for "".
func (p *parser) lifetime(name, text string) *creditledger.GrantExpiry {
	var e creditledger.GrantExpiry
	switch text {
	case "":
		return nil
	case "period_end":
	case "never":
		e = creditledger.ExpiresNever()
	default:
		e = creditledger.ExpiresAfter(p.interval(name, text))
	}
	return &e
}

func (p *parser) required(name, text string) {
	if text == "" {
		p.fail(name, errMissing)
	}
}
