package invoice

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/rivo/uniseg"
)

// WriteText writes an invoice as an aligned document for a terminal, in the seller's
// locale.
func (s *Service) WriteText(w io.Writer, inv *Invoice) error {
	sh := inv.sheet(s.options.Locale)
	if inv.Status == Draft {
		sh.Status = "" // its title says so
	}
	return sh.writeText(w)
}

// writeText writes a document for a terminal.
func (sh *sheet) writeText(w io.Writer) error {
	var b strings.Builder
	b.WriteString(printable(sh.Title))
	if sh.Status != "" {
		b.WriteString(", " + sh.Status)
	}
	b.WriteString("\n")
	writeWrapped(&b, "", sh.Says)
	b.WriteByte('\n')
	sh.writeFacts(&b)
	b.WriteByte('\n')
	if len(sh.Rows) > 0 {
		sh.writeLines(&b)
		b.WriteByte('\n')
	}
	var sums [][]string
	for _, list := range [][][2]string{sh.Sums, {sh.Due}} {
		for _, f := range list {
			sums = append(sums, []string{f[0], f[1]})
		}
	}
	align(&b, sums, 1)
	for _, part := range []struct {
		name string
		list [][2]string
	}{{"Payments", sh.Payments}, {"Credit notes", sh.Notes}} {
		if len(part.list) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n%s\n", part.name)
		var rows [][]string
		for _, f := range part.list {
			rows = append(rows, []string{f[0], f[1]})
		}
		align(&b, rows, 1)
	}
	if sh.Memo != "" {
		fmt.Fprintf(&b, "\n%s\n", printable(sh.Memo))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// writeFacts writes who sells and buys, and what else is known of the document.
func (s *sheet) writeFacts(b *strings.Builder) {
	for _, p := range s.Parties {
		name := p.Name
		for _, text := range p.Lines {
			fmt.Fprintf(b, "  %-10s %s\n", name, printable(text))
			name = ""
		}
	}
	for _, f := range s.Facts {
		fmt.Fprintf(b, "  %-10s %s\n", f[0], printable(f[1]))
	}
}

// screen is how many columns a terminal has.
const screen = 80

// writeLines writes the lines, each with its description and notes below it. What does
// not fit the screen goes there too.
func (s *sheet) writeLines(b *strings.Builder) {
	columns, moved := slices.Clone(s.Columns), []column(nil)
	for {
		table := s.table(columns)
		var text strings.Builder
		widest := align(&text, table, 1)
		at := movable(columns)
		if widest > screen && at >= 0 {
			moved = append(moved, columns[at])
			columns = slices.Delete(columns, at, at+1)
			continue
		}
		rows := strings.SplitAfter(text.String(), "\n")
		b.WriteString(rows[0])
		for i := range s.Rows {
			b.WriteString(rows[1+i])
			s.Rows[i].writeBelow(b, moved)
		}
		return
	}
}

// movable is the column that goes below first, or -1 when none may.
func movable(columns []column) int {
	at := -1
	for i, c := range columns {
		if c.move > 0 && (at < 0 || c.move < columns[at].move) {
			at = i
		}
	}
	return at
}

func (s *sheet) table(columns []column) [][]string {
	table := make([][]string, 1, 1+len(s.Rows))
	for _, c := range columns {
		table[0] = append(table[0], strings.ToUpper(c.Name))
	}
	for i := range s.Rows {
		var cells []string
		for _, c := range columns {
			cells = append(cells, c.Cell(s.Rows[i]))
		}
		table = append(table, cells)
	}
	return table
}

// writeBelow writes what stands under a line.
func (r *row) writeBelow(b *strings.Builder, moved []column) {
	var notes []string
	if r.Detail != "" {
		notes = append(notes, r.Detail)
	}
	for _, c := range moved {
		notes = append(notes, strings.ToLower(c.Name)+" "+c.Cell(r))
	}
	for _, note := range append(notes, r.Notes...) {
		writeWrapped(b, "    ", note)
	}
}

// writeWrapped writes a text in lines that fit the screen, behind an indent.
func writeWrapped(b *strings.Builder, indent, text string) {
	line, begun := indent, false
	for _, word := range strings.Fields(printable(text)) {
		if begun && uniseg.StringWidth(line)+1+uniseg.StringWidth(word) > screen {
			b.WriteString(line + "\n")
			line, begun = indent+"  ", false
		}
		if begun {
			line += " "
		}
		line, begun = line+word, true
	}
	b.WriteString(line + "\n")
}

// align writes rows in columns, the first ones to the left, the others to the right, and
// returns how wide they are.
func align(b *strings.Builder, rows [][]string, left int) (width int) {
	var widths []int
	for _, r := range rows {
		for i := range r {
			r[i] = printable(r[i])
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], uniseg.StringWidth(r[i]))
		}
	}
	for _, r := range rows {
		b.WriteString("  ")
		for i, cell := range r {
			space := strings.Repeat(" ", widths[i]-uniseg.StringWidth(cell))
			switch {
			case i < left:
				b.WriteString(cell + space)
			default:
				b.WriteString("  " + space + cell)
			}
		}
		b.WriteByte('\n')
	}
	for _, w := range widths {
		width += 2 + w
	}
	return width
}

// printable makes line breaks and tabs spaces.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\r' || r == '\t' {
			return ' '
		}
		return r
	}, s)
}
