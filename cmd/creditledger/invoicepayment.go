package main

import (
	"github.com/spf13/cobra"

	"creditledger/invoice"
	"creditledger/opsfile"
)

// balanceOf is the customer whose balance a request moves.
func balanceOf(args any) string {
	if p, ok := args.(opsfile.Payout); ok {
		return p.Customer
	}
	return args.(opsfile.CustomerBalance).Change.Customer
}

// paymentCommand is a subcommand that carries out one action of a payment.
func (a *app) paymentCommand(use, short, example string, flags func(*cobra.Command), payment func(string) (opsfile.Payment, error)) *cobra.Command {
	var key string
	cmd := &cobra.Command{
		Use: use + " INVOICE", Short: short, Example: example, Args: cobra.ExactArgs(1),
		RunE: a.work(func(cmd *cobra.Command, args []string) error {
			p, err := payment(args[0])
			if err != nil {
				return err
			}
			return a.money(cmd, key, opsfile.Request{Op: "payment", Args: p}, toChange)
		}),
	}
	a.dbFlag(cmd)
	a.keyFlag(cmd, &key)
	flags(cmd)
	return cmd
}

func (a *app) invoiceStartCommand() *cobra.Command {
	var provider, providerID, charge, amount string
	return a.paymentCommand("start", "Record that a payment of what is due, or of a part, began", saleExample+`  creditledger invoice start inv_1 --provider cards --provider-id ch_1`,
		func(cmd *cobra.Command) {
			cmd.Flags().StringVar(&provider, "provider", "", "the `NAME` of who takes the payment")
			cmd.Flags().StringVar(&providerID, "provider-id", "", "the payment's `ID` there")
			cmd.Flags().StringVar(&charge, "charge-type", "checkout", "`WORD`: checkout or recurring")
			cmd.Flags().StringVar(&amount, "amount", "", "the `MONEY`, such as \"12.50 USD\" (default: all that is due)")
			completeWords(cmd, "charge-type", "checkout", "recurring")
		},
		func(id string) (p opsfile.Payment, err error) {
			p = opsfile.Payment{Invoice: id, Action: "start", Attempt: invoice.Attempt{Provider: provider, ProviderID: providerID, ChargeType: invoice.ChargeType(charge)}}
			p.Attempt.Amount, err = moneyOf("--amount", amount)
			return p, err
		})
}

// moneyOf reads money; none of an empty text.
func moneyOf(name, text string) (m invoice.Money, err error) {
	if err := m.UnmarshalText([]byte(text)); err != nil {
		return m, &flagError{name, err}
	}
	return m, nil
}

func (a *app) invoicePayCommand() *cobra.Command {
	var payment, note, amount, received, outside string
	return a.paymentCommand("pay", "Record that an invoice was paid, in whole or in part", saleExample+`  creditledger invoice start inv_1 --provider cards --provider-id ch_1
  creditledger invoice pay inv_1 --payment ch_1

  creditledger purchase cus_1 100 --cost-basis 0.20 --invoice-currency USD \
      --net-terms 30 --auto-collection true --invoice-id inv_2
  creditledger invoice pay inv_2 --amount "12 USD" --outside-id wire-77
  creditledger invoice pay inv_2 --note "bank transfer"`,
		func(cmd *cobra.Command) {
			cmd.Flags().StringVar(&payment, "payment", "", "the payment that began before: its `ID` or the provider's (default: it was paid elsewhere)")
			cmd.Flags().StringVar(&note, "note", "", "a `NOTE` on how it was paid elsewhere")
			cmd.Flags().StringVar(&amount, "amount", "", "the `MONEY` that was paid elsewhere, such as \"12.50 USD\" (default: all that is due)")
			cmd.Flags().StringVar(&received, "received", "", "the `DATE` when it came (default now)")
			cmd.Flags().StringVar(&outside, "outside-id", "", "what it is called elsewhere, an `ID`; told of twice, it counts once")
		},
		func(id string) (opsfile.Payment, error) {
			if payment != "" {
				return opsfile.Payment{Invoice: id, Action: "succeed", Payment: payment}, nil
			}
			var p parser
			r := invoice.Receipt{ReceivedAt: p.when("--received", received, false), OutsideID: outside, Note: note}
			var err error
			if r.Amount, err = moneyOf("--amount", amount); err == nil {
				err = p.err
			}
			return opsfile.Payment{Invoice: id, Action: "mark_paid", Receipt: r}, err
		})
}

func (a *app) applyBalanceCommand() *cobra.Command {
	var amount string
	return a.paymentCommand("apply-balance", "Pay an open invoice with the customer's balance", saleExample+`  creditledger customer-balance cus_1 --invoice-currency USD --add 25
  creditledger invoice apply-balance inv_1`,
		func(cmd *cobra.Command) {
			cmd.Flags().StringVar(&amount, "amount", "", "the `MONEY`, such as \"12.50 USD\" (default: as much as is due and there)")
		},
		func(id string) (opsfile.Payment, error) {
			m, err := moneyOf("--amount", amount)
			return opsfile.Payment{Invoice: id, Action: "apply_balance", Apply: m}, err
		})
}

func (a *app) payoutCommand() *cobra.Command {
	var key string
	var out invoice.Payout
	cmd := &cobra.Command{
		Use:   "payout CUSTOMER MONEY",
		Short: "Record that money of a customer's balance was paid out",
		Long: `Record that money that a customer has with the seller was paid to the customer.

It is at most the balance in the money's currency, and goes for deleted customers too.`,
		Example: `  creditledger customer-balance cus_1 --invoice-currency USD --add 25
  creditledger payout cus_1 "25 USD" --outside-id po_1`,
		Args: cobra.ExactArgs(2),
		RunE: a.work(func(cmd *cobra.Command, args []string) (err error) {
			own := out
			own.Customer = args[0]
			if own.Amount, err = moneyOf("MONEY", args[1]); err != nil {
				return err
			}
			return a.money(cmd, key, opsfile.Request{Op: "payout", Args: opsfile.Payout{Payout: own}}, toChange)
		}),
	}
	a.dbFlag(cmd)
	a.keyFlag(cmd, &key)
	cmd.Flags().StringVar(&out.OutsideID, "outside-id", "", "what it is called elsewhere, an `ID`")
	cmd.Flags().StringVar(&out.Description, "description", "", "a `NOTE` on the transaction")
	return cmd
}

func (a *app) invoiceFailCommand() *cobra.Command {
	var payment string
	var reason invoice.FailedReason
	return a.paymentCommand("fail", "Record that a payment failed", saleExample+`  creditledger invoice start inv_1 --provider cards --provider-id ch_1
  creditledger invoice fail inv_1 --payment ch_1 --code card_declined`,
		func(cmd *cobra.Command) {
			cmd.Flags().StringVar(&payment, "payment", "", "the payment: its `ID` or the provider's; required")
			cmd.Flags().StringVar(&reason.Code, "code", "", "the provider's `CODE`; required")
			cmd.Flags().StringVar(&reason.DeclineCode, "decline-code", "", "the bank's `CODE`")
			check := cmd.RunE
			cmd.RunE = func(cmd *cobra.Command, args []string) error {
				var p parser
				p.required("--payment", payment)
				p.required("--code", reason.Code)
				if p.err != nil {
					return p.err
				}
				return check(cmd, args)
			}
		},
		func(id string) (opsfile.Payment, error) {
			return opsfile.Payment{Invoice: id, Action: "fail", Payment: payment, Reason: reason}, nil
		})
}
