package invoice

import (
	"encoding/json"
	"reflect"
	"testing"

	"creditledger"
)

// TestInputsSurviveJSON: what encoding/json writes of what a caller gives it reads back
// as the same, dates included, and what is stored of it has the same words.
func TestInputsSurviveJSON(t *testing.T) {
	day := creditledger.On(creditledger.DateOf(2041, 1, 1))
	money, err := ParseMoney("1.50", "USD")
	if err != nil {
		t.Fatal(err)
	}
	terms := Terms{
		AutoCollection: Yes(), NetTerms: Days(0), CustomDueDate: day, InvoiceDate: creditledger.AtInstant(1),
		InvoiceID: "i", Memo: "m", Metadata: map[string]string{"k": "v"},
	}
	survives(t, terms)
	survives(t, Terms{})
	survives(t, DraftInput{Customer: "c", Terms: terms})
	survives(t, Usage{Rate: creditledger.MustCostBasis("0.20"), Start: day, End: creditledger.AtInstant(7), Terms: terms})
	survives(t, Purchase{
		Increment: creditledger.Increment{Amount: creditledger.AmountOf(1), ExpiresAt: day, Source: creditledger.SourceTopUp, CostBasis: creditledger.MustCostBasis("0.20")},
		Terms:     terms, PreviouslyCollected: money,
	})
	var back Terms
	stored, err := json.Marshal(terms.key())
	if err == nil {
		err = json.Unmarshal(stored, &back)
	}
	if err != nil || !reflect.DeepEqual(back, terms) {
		t.Errorf("stored as %s, read as %+v, %v", stored, back, err)
	}
}

func survives[T any](t *testing.T, v T) {
	t.Helper()
	data, err := json.Marshal(v)
	var back T
	if err == nil {
		err = json.Unmarshal(data, &back)
	}
	if err != nil || !reflect.DeepEqual(back, v) {
		t.Errorf("%+v\nis written as %s\nand read as %+v, %v", v, data, back, err)
	}
}
