package creditledger

import (
	"encoding/json"
	"reflect"
	"testing"
)

// TestTransfersInJSON: a transfer has the keys of a line of an operations file, and is
// read back as it was.
func TestTransfersInJSON(t *testing.T) {
	from, to := AccountID{"ann", "credits"}, AccountID{"bob", "credits"}
	for _, c := range []struct {
		transfer Transfer
		json     string
	}{
		{Transfer{From: from, To: to, Amount: AmountOf(7), Description: "gift", Metadata: map[string]string{"k": "v"}},
			`{"from":{"customer_id":"ann","currency":"credits"},"to":{"customer_id":"bob","currency":"credits"},"amount":"7","description":"gift","metadata":{"k":"v"}}`},
		{Transfer{From: from, To: to, BlockID: "b"},
			`{"from":{"customer_id":"ann","currency":"credits"},"to":{"customer_id":"bob","currency":"credits"},"block_id":"b"}`},
	} {
		data, err := json.Marshal(c.transfer)
		if err != nil || string(data) != c.json {
			t.Errorf("%s, %v\nwant %s", data, err, c.json)
		}
		var back Transfer
		if err := json.Unmarshal(data, &back); err != nil || !reflect.DeepEqual(back, c.transfer) {
			t.Errorf("read back as %+v, %v", back, err)
		}
	}
}
