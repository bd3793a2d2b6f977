package invoice

import "testing"

// Two requests are the same if their prices are as numbers and all else is as text;
// otherwise the first field that differs is named, wherever it stands.
func TestDiffers(t *testing.T) {
	for _, c := range []struct{ a, b, field string }{
		{`{"a":1}`, `{"a":1}`, ""},
		{`{"unit_price":"3.0"}`, `{"unit_price":"3"}`, ""},
		{`{"conversion_rate":"1"}`, `{"conversion_rate":"1.01"}`, "conversion_rate"},
		{`{"unit_price":null}`, `{"unit_price":"0"}`, "unit_price"},
		{`{"unit_price":"x"}`, `{"unit_price":"y"}`, "unit_price"},
		{`{"item_id":"3.0"}`, `{"item_id":"3"}`, "item_id"},
		{`{"metadata":{"unit_price":"3.0"}}`, `{"metadata":{"unit_price":"3"}}`, "metadata"},
		{`{"increment":{"amount":"1","per_unit_cost_basis":"0.20"}}`, `{"increment":{"amount":"1","per_unit_cost_basis":"0.2"}}`, ""},
		{`{"increment":{"amount":"1"}}`, `{"increment":{"amount":"2"}}`, "amount"},
		{`{"lines":[{"unit_price":"3.0"}]}`, `{"lines":[{"unit_price":"3"}]}`, ""},
		{`{"lines":[{"unit_price":"3.0"}]}`, `{"lines":[{"unit_price":"4"}]}`, "lines"},
		{`{"lines":[1]}`, `{"lines":[1,2]}`, "lines"},
		{`{"lines":[1]}`, `{"lines":null}`, "lines"},
		{`{"a":1,"c":3}`, `{"a":1,"b":2,"c":3}`, "b"},
		{`{"a":1,"b":2,"c":3}`, `{"a":1,"c":3}`, "b"},
		{`{"a":1,"b":2}`, `{"a":1}`, "b"},
		{`{"a":1}`, `{"a":1,"b":2}`, "b"},
		{`{"a":1,"b":2}`, `{"c":1}`, "a"},
		{`{"a":1,"b":2,"c":3}`, `{"c":3,"a":1,"b":2}`, ""},
		{`{"a":1,"b":2,"c":3}`, `{"c":3,"b":4,"a":1}`, "b"},
		{`{"a":1,"b":2}`, `{"b":2,"c":3}`, "a"},
		{`{"b":2,"a":1}`, `{"c":3,"a":1,"b":2}`, "c"},
		{`{"expiry_date":"never"}`, `{"expiry_date":null}`, ""},
		{`{"target_expiry_date":null}`, `{"target_expiry_date":"never"}`, ""},
		{`{"description":"never"}`, `{"description":null}`, "description"},
		{`[1]`, `[2]`, "request"},
		{``, `{}`, "request"},
	} {
		if got := differs([]byte(c.a), []byte(c.b)); got != c.field {
			t.Errorf("%s and %s: %q, want %q", c.a, c.b, got, c.field)
		}
	}
}
