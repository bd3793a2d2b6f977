package opsfile

import (
	"bytes"
	"encoding/json"
	"io"

	"creditledger"
)

// objectWriter writes JSON objects piece by piece. An answer may list a hundred thousand
// entries, each with a description and metadata, and their text need not be in memory at
// once.
type objectWriter struct {
	out     io.Writer
	buf     bytes.Buffer
	encoder *json.Encoder
	first   bool // no member of the object that is open was written yet
	err     error
}

func newObjectWriter(out io.Writer) *objectWriter {
	o := &objectWriter{out: out}
	o.encoder = json.NewEncoder(&o.buf)
	o.encoder.SetEscapeHTML(false)
	return o
}

func (o *objectWriter) raw(s string) {
	if o.err == nil {
		_, o.err = io.WriteString(o.out, s)
	}
}

// value writes v without the line break that the encoder puts behind it.
func (o *objectWriter) value(v any) {
	if o.err != nil {
		return
	}
	o.buf.Reset()
	if o.err = o.encoder.Encode(v); o.err == nil {
		_, o.err = o.out.Write(bytes.TrimSuffix(o.buf.Bytes(), []byte("\n")))
	}
}

func (o *objectWriter) open() {
	o.raw("{")
	o.first = true
}

func (o *objectWriter) close() {
	o.raw("}")
	o.first = false
}

// name begins a member.
func (o *objectWriter) name(name string) {
	if !o.first {
		o.raw(",")
	}
	o.first = false
	o.raw(`"` + name + `":`)
}

func (o *objectWriter) member(name string, v any) {
	o.name(name)
	o.value(v)
}

// members writes a list as a member, one element after the other.
func members[T any](o *objectWriter, name string, list []T, element func(*T)) {
	o.name(name)
	o.raw("[")
	for i := range list {
		if i > 0 {
			o.raw(",")
		}
		element(&list[i])
	}
	o.raw("]")
}

func (o *objectWriter) header(h header) {
	o.open()
	if h.Line != 0 {
		o.member("line", h.Line)
	}
	o.member("op", h.Op)
}

// members writes the members of an object.
func (o *objectWriter) members(object any) {
	if o.err != nil {
		return
	}
	o.buf.Reset()
	if o.err = o.encoder.Encode(object); o.err == nil {
		o.raw("," + string(bytes.TrimSuffix(o.buf.Bytes()[len("{"):], []byte("}\n"))))
	}
}

func (o *objectWriter) entries(list []creditledger.Entry) {
	members(o, "entries", list, func(e *creditledger.Entry) { o.value(e) })
}

// result writes the members of a result: of a writing operation, of a preview, or of an
// operation in a batch.
func (o *objectWriter) result(r *creditledger.Result, replayed bool) {
	if replayed {
		o.member("replayed", true)
	}
	if r.Results != nil {
		members(o, "results", r.Results, func(part *creditledger.Result) {
			o.open()
			o.result(part, replayed)
			o.close()
		})
		o.told(r)
		return
	}
	if r.Hold != nil {
		o.member("hold", r.Hold)
	}
	if r.Schedule != nil {
		o.member("schedule", r.Schedule)
	}
	o.entries(r.Entries)
	if !r.Overage.IsZero() {
		o.member("overage", r.Overage)
	}
	if !r.Consumed.IsZero() {
		o.member("consumed", r.Consumed)
	}
	if !r.Reversed.IsZero() { // a reversal always takes something back
		o.member("reversed", r.Reversed)
		o.member("lapsed", r.Lapsed)
		o.member("lost", r.Lost)
	}
	if r.Late {
		o.member("late", true)
	}
	o.told(r)
}

// told writes what the ledger chose for the operation, such as its key.
func (o *objectWriter) told(r *creditledger.Result) {
	if r.NewBlockID != "" {
		o.member("new_block_id", r.NewBlockID)
	}
	if r.Key != "" {
		o.member("idempotency_key", r.Key)
	}
	if !r.At.IsZero() {
		o.member("at", r.At)
	}
}

// stream writes an answer of the ledger, long lists piece by piece. It returns false for
// any other answer.
func (o *objectWriter) stream(h header, result any) bool {
	switch result := result.(type) {
	case *creditledger.Result:
		o.header(h)
		o.result(result, result.Replayed)
	case []creditledger.Block:
		o.header(h)
		members(o, "blocks", result, func(b *creditledger.Block) { o.value(b) })
	case []creditledger.HoldInfo:
		o.header(h)
		members(o, "holds", result, func(h *creditledger.HoldInfo) { o.value(h) })
	case []creditledger.ScheduleInfo:
		o.header(h)
		members(o, "schedules", result, func(s *creditledger.ScheduleInfo) { o.value(s) })
	case creditledger.EntryPage:
		o.header(h)
		o.entries(result.Entries)
		o.member("next_cursor", result.Next)
	case AccountPage:
		o.header(h)
		members(o, "accounts", result.Accounts, func(id *creditledger.AccountID) { o.value(id) })
		if result.Next == (creditledger.AccountID{}) {
			o.member("next", nil)
		} else {
			o.member("next", result.Next)
		}
	case CustomerPage:
		o.header(h)
		members(o, "customers", result.Customers, func(c *creditledger.Customer) { o.value(c) })
		o.member("next", optional(result.Next))
	case creditledger.Explanation:
		o.header(h)
		members(o, "blocks", result.Blocks, func(b *creditledger.ExplainedBlock) { o.value(b) })
		o.member("overage", result.Overage)
	case creditledger.Balance, creditledger.Settings, Swept, Erased, creditledger.Verification:
		o.header(h)
		o.members(result)
	default:
		return false
	}
	o.close()
	o.raw("\n")
	return true
}
