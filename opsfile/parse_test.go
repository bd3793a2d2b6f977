package opsfile_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"creditledger"
	"creditledger/opsfile"
	"creditledger/store/memory"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func ptr(s string) *string { return &s }

// TestParse: every op with every key it may have.
func TestParse(t *testing.T) {
	account := creditledger.AccountID{Customer: "c", Currency: "credits"}
	amount := creditledger.MustAmount
	noon := must(creditledger.ParseInstant("2026-01-01T12:00:00Z"))
	item := creditledger.Charge{ItemID: "api"}
	for line, want := range map[string]opsfile.Request{
		`{"op":"clock","now":"2026-01-01T12:00:00Z"}`: {Op: "clock", Args: opsfile.SetClock{Now: noon}},
		`{"op":"customer","id":"c","external_customer_id":"x","name":"","email":"e","timezone":"UTC","currency":"USD","metadata":{"a":"1","b":null}}`: {
			Op: "customer", Args: creditledger.CustomerUpdate{ID: "c", ExternalID: ptr("x"), Name: ptr(""), Email: ptr("e"),
				Timezone: ptr("UTC"), Currency: ptr("USD"), Metadata: map[string]*string{"a": ptr("1"), "b": nil}}},
		`{"op":"customer","id":"c","name":null,"metadata":null}`: {Op: "customer", Args: creditledger.CustomerUpdate{ID: "c", ClearMetadata: true}},
		`{"op":"increment","customer_id":"c","currency":"EUR","idempotency_key":"k","amount":100,"block_id":"b","effective_date":"2026-01-02","expiry_date":"2026-01-01T12:00:00Z","per_unit_cost_basis":0.20,"priority":-3,"filters":[{"field":"item_id","operator":"excludes","values":["x","y"]}],"source":"top_up","require_payment":true,"repay":"never","description":"d","metadata":{"a":"1","b":null}}`: {
			Op: "increment", Account: creditledger.AccountID{Customer: "c", Currency: "EUR"}, Key: "k", Args: creditledger.Increment{
				Amount: amount("100"), BlockID: "b", EffectiveAt: creditledger.On(creditledger.DateOf(2026, time.January, 2)),
				ExpiresAt: creditledger.AtInstant(noon), CostBasis: creditledger.MustCostBasis("0.20"), Priority: -3,
				Filters: []creditledger.Filter{{Field: creditledger.FilterFieldItem, Operator: creditledger.FilterExcludes, Values: []string{"x", "y"}}},
				Source:  creditledger.SourceTopUp, RequirePayment: true, Repay: creditledger.RepayNever, Description: "d", Metadata: map[string]string{"a": "1"}}},
		`{"op":"increment","customer_id":"c","amount":"1"}`: {Op: "increment", Account: account, Args: creditledger.Increment{Amount: amount("1")}},
		`{"op":"decrement","customer_id":"c","amount":"1.50","item_id":"i","price_id":"p","invoice_id":"v","overdraft":"allow","overdraft_limit":"0"}`: {
			Op: "decrement", Account: account, Args: creditledger.Decrement{Amount: amount("1.50"), ItemID: "i", PriceID: "p", InvoiceID: "v", Overdraft: creditledger.OverdraftAllow, OverdraftLimit: creditledger.OverdraftLimitOf(amount("0"))}},
		`{"op":"decrement","customer_id":"c","amount":"1","overdraft":"stop_at_zero","usage_at":"2026-01-01T12:00:00Z"}`: {
			Op: "decrement", Account: account, Args: creditledger.Decrement{Amount: amount("1"), Overdraft: creditledger.OverdraftStopAtZero, UsageAt: noon}},
		`{"op":"expiration_change","customer_id":"c","block_id":"b","expiry_date":"2026-01-01","target_expiry_date":null,"amount":"1","new_block_id":"n"}`: {
			Op: "expiration_change", Account: account, Args: creditledger.ExpirationChange{BlockID: "b", ExpiresAt: creditledger.On(creditledger.DateOf(2026, time.January, 1)),
				Target: creditledger.Never(), Amount: amount("1"), NewBlockID: "n"}},
		`{"op":"void","customer_id":"c","block_id":"b","amount":"1","void_reason":"refund"}`: {Op: "void", Account: account, Args: creditledger.Void{BlockID: "b", Amount: amount("1"), Reason: "refund"}},
		`{"op":"amendment","customer_id":"c","block_id":"b","amount":"1"}`:                   {Op: "amendment", Account: account, Args: creditledger.Amendment{BlockID: "b", Amount: amount("1")}},
		`{"op":"activate","customer_id":"c","block_id":"b","description":"d"}`:               {Op: "activate", Account: account, Args: creditledger.Activation{BlockID: "b", Description: "d"}},
		`{"op":"batch","customer_id":"c","idempotency_key":"k","operations":[{"op":"amendment","block_id":"b","amount":"1"},{"op":"activate","block_id":"b"}]}`: {
			Op: "batch", Account: account, Key: "k", Args: creditledger.Batch{creditledger.Amendment{BlockID: "b", Amount: amount("1")}, creditledger.Activation{BlockID: "b"}}},
		`{"op":"balance","customer_id":"c","at":"2026-01-01T12:00:00Z","item_id":"api"}`: {Op: "balance", Account: account, Args: creditledger.BalanceQuery{At: noon, Charge: item}},
		`{"op":"blocks","customer_id":"c","include_all_blocks":true}`:                    {Op: "blocks", Account: account, Args: creditledger.BlocksQuery{All: true}},
		`{"op":"entries","customer_id":"c","order":"asc","limit":7,"cursor":"x","entry_type":"void","entry_status":"pending","minimum_amount":"2","created_at[gt]":"2026-01-01T12:00:00Z","created_at[gte]":"2026-01-01T12:00:00Z","created_at[lt]":"2026-01-01T12:00:00Z","created_at[lte]":"2026-01-01T12:00:00Z"}`: {
			Op: "entries", Account: account, Args: creditledger.EntriesQuery{Ascending: true, Limit: 7, Cursor: "x", Type: creditledger.EntryVoid, Status: creditledger.EntryPending,
				MinAmount: amount("2"), After: noon, From: noon, Before: noon, Until: noon}},
		`{"op":"preview","customer_id":"c","operation":{"op":"activate","block_id":"b","idempotency_key":"k"}}`: {Op: "preview", Account: account, Key: "k", Args: opsfile.Preview{Operation: creditledger.Activation{BlockID: "b"}}},
		`{"op":"explain","customer_id":"c","amount":"1","item_id":"api"}`:                                       {Op: "explain", Account: account, Args: opsfile.Explain{Amount: amount("1"), Charge: item}},
		`{"op":"settings","replace":true,"grace_period":{"count":0,"unit":"week"},"overdraft":"reject","max_hold":{"count":2,"unit":"day"}}`: {
			Op: "settings", Args: opsfile.Settings{Replace: true, GracePeriod: new(time.Duration), Overdraft: creditledger.OverdraftReject, MaxHold: 48 * time.Hour}},
		`{"op":"sweep"}`:                                         {Op: "sweep", Args: opsfile.Sweep{}},
		`{"op":"sweep","customer_id":"c"}`:                       {Op: "sweep", Args: opsfile.Sweep{Customer: "c"}},
		`{"op":"sweep","customer_id":"c","currency":"credits"}`:  {Op: "sweep", Account: account, Args: opsfile.Sweep{}},
		`{"op":"verify","customer_id":"c","currency":"credits"}`: {Op: "verify", Account: account, Args: opsfile.Verify{}},
		`{"op":"verify"}`:                                        {Op: "verify", Args: opsfile.Verify{}},
	} {
		got, err := opsfile.Parse([]byte(line))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s\n got %+v, %v\nwant %+v", line, got, err, want)
		}
	}
}

// TestParseFaults: what kind of error, for which key.
func TestParseFaults(t *testing.T) {
	huge := `{"op":"increment","customer_id":"c","amount":` + strings.Repeat("9", 1_000_000) + `}`
	deep := `{"op":"increment","customer_id":"c","amount":"1","metadata":{"k":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}}`
	bottomless := `{"op":"increment","metadata":` + strings.Repeat(`{"a":`, 1_000_000)
	var many strings.Builder
	many.WriteString(`{"op":"increment","customer_id":"c","amount":"1","metadata":{`)
	for i := range 100_000 {
		fmt.Fprintf(&many, `"k%d":"v",`, i)
	}
	many.WriteString(`"z":"v"}}`)
	for _, c := range []struct{ line, op, field string }{
		{huge, "increment", "amount"},
		{deep, "increment", "metadata.k[0][0][0][0][0][0]"},
		{bottomless, "", "malformed"},
		{`{"op":"sweep","x":[` + strings.Repeat("0,", 1_000_000) + `0]}`, "sweep", "x"},
		{`{"op":"batch","customer_id":"c","operations":[` + strings.Repeat("{},", creditledger.MaxBatch) + `{}]}`, "batch", "operations"},
		{many.String(), "increment", "metadata"},
		{`{"op":"capture","customer_id":"c","hold_id":"h"}`, "capture", "amount"}, // 0 would be a release
		{`{"op":"sweep","op":"sweep"}`, "sweep", "op"},
		{`{"op":"sweep","\u006fp":"sweep"}`, "sweep", "op"},
		{`{"op":"sweep","a\u0000b":1}`, "sweep", `"a\x00b"`},
		{`{"op":"sweep","x":"\udc00"}`, "sweep", ""},
		{`{"op":"sweep","x":"\ud800\ud800"}`, "sweep", ""},
		{`{"op":"sweep","\ud800x":1}`, "sweep", ""},
		{`{"op":"sweep","x":"\\ud800"}`, "sweep", "x"},
		{`{"op":"sweep","x":"\ud83d\ude00"}`, "sweep", "x"},
		{"{\"op\":\"sweep\",\"x\":\"\xed\xa0\x80\"}", "", "malformed"},
		{"{\"op\":\"sweep\",\"x\":\"\n\"}", "", "malformed"},
		{`{"op":"` + strings.Repeat("é", 100) + `"}`, strings.Repeat("é", 40) + "…", "malformed"},
		{"", "", "malformed"},
		{"\x00", "", "malformed"},
	} {
		start := time.Now()
		r, err := opsfile.Parse([]byte(c.line))
		took := time.Since(start)
		name := c.line[:min(len(c.line), 60)]
		var malformed *opsfile.MalformedError
		var wrong *creditledger.InvalidError
		switch {
		case r.Op != c.op:
			t.Errorf("%s: op %q, want %q", name, r.Op, c.op)
		case !errors.Is(err, creditledger.ErrInvalid):
			t.Errorf("%s: %v is not invalid", name, err)
		case errors.As(err, &malformed) != (c.field == "malformed"):
			t.Errorf("%s: %v", name, err)
		case c.field != "malformed" && (!errors.As(err, &wrong) || wrong.Field != c.field):
			t.Errorf("%s: %v, want field %q", name, err, c.field)
		case len(err.Error()) > 1000:
			t.Errorf("%s: a message of %d bytes", name, len(err.Error()))
		case took > 2*time.Minute:
			t.Errorf("%s: took %s", name, took)
		}
	}
}

// A byte-order mark cannot be seen: the message tells of it.
func TestByteOrderMark(t *testing.T) {
	for _, line := range []string{"\ufeff{\"op\":\"sweep\"}", "\ufeff", "\ufeff# a comment"} {
		var out strings.Builder
		ledger := creditledger.New(memory.New(), nil)
		summary, err := opsfile.Run(t.Context(), ledger, strings.NewReader(line+"\n"+`{"op":"sweep"}`), &out, nil)
		if err != nil || summary.Answers != 2 || summary.Malformed != 1 || !strings.Contains(out.String(), "begins with a byte-order mark: save the file as UTF-8 without one") {
			t.Errorf("%q: %v %v %s", line, err, summary, out.String())
		}
	}
}

// TestCodes: the code of every error of the core, however it is wrapped.
func TestCodes(t *testing.T) {
	for _, c := range []struct {
		err  error
		code string
	}{
		{&creditledger.InvalidError{}, "invalid_request"},
		{&opsfile.MalformedError{}, "invalid_request"},
		{&creditledger.NotFoundError{}, "not_found"},
		{&creditledger.DuplicateError{}, "duplicate"},
		{&creditledger.ConstraintError{}, "constraint_violation"},
		{&creditledger.InsufficientCreditsError{}, "insufficient_credits"},
		{&creditledger.IdempotencyMismatchError{}, "idempotency_mismatch"},
		{&creditledger.ConflictError{}, "conflict"},
		{&creditledger.OutcomeUnknownError{Err: &creditledger.ConflictError{}}, "storage"},
		{&creditledger.CorruptError{}, "storage"},
		{creditledger.ErrClosed, "storage"},
		{creditledger.ErrReadOnly, "storage"},
		{context.Canceled, "storage"},
	} {
		if got := opsfile.Code(&creditledger.OperationError{Err: c.err}); got != c.code {
			t.Errorf("%T: %s, want %s", c.err, got, c.code)
		}
	}
}

func TestExecuteRefusesWhatIsNoRequest(t *testing.T) {
	ledger := creditledger.New(memory.New(), nil)
	defer ledger.Close()
	a := opsfile.Execute(t.Context(), ledger, nil, opsfile.Request{Op: "x", Args: 7})
	if opsfile.Code(a.Err) != opsfile.CodeInvalidRequest {
		t.Error(a.Err)
	}
	line, err := a.AppendJSON([]byte("before "))
	if want := `before {"op":"x","error":{"code":"invalid_request","message":"invalid op: int is not a request","field":"op"}}` + "\n"; err != nil || string(line) != want {
		t.Errorf("%s %v", line, err)
	}
}

func TestClock(t *testing.T) {
	var c opsfile.Clock
	if got := c.Instant().String(); got != "2000-01-01T00:00:00Z" {
		t.Error(got)
	}
	later := must(creditledger.ParseInstant("2026-01-01T12:00:00Z"))
	if err := c.Set(later); err != nil || c.Instant() != later || !c.Now().Equal(later.Time()) {
		t.Error(err, c.Now())
	}
	if err := c.Set(later); err != nil {
		t.Error("the same instant again:", err)
	}
	for _, wrong := range []creditledger.Instant{0, later - 1, -1, 1 << 62} {
		if err := c.Set(wrong); !errors.Is(err, creditledger.ErrConstraint) {
			t.Errorf("%d: %v", wrong, err)
		}
	}
	if c.Instant() != later {
		t.Error("the clock moved to", c.Instant())
	}
}

// TestRefusalsNameThePart: what is wrong inside an object is named by its place there.
func TestRefusalsNameThePart(t *testing.T) {
	for given, want := range map[string]string{
		`"every":{"unit":"day"}`:                                                      "invalid every.count: is missing",
		`"every":{"count":1}`:                                                         "invalid every.unit: is missing",
		`"every":{"count":0,"unit":"day"}`:                                            "invalid every.count: 0 is not an integer from 1 to 1000",
		`"every":{"count":1,"unit":"day","x":1}`:                                      "invalid every.x: is not a key of this operation",
		`"every":{"count":1,"unit":"day"},"rollover":{"x":1}`:                         "invalid rollover.x: is not a key of this operation",
		`"every":{"count":1,"unit":"day"},"rollover":{"max_times":0}`:                 "invalid rollover.max_times: 0 is not an integer from 1 to 1000",
		`"every":{"count":1,"unit":"day"},"rollover":{"max":-1}`:                      "max -1 is negative",
		`"every":{"count":1,"unit":"day"},"rollover":{"expires":{"count":1}}`:         "invalid rollover.expires.unit: is missing",
		`"every":{"count":1,"unit":"day"},"expires":{"count":1001,"unit":"day"}`:      "invalid expires.count: 1001 is not an integer from 1 to 1000",
		`"every":{"count":1,"unit":"day"},"rollover":{"expires":"soon"}`:              "invalid rollover.expires: ",
		`"every":{"count":1,"unit":"fortnight"},"rollover":{"percent":"a","max":"b"}`: "invalid every.unit: ",
	} {
		line := `{"op":"schedule","customer_id":"c","schedule_id":"p","amount":1,` + given + "}\n"
		out := new(strings.Builder)
		ledger := creditledger.New(memory.New(), nil)
		if _, err := opsfile.Run(t.Context(), ledger, strings.NewReader(line), out, nil); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s: %s, not %s", given, out, want)
		}
		if err := ledger.Close(); err != nil {
			t.Error(err)
		}
	}
}
