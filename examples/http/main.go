// Command http is a service that sells credits and spends them, over HTTP.
//
//	go run ./examples/http -db credits.db
//	curl -s localhost:8080/customers/ann/purchases -H 'Idempotency-Key: order-1' -d '{"credits":"100","price":"0.20"}'
//	curl -s localhost:8080/customers/ann/charges   -H 'Idempotency-Key: call-1'  -d '{"credits":"12.5","item":"api"}'
//	curl -s localhost:8080/customers/ann/balance
//
// It has no users and no passwords: put it behind what knows who may call it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"creditledger"
	"creditledger/invoice"
	"creditledger/store/bolt"
)

func main() {
	db := flag.String("db", "credits.db", "the ledger's file")
	addr := flag.String("addr", "127.0.0.1:8080", "the address to listen on")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *db, *addr); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run serves until ctx ends, then answers what it has accepted and closes the ledger.
func run(ctx context.Context, db, addr string) (err error) {
	store, err := bolt.Open(db, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	ledger := creditledger.New(store, nil)
	defer func() { err = errors.Join(err, ledger.Close()) }()

	server := &http.Server{
		Addr:              addr,
		Handler:           newShop(ledger, invoice.New(ledger, &invoice.Options{NumberPrefix: "SHOP-"})),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
	}
	ended := make(chan error, 1)
	go func() {
		<-ctx.Done()
		patience, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		ended <- server.Shutdown(patience)
	}()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-ended
}
