package postgres

import (
	"strconv"

	"creditledger"
)

// linesOf writes the entries of a record for the view entry_report:
// "entry,type,instant,block,amount,starting,ending;…". It is empty when the bytes are
// no record of this release: the view is a convenience, the bytes are the truth.
func linesOf(record []byte) string {
	r, err := creditledger.DecodeRecord(record)
	if err != nil {
		return ""
	}
	var text []byte
	entry := r.FirstEntry
	for i := range r.Effects {
		for j := range r.Effects[i].Lines {
			text = appendLine(text, entry, &r.Effects[i].Lines[j])
			entry++
		}
	}
	return string(text)
}

func appendLine(dst []byte, entry uint64, l *creditledger.Line) []byte {
	if len(dst) > 0 {
		dst = append(dst, ';')
	}
	dst = strconv.AppendUint(dst, entry, 10)
	dst = strconv.AppendUint(append(dst, ','), uint64(l.Type), 10)
	dst = strconv.AppendInt(append(dst, ','), int64(l.At), 10)
	dst = strconv.AppendUint(append(dst, ','), l.Block, 10)
	for _, a := range []creditledger.Amount{l.Amount, l.Starting, l.Ending} {
		dst = append(append(dst, ','), a.String()...)
	}
	return dst
}
