package main

// Examples of the money side begin with these lines, so that they can be pasted in an empty
// directory.
const (
	saleExample = `  creditledger purchase cus_1 100 --cost-basis 0.20 --invoice-currency USD \
      --net-terms 30 --auto-collection true --invoice-id inv_1
`
	draftExample = `  echo '{
    "lines": [
      {"item_id": "consulting", "quantity": "2", "unit_price": "900"},
      {"item_id": "travel", "quantity": "1", "unit_price": "149.95"}
    ],
    "invoice_settings": {"auto_collection": false, "net_terms": 14,
      "currency": "USD", "invoice_id": "inv_1"}
  }' > consulting.json
  creditledger invoice draft cus_1 consulting.json --key order-9
`
	changeExample = `  echo '{
    "change_id": "chg_1", "expires_at": "2030-01-01",
    "operations": [{"op": "increment", "amount": "5"}],
    "purchases": [{"amount": "10", "per_unit_cost_basis": "2",
      "invoice_settings": {"auto_collection": false, "net_terms": 14,
        "currency": "USD"}}]
  }' > upgrade.json
  creditledger change propose cus_1 upgrade.json --key upgrade-7
`
)
