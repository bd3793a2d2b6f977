package opsfile

import (
	"creditledger/invoice"
)

// draftEdit reads what changes of a draft.
func (f *fields) draftEdit() invoice.DraftEdit {
	var e invoice.DraftEdit
	f.each("lines", func(in *fields) { e.Lines = append(e.Lines, in.line()) })
	e.RemoveLines = f.texts("remove_lines")
	if _, given := f.take("adjustments", kindArray); given {
		e.Adjustments = append([]invoice.Adjustment{}, f.adjustments()...)
	}
	in := f.object("invoice_settings")
	if in == nil {
		return e
	}
	e.AutoCollection, e.NetTerms = in.truth("auto_collection"), in.days("net_terms")
	e.CustomDueDate, e.InvoiceDate = in.when("custom_due_date"), in.when("invoice_date")
	e.Memo, e.Metadata = in.optionalText("memo"), in.metadataUpdate("metadata")
	f.adopt(in)
	return e
}

// truth returns true or false, nil when it is absent.
func (f *fields) truth(key string) *bool {
	v, ok := f.take(key, kindBool)
	if !ok {
		return nil
	}
	return &v.truth
}
