package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"creditledger"
	"creditledger/invoice"
	"creditledger/store/memory"
)

func TestShop(t *testing.T) {
	ledger := creditledger.New(memory.New(), nil)
	server := httptest.NewServer(newShop(ledger, invoice.New(ledger, nil)))
	defer server.Close()
	for _, step := range []struct {
		method, path, key, body string
		status                  int
		field, want             string
	}{
		{"POST", "/customers/ann/purchases", "order-1", `{"credits":"100","price":"0.20"}`, 201, "total", "20.00 USD"},
		{"POST", "/customers/ann/charges", "call-1", `{"credits":"12.5","item":"api"}`, 201, "left", "87.5"},
		{"POST", "/customers/ann/charges", "call-1", `{"credits":"12.5","item":"api"}`, 201, "left", "87.5"}, // a retry
		{"POST", "/customers/ann/charges", "call-1", `{"credits":"13","item":"api"}`, 422, "error", ""},
		{"POST", "/customers/ann/charges", "call-2", `{"credits":"88"}`, 402, "error", ""},
		{"POST", "/customers/ann/charges", "call-3", `{"credits":"1e400"}`, 400, "error", ""},
		{"POST", "/customers/ann/charges", "call-4", `{"credits":"1","itm":"api"}`, 400, "error", ""},
		{"POST", "/customers/ann/charges", "", `{"credits":"1"}`, 400, "error", "the header Idempotency-Key is missing"},
		{"POST", "/customers/bob/charges", "call-1", `{"credits":"1"}`, 402, "error", ""},
		{"GET", "/customers/ann/balance", "", "", 200, "total", "87.5"},
	} {
		ask, err := http.NewRequestWithContext(t.Context(), step.method, server.URL+step.path, strings.NewReader(step.body))
		if err != nil {
			t.Fatal(err)
		}
		ask.Header.Set("Idempotency-Key", step.key)
		got, err := http.DefaultClient.Do(ask)
		if err != nil {
			t.Fatal(err)
		}
		var answer map[string]any
		if err := json.NewDecoder(got.Body).Decode(&answer); err != nil {
			t.Fatal(err)
		}
		if err := got.Body.Close(); err != nil {
			t.Fatal(err)
		}
		value, ok := answer[step.field].(string)
		if got.StatusCode != step.status || !ok || step.want != "" && value != step.want {
			t.Errorf("%s %s %s: %d %v, want %d with %s %q", step.method, step.path, step.body, got.StatusCode, answer, step.status, step.field, step.want)
		}
	}
}

func TestTheServiceEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, t.TempDir()+"/credits.db", "127.0.0.1:0") }()
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
