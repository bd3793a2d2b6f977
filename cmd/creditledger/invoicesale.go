package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"creditledger"
	"creditledger/invoice"
	"creditledger/opsfile"
)

type purchaseFlags struct {
	grantFlags
	invoiceID, item, memo, due, date, invoiceCurrency, collect, deadline string
	netTerms                                                             int
	markPaid, shift                                                      bool
}

func (a *app) purchaseCommand() *cobra.Command {
	var p purchaseFlags
	cmd := &cobra.Command{
		Use:   "purchase CUSTOMER AMOUNT",
		Short: "Sell credits: grant them and issue the invoice",
		Long: `Sell credits: grant them as a new block and issue the invoice for them, both or neither.

The price is --cost-basis for each credit, in the invoicing currency that the customer
has on record, or in --invoice-currency. Say when it is due with --net-terms or --due. 
--currency is the currency of the credits, and not of the price.`,
		Example: `  creditledger customer set cus_1 --currency USD
  creditledger purchase cus_1 100 --cost-basis 0.20 --net-terms 30 \
      --auto-collection true
  creditledger purchase cus_2 100 --cost-basis 0.20 --invoice-currency EUR \
      --net-terms 0 --auto-collection true --require-payment \
      --expires 2040-01-01 --payment-deadline 2030-01-01 --shift-expiry`,
		Args: cobra.ExactArgs(2),
		RunE: a.work(func(cmd *cobra.Command, args []string) error {
			sold, err := p.purchase(cmd, a.account(args[0]), args[1])
			if err != nil {
				return err
			}
			return a.money(cmd, p.key, opsfile.Request{Op: "purchase", Account: sold.Account, Args: opsfile.Purchase{Purchase: sold}}, toCreate)
		}),
	}
	a.accountFlags(cmd)
	a.keyFlag(cmd, &p.key)
	flags := cmd.Flags()
	flags.StringVar(&p.costBasis, "cost-basis", "", "the `PRICE` of one credit")
	flags.StringVar(&p.expires, "expires", "", "the `DATE` when the credits expire (default never)")
	flags.StringVar(&p.effective, "effective", "", "the `DATE` when the credits become usable (default now)")
	flags.Int32Var(&p.priority, "priority", 0, "a whole `NUMBER`; smaller is spent first")
	flags.StringArrayVar(&p.items, "item", nil, "pay only for this `ITEM`; may be repeated")
	flags.StringArrayVar(&p.excludeItems, "exclude-item", nil, "pay for anything but this `ITEM`; may be repeated")
	flags.StringVar(&p.blockID, "block-id", "", "`ID` of the new block (default: one is made)")
	flags.StringVar(&p.description, "description", "", "a `NOTE` on the entries")
	flags.BoolVar(&p.requirePayment, "require-payment", false, "the credits wait until the invoice is paid")
	flags.StringVar(&p.deadline, "payment-deadline", "", "the `DATE` by which to pay: then a purchase that waits for it ends")
	flags.BoolVar(&p.shift, "shift-expiry", false, "if a payment under way succeeds too late, grant the credits anew")
	flags.BoolVar(&p.markPaid, "mark-as-paid", false, "the invoice was paid elsewhere")
	flags.StringVar(&p.collect, "auto-collection", "", "true or false: `WHETHER` the invoice is collected automatically; required")
	completeWords(cmd, "auto-collection", "true", "false")
	flags.IntVar(&p.netTerms, "net-terms", 0, "calendar `DAYS` until the invoice is due")
	flags.StringVar(&p.due, "due", "", "the `DATE` when the invoice is due, instead of --net-terms")
	flags.StringVar(&p.date, "invoice-date", "", "the `DATE` on the invoice (default: when the credits become usable)")
	flags.StringVar(&p.invoiceCurrency, "invoice-currency", "", "the `CURRENCY` of the invoice (default: the customer's)")
	flags.StringVar(&p.invoiceID, "invoice-id", "", "`ID` of the invoice (default: one is made)")
	flags.StringVar(&p.item, "invoice-item", "", "what the invoice calls the credits, an `ITEM` (default Credits)")
	flags.StringVar(&p.memo, "memo", "", "a `NOTE` on the invoice")
	return cmd
}

func (p *purchaseFlags) purchase(cmd *cobra.Command, on creditledger.AccountID, amount string) (invoice.Purchase, error) {
	require := p.requirePayment
	p.requirePayment = false // that is the flag of a grant; the purchase has its own
	op, err := p.operation(amount)
	if err != nil {
		return invoice.Purchase{}, err
	}
	inc, ok := op.(creditledger.Increment)
	if !ok {
		return invoice.Purchase{}, fmt.Errorf("a purchase cannot be a %s", op.Name())
	}
	var read parser
	terms := invoice.Terms{CustomDueDate: read.when("--due", p.due, false), InvoiceDate: read.when("--invoice-date", p.date, false), InvoiceID: p.invoiceID, Memo: p.memo}
	if p.collect != "" {
		collect, err := strconv.ParseBool(p.collect)
		if err != nil {
			read.fail("--auto-collection", fmt.Errorf("%q is not true or false", p.collect))
		}
		terms.AutoCollection = &collect
	}
	if cmd.Flags().Changed("net-terms") {
		terms.NetTerms = &p.netTerms
	}
	deadline := read.when("--payment-deadline", p.deadline, false)
	return invoice.Purchase{
		Account: on, Increment: inc, Terms: terms, Currency: p.invoiceCurrency, ItemID: p.item, MarkAsPaid: p.markPaid, RequirePayment: require,
		PaymentDeadline: deadline, ShiftExpiry: p.shift,
	}, read.err
}

// object reads a JSON object from a file, - for stdin, and gives it more keys, the op
// first, so that it is a line of an operations file.
func (a *app) object(path string, more [][2]string) (opsfile.Request, error) {
	in := a.in
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return opsfile.Request{}, fmt.Errorf("%w: name a file with one JSON object, or - for stdin", err)
		}
		defer f.Close()
		in = f
	}
	data, err := io.ReadAll(io.LimitReader(in, opsfile.MaxLine+1))
	if err != nil {
		return opsfile.Request{}, err
	}
	if err := checkObject(data, more[0][1]); err != nil {
		if path == "-" {
			path = "standard input"
		}
		return opsfile.Request{}, &flagError{"FILE", fmt.Errorf("%s %w", path, err)}
	}
	data = bytes.TrimSpace(data)
	line := []byte("{")
	for i, kv := range more {
		text, err := json.Marshal(kv[1])
		if err != nil {
			return opsfile.Request{}, err
		}
		if i > 0 {
			line = append(line, ',')
		}
		line = append(line, '"')
		line = append(append(append(line, kv[0]...), `":`...), text...)
	}
	if rest := bytes.TrimSpace(data[1:]); len(rest) > 0 && rest[0] != '}' {
		line = append(line, ',')
	}
	return opsfile.Parse(append(line, data[1:]...))
}

// checkObject says what is wrong with a file that is to hold what an op takes.
func checkObject(data []byte, op string) error {
	var object map[string]json.RawMessage
	err := json.Unmarshal(data, &object)
	var other *json.UnmarshalTypeError // valid JSON, but no object
	switch {
	case len(data) > opsfile.MaxLine:
		return fmt.Errorf("has more than %d bytes", opsfile.MaxLine)
	case bytes.HasPrefix(data, []byte("\ufeff")):
		return errors.New("begins with a byte-order mark: save it as UTF-8 without one")
	case !utf8.Valid(data):
		return errors.New("is not valid UTF-8")
	case errors.As(err, &other), err == nil && object == nil:
		return fmt.Errorf("is not one JSON object with keys of the op %s", op)
	case err != nil:
		return fmt.Errorf("is not one JSON object with keys of the op %s: %w", op, err)
	}
	return nil
}

// fromFile is a subcommand whose request stands in a file.
func (a *app) fromFile(cmd *cobra.Command, args []string, key string, more [][2]string) error {
	k, err := a.moneyKey(cmd, key)
	if err != nil {
		return err
	}
	on := a.account(args[0])
	r, err := a.object(args[1], append(more, [2]string{"customer_id", on.Customer}, [2]string{"currency", on.Currency}, [2]string{"idempotency_key", string(k)}))
	if err != nil {
		return err
	}
	if err := cmd.Flags().Set("key", string(k)); err != nil {
		return err
	}
	return a.money(cmd, string(k), r, toCreate)
}

func (a *app) closePeriodCommand() *cobra.Command {
	var key string
	cmd := &cobra.Command{
		Use:   "close-period CUSTOMER FILE",
		Short: "Bill a period: credits pay first, the rest is due",
		Long: `Bill the usage of a period: prepaid credits pay first, and what they do not cover is due.

FILE (- for stdin) holds one JSON object with the keys of the op close_period in
operations files: start, end, lines, invoice_settings, and what else it may have.
Give --key: closing the same period twice under one key gives the same invoice.
Credits pay as they were at the period's end, for as long as usage may be late
(settings --settlement).`,
		Example: `  creditledger customer set cus_1 --currency USD
  creditledger settings --settlement 3650d  # the period is of long ago
  echo '{
    "start": "2026-01-01", "end": "2026-02-01", "conversion_rate": "0.20",
    "lines": [
      {"item_id": "api", "quantity": "80", "unit_price": "1"},
      {"item_id": "storage", "quantity": "25", "unit_price": "2",
        "adjustments": [{"kind": "minimum", "value": "60"}]}
    ],
    "invoice_settings": {"auto_collection": true, "net_terms": 0,
      "currency": "USD"}
  }' > january.json
  creditledger close-period cus_1 january.json --preview
  creditledger close-period cus_1 january.json --key cus_1-2026-01`,
		Args: cobra.ExactArgs(2),
		RunE: a.work(func(cmd *cobra.Command, args []string) error {
			return a.fromFile(cmd, args, key, [][2]string{{"op", "close_period"}})
		}),
	}
	a.accountFlags(cmd)
	a.keyFlag(cmd, &key)
	return cmd
}

func (a *app) customerBalanceCommand() *cobra.Command {
	var key, add, take, description, currency string
	cmd := &cobra.Command{
		Use:   "customer-balance CUSTOMER",
		Short: "Show or move the money a customer has with the seller",
		Long: `Show the money a customer has with the seller and its transactions, or move it.

It is applied to the next invoice, after tax, and never mixes with credits. When it is
negative the customer owes it.`,
		Example: `  creditledger customer-balance cus_1 --invoice-currency USD --add 25 \
      --description "goodwill" --key gift-7
  creditledger customer-balance cus_1 --invoice-currency USD`,
		Args: cobra.ExactArgs(1),
		RunE: a.work(func(cmd *cobra.Command, args []string) error {
			change := invoice.BalanceChange{Customer: args[0], Description: description}
			flag, text := "", ""
			switch {
			case add != "" && take != "":
				return &flagError{"--take", errors.New("it does not go with --add")}
			case add != "":
				change.Type, flag, text = invoice.BalanceIncrement, "--add", add
			case take != "":
				change.Type, flag, text = invoice.BalanceDecrement, "--take", take
			default:
				return a.withLedger(cmd.Context(), toRead, func(l *creditledger.Ledger) error { return a.showBalance(cmd, l, args[0], currency) })
			}
			var err error
			if change.Amount, err = invoice.ParseMoney(text, currency); err != nil {
				var wrong *creditledger.InvalidError
				if errors.As(err, &wrong) && wrong.Field == "amount" {
					return &flagError{flag, err}
				}
				return err
			}
			return a.money(cmd, key, opsfile.Request{Op: "customer_balance", Args: opsfile.CustomerBalance{Change: change}}, toCreate)
		}),
	}
	a.dbFlag(cmd)
	a.keyFlag(cmd, &key)
	flags := cmd.Flags()
	flags.StringVar(&currency, "invoice-currency", "USD", "the `CURRENCY` of the money")
	flags.StringVar(&add, "add", "", "`MONEY` the customer gets")
	flags.StringVar(&take, "take", "", "`MONEY` the customer loses")
	flags.StringVar(&description, "description", "", "a `NOTE` on the transaction")
	return cmd
}

// showBalance shows a customer's balance with every transaction.
func (a *app) showBalance(cmd *cobra.Command, l *creditledger.Ledger, customer, currency string) error {
	ask := opsfile.CustomerBalance{Change: invoice.BalanceChange{Customer: customer}, Currency: currency}
	answer := opsfile.Execute(cmd.Context(), l, nil, opsfile.Request{Op: "customer_balance", Args: ask})
	var err error
	return errors.Join(a.show(&answer, func(out io.Writer) {
		b := answer.Result.(*opsfile.Balance)
		a.writeBalance(out, customer, b, func(m invoice.Money) string { return m.Format(answer.Locale) })
		if len(b.Movements) == 0 {
			err = writeIfUnknown(cmd.Context(), l, out, customer)
		}
	}), err)
}

// writeMovement shows what a change of a customer's balance did.
func (a *app) writeMovement(s *invoice.Service, out io.Writer, customer string, moved *invoice.BalanceAnswer) {
	if moved.Replayed {
		fmt.Fprintln(out, doneBefore)
	}
	m := moved.Movement
	a.writeBalance(out, customer, &opsfile.Balance{Amount: m.Ending, Movements: []invoice.Movement{m}}, s.Format)
}

func (a *app) writeBalance(out io.Writer, customer string, b *opsfile.Balance, format func(invoice.Money) string) {
	fmt.Fprintf(out, "%s has %s with the seller.\n", oneLine(customer), format(b.Amount))
	if len(b.Movements) > 0 {
		t := a.newTable(">NO", "CREATED", "TYPE", ">AMOUNT", ">BALANCE", "+WHY", "+"+noteHead)
		for _, m := range b.Movements {
			t.add(fmt.Sprint(m.Number), a.when(m.CreatedAt), string(m.Type), format(m.Amount), format(m.Ending), string(m.Action), m.Description)
		}
		t.write(out)
	}
}
