package opsfile_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// readable sets the answers under the lines they belong to, in words short enough to
// check by hand. It leaves out what is as everywhere: null, {} and [], the customer
// and currency of the account, the id of an entry, a status of committed, that
// nothing is held or has lapsed, and what the exact answers hold besides.
func readable(t *testing.T, input, answers []byte) []byte {
	t.Helper()
	given := strings.Split(strings.TrimSuffix(string(answers), "\n"), "\n")
	var out bytes.Buffer
	for i, line := range strings.Split(strings.TrimSuffix(string(input), "\n"), "\n") {
		fmt.Fprintln(&out, strings.ToValidUTF8(strings.TrimRight(line, " \t\r"), "\\xff"))
		if strings.HasPrefix(line, "#") || strings.Trim(line, " \t\r") == "" {
			continue
		}
		if len(given) == 0 {
			t.Fatalf("line %d has no answer", i+1)
		}
		var answer object
		if err := json.Unmarshal(shortMoney(t, given[0]), &answer); err != nil {
			t.Fatal(err)
		}
		if n := answer.take("line"); n != fmt.Sprint(i+1) {
			t.Fatalf("line %d is answered by %s", i+1, given[0])
		}
		given = given[1:]
		answer.take("op")
		answer.write(&out, "    ")
	}
	if len(given) > 0 {
		t.Fatalf("more answers than lines: %s", given[0])
	}
	return out.Bytes()
}

var moneyObject = regexp.MustCompile(`{"amount":(-?\d+),"amount_formatted":"([^"]+)","currency":"([A-Z]{3})","currency_symbol":"([^"]+)","text":"([^"]+)"}`)

// shortMoney leaves the text of money, after a look at the rest. Scenarios have money
// of two digits behind the point and below a thousand.
func shortMoney(t *testing.T, answer string) []byte {
	return moneyObject.ReplaceAllFunc([]byte(answer), func(found []byte) []byte {
		part := moneyObject.FindSubmatch(found)
		decimal, _, _ := strings.Cut(string(part[5]), " ")
		minor, err := strconv.ParseInt(strings.Replace(decimal, ".", "", 1), 10, 64)
		// The sign of the currency stands in front or behind, and the point may be a comma.
		formatted := strings.TrimSuffix(strings.Replace(string(part[2]), string(part[4]), "", 1), "\u00a0")
		formatted = strings.Replace(formatted, ",", ".", 1)
		if err != nil || fmt.Sprint(minor) != string(part[1]) || formatted != decimal || string(part[5]) != decimal+" "+string(part[3]) {
			t.Errorf("money does not agree with itself: %s", found)
		}
		return []byte(`"` + string(part[5]) + `"`)
	})
}

// object is a JSON object that keeps the order of its keys.
type object struct {
	keys   []string
	values map[string]json.RawMessage
}

func (o *object) UnmarshalJSON(data []byte) error {
	if err := json.Unmarshal(data, &o.values); err != nil {
		return err
	}
	tokens := json.NewDecoder(bytes.NewReader(data))
	if _, err := tokens.Token(); err != nil {
		return err
	}
	for tokens.More() {
		key, err := tokens.Token()
		if err != nil {
			return err
		}
		o.keys = append(o.keys, key.(string))
		var skip json.RawMessage
		if err := tokens.Decode(&skip); err != nil {
			return err
		}
	}
	return nil
}

// take removes a key and returns its value as plain text.
func (o *object) take(key string) string {
	raw, ok := o.values[key]
	if !ok {
		return ""
	}
	delete(o.values, key)
	return plain(raw)
}

func plain(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil && !bytes.Equal(raw, []byte("null")) && !strings.Contains(s, "\n") {
		return s
	}
	return string(raw)
}

// write puts single values on a line and every element of a list on its own.
func (o *object) write(out *bytes.Buffer, indent string) {
	var lists []string
	line := o.phrase()
	for _, key := range o.keys {
		raw, ok := o.values[key]
		switch {
		case !ok || bytes.Equal(raw, []byte("null")) || bytes.Equal(raw, []byte("{}")):
		case bytes.Equal(raw, []byte("[]")):
			if strings.TrimSpace(indent) == "" && len(indent) == 4 {
				line = append(line, "no "+key)
			}
		case key == "hold" || key == "schedule":
			var inner object
			if err := json.Unmarshal(raw, &inner); err != nil {
				panic(err)
			}
			line = append(line, inner.words()...)
		case raw[0] == '[' && bytes.HasPrefix(raw, []byte("[{")) && key != "filters":
			lists = append(lists, key)
		default:
			line = append(line, key+" "+plain(raw))
		}
	}
	if len(line) > 0 {
		fmt.Fprintln(out, indent+strings.Join(line, ", "))
	} else if len(lists) == 0 {
		fmt.Fprintln(out, indent+"done")
	}
	for _, key := range lists {
		var items []object
		if err := json.Unmarshal(o.values[key], &items); err != nil {
			panic(err)
		}
		if key != "entries" {
			fmt.Fprintln(out, indent+key)
		}
		for i := range items {
			items[i].write(out, indent+"  ")
		}
	}
}

// words says what an object without lists in it is.
func (o *object) words() []string {
	line := o.phrase()
	for _, key := range o.keys {
		if raw, ok := o.values[key]; ok && !bytes.Equal(raw, []byte("null")) {
			line = append(line, key+" "+plain(raw))
		}
	}
	return line
}

// phrase says what an entry, a block, a hold or a schedule is in a few words and takes those keys away.
func (o *object) phrase() []string {
	switch {
	case o.values["at"] != nil: // a result
		o.drop("at", "idempotency_key", "new_block_id")
	case o.values["ok"] != nil:
		o.drop("accounts", "records")
	case o.values["entry_type"] != nil:
		o.drop("idempotency_key", "created_invoices")
		line := fmt.Sprintf("#%s %s %s, %s→%s, %s", o.take("ledger_sequence_number"), o.take("entry_type"), o.take("amount"),
			o.take("starting_balance"), o.take("ending_balance"), o.take("created_at"))
		for _, key := range []string{"id", "customer_id", "currency"} {
			o.take(key)
		}
		if status := o.take("entry_status"); status != "committed" {
			line += ", " + status
		}
		var block object
		if json.Unmarshal(o.values["credit_block"], &block) == nil {
			delete(o.values, "credit_block")
			line += ", block " + block.take("id")
			if expiry := block.take("expiry_date"); expiry != "null" {
				line += " until " + expiry
			}
			if cost := block.take("per_unit_cost_basis"); cost != "null" {
				line += " at " + cost
			}
			if filters := block.take("filters"); filters != "[]" {
				line += " for " + filters
			}
		}
		return []string{line}
	case o.values["maximum_initial_balance"] != nil:
		o.drop("number", "capacity", "activated_at", "invoice_id", "paid", "refill")
		line := fmt.Sprintf("block %s holds %s of %s", o.take("id"), o.take("balance"), o.take("maximum_initial_balance"))
		if expiry := o.take("expiry_date"); expiry != "null" {
			line += " until " + expiry
		}
		if cost := o.take("per_unit_cost_basis"); cost != "null" {
			line += " at " + cost
		}
		o.hide(map[string]string{"priority": "0", "status": "active", "source": "manual", "held": "0", "lapsed": "0"})
		return []string{line}
	case o.values["slices"] != nil:
		return []string{o.hold()}
	case o.values["next_due"] != nil:
		return []string{o.schedule()}
	case o.values["available"] != nil:
		o.hide(map[string]string{"held": "0"})
	}
	return nil
}

// drop takes away keys, whatever they say.
func (o *object) drop(keys ...string) {
	for _, key := range keys {
		o.take(key)
	}
}

// hide takes away keys that have their usual values.
func (o *object) hide(usual map[string]string) {
	for key, value := range usual {
		if plain(o.values[key]) == value {
			o.take(key)
		}
	}
}

// hold says what a hold is, without the parts of it that are 0.
func (o *object) hold() string {
	line := fmt.Sprintf("hold %s %s: %s of %s held", o.take("id"), o.take("state"), o.take("held"), o.take("amount"))
	var slices []struct {
		Block  string `json:"block_id"`
		Amount string
	}
	if err := json.Unmarshal(o.values["slices"], &slices); err != nil {
		panic(err)
	}
	delete(o.values, "slices")
	for i, s := range slices {
		slices[i].Block += " " + s.Amount
	}
	if len(slices) > 0 {
		list := slices[0].Block
		for _, s := range slices[1:] {
			list += ", " + s.Block
		}
		line += " (" + list + ")"
	}
	o.hide(map[string]string{"unbacked": "0", "captured": "0"})
	return line + " from " + o.take("created_at") + " until " + o.take("until")
}

// schedule says what a schedule is.
func (o *object) schedule() string {
	var every struct {
		Count int
		Unit  string
	}
	if err := json.Unmarshal(o.values["every"], &every); err != nil {
		panic(err)
	}
	delete(o.values, "every")
	line := fmt.Sprintf("schedule %s %s: %s every %d %s from %s in %s, %s granted", o.take("id"), o.take("state"), o.take("amount"), every.Count, every.Unit,
		o.take("anchor"), o.take("timezone"), o.take("granted"))
	next := o.take("next_due")
	if next == "null" {
		next = "none"
	}
	return line + ", next " + next
}

// TestReadableHoldsAndSchedules: what is usual is left out, what is not is shown.
func TestReadableHoldsAndSchedules(t *testing.T) {
	const hold = `{"line":%d,"op":"capture","hold":{"id":"h","state":"captured","amount":"200","held":"150","slices":[{"block_id":"A","amount":"30"},{"block_id":"B","amount":"50"}],"unbacked":"70","captured":"0","until":"2026-01-01T00:15:00Z","item_id":"i","price_id":null,"created_at":"2026-01-01T00:00:00Z"},"entries":[],"late":true}`
	const schedule = `{"line":%d,"op":"schedules","schedules":[{"id":"s","amount":"5","anchor":"2026-01-31T00:00:00","every":{"count":1,"unit":"month"},"timezone":"UTC","next_due":null,"granted":2,"state":"ended"}]}`
	const balance = `{"line":%d,"op":"balance","balance":"5","available":"5","as_of":"2026-01-01T00:00:00Z","held":"%d"}`
	input := "{}\n{}\n{}\n{}"
	answers := fmt.Sprintf(hold+"\n"+schedule+"\n"+balance+"\n"+balance, 1, 2, 3, 0, 4, 1)
	const want = `{}
    hold h captured: 150 of 200 held (A 30, B 50) from 2026-01-01T00:00:00Z until 2026-01-01T00:15:00Z, unbacked 70, item_id i, no entries, late true
{}
    schedules
      schedule s ended: 5 every 1 month from 2026-01-31T00:00:00 in UTC, 2 granted, next none
{}
    balance 5, available 5, as_of 2026-01-01T00:00:00Z
{}
    balance 5, available 5, as_of 2026-01-01T00:00:00Z, held 1
`
	same(t, readable(t, []byte(input), []byte(answers)), []byte(want))
}
