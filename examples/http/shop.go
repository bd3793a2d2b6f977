package main

import (
	"encoding/json"
	"errors"
	"net/http"

	"creditledger"
	"creditledger/invoice"
)

// shop answers requests from one ledger and its invoices.
type shop struct {
	ledger   *creditledger.Ledger
	invoices *invoice.Service
}

func newShop(ledger *creditledger.Ledger, invoices *invoice.Service) http.Handler {
	s := &shop{ledger: ledger, invoices: invoices}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /customers/{customer}/purchases", s.purchase)
	mux.HandleFunc("POST /customers/{customer}/charges", s.charge)
	mux.HandleFunc("GET /customers/{customer}/balance", s.balance)
	return http.MaxBytesHandler(mux, 64<<10)
}

// purchase sells credits that are paid already; the answer names the invoice.
func (s *shop) purchase(w http.ResponseWriter, r *http.Request) {
	var ask struct {
		Credits creditledger.Amount    `json:"credits"`
		Price   creditledger.CostBasis `json:"price"` // of one credit, in USD
	}
	if !read(w, r, &ask) {
		return
	}
	bought, err := s.invoices.Purchase(r.Context(), invoice.Purchase{
		Account:    account(r),
		Increment:  creditledger.Increment{Amount: ask.Credits, CostBasis: ask.Price},
		Terms:      invoice.Terms{AutoCollection: invoice.No(), NetTerms: invoice.Days(0)},
		Currency:   "USD",
		MarkAsPaid: true,
	}, key(r))
	if err != nil {
		refuse(w, err)
		return
	}
	answer(w, http.StatusCreated, map[string]any{"invoice": bought.Invoice.Number, "total": bought.Invoice.Total.String()})
}

// charge spends credits for one call. It refuses what the balance does not cover.
func (s *shop) charge(w http.ResponseWriter, r *http.Request) {
	var ask struct {
		Credits creditledger.Amount `json:"credits"`
		Item    string              `json:"item"`
	}
	if !read(w, r, &ask) {
		return
	}
	spent, err := s.ledger.Do(r.Context(), account(r), creditledger.Decrement{
		Amount: ask.Credits, ItemID: ask.Item, Overdraft: creditledger.OverdraftReject,
	}, key(r))
	if err != nil {
		refuse(w, err)
		return
	}
	last := spent.Entries[len(spent.Entries)-1]
	answer(w, http.StatusCreated, map[string]any{"entry": last.ID, "left": last.Ending, "repeated": spent.Replayed})
}

func (s *shop) balance(w http.ResponseWriter, r *http.Request) {
	b, err := s.ledger.Balance(r.Context(), account(r), creditledger.BalanceQuery{})
	if err != nil {
		refuse(w, err)
		return
	}
	answer(w, http.StatusOK, map[string]any{"total": b.Total, "available": b.Available, "as_of": b.AsOf})
}

func account(r *http.Request) creditledger.AccountID {
	return creditledger.AccountID{Customer: r.PathValue("customer")}
}

// key is what makes a repeated request harmless. Without one the ledger makes a key,
// and a client that repeats a request pays twice: so write requests need it.
func key(r *http.Request) creditledger.Key {
	return creditledger.Key(r.Header.Get("Idempotency-Key"))
}

// read decodes a request that writes.
func read(w http.ResponseWriter, r *http.Request, into any) bool {
	if key(r) == "" {
		problem(w, http.StatusBadRequest, "the header Idempotency-Key is missing")
		return false
	}
	body := json.NewDecoder(r.Body)
	body.DisallowUnknownFields()
	if err := body.Decode(into); err != nil {
		problem(w, http.StatusBadRequest, err.Error())
		return false
	}
	return true
}

// refuse translates an error of the ledger. Each kind of error is a status of its own,
// so that a client knows what to do next without reading words.
func refuse(w http.ResponseWriter, err error) {
	switch {
	case errors.Is(err, creditledger.ErrInsufficientCredits):
		problem(w, http.StatusPaymentRequired, err.Error())
	case errors.Is(err, creditledger.ErrIdempotencyMismatch):
		problem(w, http.StatusUnprocessableEntity, err.Error())
	case errors.Is(err, creditledger.ErrInvalid):
		problem(w, http.StatusBadRequest, err.Error())
	case errors.Is(err, creditledger.ErrNotFound):
		problem(w, http.StatusNotFound, err.Error())
	case errors.Is(err, creditledger.ErrDuplicate), errors.Is(err, creditledger.ErrConstraint):
		problem(w, http.StatusConflict, err.Error())
	case errors.Is(err, creditledger.ErrOutcomeUnknown):
		w.Header().Set("Retry-After", "1")
		problem(w, http.StatusServiceUnavailable, "nobody knows whether it was written: repeat it with the same key")
	default: // of the store: its words are for whoever runs the service
		problem(w, http.StatusInternalServerError, "nothing was written: try again later")
	}
}

func problem(w http.ResponseWriter, status int, words string) {
	answer(w, status, map[string]any{"error": words})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // a client that has gone is no error of ours
}
