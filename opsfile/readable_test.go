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
// and currency of the account, the id of an entry, a status of committed.
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

// phrase says what an entry or a block is in a few words and takes those keys away.
func (o *object) phrase() []string {
	switch {
	case o.values["entry_type"] != nil:
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
		line := fmt.Sprintf("block %s holds %s of %s", o.take("id"), o.take("balance"), o.take("maximum_initial_balance"))
		if expiry := o.take("expiry_date"); expiry != "null" {
			line += " until " + expiry
		}
		if cost := o.take("per_unit_cost_basis"); cost != "null" {
			line += " at " + cost
		}
		for key, usual := range map[string]string{"priority": "0", "status": "active", "source": "manual"} {
			if string(o.values[key]) == usual || plain(o.values[key]) == usual {
				o.take(key)
			}
		}
		return []string{line}
	}
	return nil
}
