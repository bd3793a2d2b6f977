package invoice

import (
	"bytes"
	"encoding/json"
	"slices"

	"creditledger"
)

// differs names the first field in which two requests of one type differ. It is empty when
// they ask for the same. A field that is itself an object is looked into. The order of fields
// says nothing: earlier releases had another one.
func differs(a, b json.RawMessage) string {
	if bytes.Equal(a, b) {
		return ""
	}
	if !object(a) || !object(b) {
		return "request"
	}
	as, bs := fieldsOf(a), fieldsOf(b)
	for len(as) > 0 && len(bs) > 0 {
		x := as[0]
		at := indexOf(bs, x.name)
		switch {
		case at < 0:
			return x.name
		case indexOf(as, bs[0].name) < 0:
			return bs[0].name
		}
		if name := differing(x.name, x.value, bs[at].value); name != "" {
			return name
		}
		as, bs = as[1:], slices.Delete(bs, at, at+1)
	}
	if rest := append(as, bs...); len(rest) > 0 {
		return rest[0].name
	}
	return ""
}

// differing compares two values of one field: prices as numbers, all else as it is
// written.
func differing(name string, a, b json.RawMessage) string {
	switch {
	case bytes.Equal(a, b) || samePrice(name, a, b) || bothNever(name, a, b):
		return ""
	case name == "metadata": // the caller chose the names in it
		return name
	case object(a) && object(b):
		return differs(a, b)
	case bytes.HasPrefix(a, []byte("[")):
		var as, bs []json.RawMessage
		if json.Unmarshal(a, &as) != nil || json.Unmarshal(b, &bs) != nil || len(as) != len(bs) {
			return name
		}
		for i := range as {
			if differing(name, as[i], bs[i]) != "" {
				return name
			}
		}
		return ""
	}
	return name
}

// samePrice reports whether two texts of a price are one number, because a CostBasis is
// kept as it was written.
func samePrice(name string, a, b json.RawMessage) bool {
	switch name {
	case "per_unit_cost_basis", "unit_price", "conversion_rate":
		var x, y creditledger.CostBasis
		return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && x.IsSet() == y.IsSet() && x.Cmp(y) == 0
	}
	return false
}

// bothNever reports whether two expiry dates are never, one as an operation writes it and the
// other as earlier releases did.
func bothNever(name string, a, b json.RawMessage) bool {
	never := func(v json.RawMessage) bool { return string(v) == `"never"` || string(v) == "null" }
	return (name == "expiry_date" || name == "target_expiry_date") && never(a) && never(b)
}

func object(data json.RawMessage) bool { return bytes.HasPrefix(data, []byte("{")) }

func indexOf(fields []namedValue, name string) int {
	return slices.IndexFunc(fields, func(f namedValue) bool { return f.name == name })
}

type namedValue struct {
	name  string
	value json.RawMessage
}

// fieldsOf lists the fields of an object in their order.
func fieldsOf(data json.RawMessage) []namedValue {
	dec := json.NewDecoder(bytes.NewReader(data))
	var fields []namedValue
	if _, err := dec.Token(); err != nil {
		return nil
	}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return fields
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return fields
		}
		text, _ := name.(string)
		fields = append(fields, namedValue{text, value})
	}
	return fields
}
