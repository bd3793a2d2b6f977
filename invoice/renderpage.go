package invoice

import (
	"html/template"
	"io"
)

// WriteHTML writes an invoice as one page that needs nothing else, ready to be
// printed. Everything that came from outside is escaped.
func (s *Service) WriteHTML(w io.Writer, inv *Invoice) error {
	return page.Execute(w, inv.sheet(s.options.Locale))
}

var page = template.Must(template.New("invoice").Parse(`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{.Title}}</title>
<style>
@page { margin: 18mm 16mm; @bottom-right { content: "{{.Title}}, page " counter(page) " of " counter(pages); font: 8pt system-ui, sans-serif; color: #57606a; } }
body { font: 15px/1.5 system-ui, sans-serif; color: #1b1f24; max-width: 56rem; margin: 3rem auto; padding: 0 1.5rem; }
header { display: flex; align-items: center; justify-content: space-between; gap: 1rem; border-bottom: 2px solid #1b1f24; padding-bottom: .75rem; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0; overflow-wrap: anywhere; }
.status { border: 1px solid #57606a; border-radius: 1rem; padding: 0 .75rem; margin: 0; font-size: .85rem; }
.says { font-size: 1.1rem; margin: 1rem 0 0; overflow-wrap: anywhere; }
.parties { display: flex; flex-wrap: wrap; gap: 1rem 3rem; margin: 1.25rem 0 0; }
.parties p { margin: 0; overflow-wrap: anywhere; min-width: 14rem; } .parties b { display: block; color: #57606a; font-weight: 400; } .parties span { display: block; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1.5rem; margin: 1.25rem 0 2rem; }
dt { color: #57606a; } dd { margin: 0; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th { text-align: right; font-weight: 600; font-size: .85rem; border-bottom: 1px solid #1b1f24; padding: .35rem .5rem; }
td { text-align: right; border-bottom: 1px solid #d0d7de; padding: .5rem; white-space: nowrap; vertical-align: top; }
th:first-child, td:first-child { text-align: left; white-space: normal; overflow-wrap: anywhere; min-width: 9rem; padding-left: 0; }
th:last-child, td:last-child { padding-right: 0; }
td small { display: block; color: #57606a; line-height: 1.4; }
.sums { width: auto; margin: 1.25rem 0 0 auto; break-inside: avoid; }
.sums td { border: 0; padding: .15rem 0; } .sums td + td { padding-left: 3rem; }
.sums .due td { font-weight: 700; font-size: 1.1rem; border-top: 2px solid #1b1f24; padding-top: .4rem; }
h2 { font-size: 1.05rem; margin: 2rem 0 .25rem; break-after: avoid; } .memo { margin-top: 2rem; white-space: pre-line; overflow-wrap: anywhere; }
/* On a phone every line is a list of two columns: a table would lie outside the screen. */
@media screen and (max-width: 56rem) {
  body { margin: 1.5rem auto; padding: 0 1rem; } h1 { font-size: 1.3rem; }
  .lines thead { display: none; }
  .lines, .lines tbody, .lines td { display: block; }
  .lines tr { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); column-gap: 1.5rem; border-bottom: 1px solid #d0d7de; padding: .6rem 0; }
  .lines tr:first-child { border-top: 1px solid #1b1f24; }
  .lines td { border: 0; padding: .1rem 0; display: flex; flex-wrap: wrap; justify-content: space-between; column-gap: 1rem; white-space: normal; overflow-wrap: anywhere; }
  .lines td:first-child { display: block; grid-column: 1 / -1; font-weight: 600; }
  .lines td:first-child small { font-weight: 400; }
  .lines td::before { content: attr(data-name); color: #57606a; }
  .lines td:first-child::before { content: none; }
  .sums { width: 100%; }
}
@media print { html { font-size: 12px; } body { font-size: 9.5pt; line-height: 1.4; margin: 0; padding: 0; max-width: none; } tr { break-inside: avoid; } }
</style>
</head>
<body>
<header>
<h1>{{.Title}}</h1>
<p class="status">{{.Status}}</p>
</header>
<p class="says">{{.Says}}</p>
{{- if .Parties}}
<div class="parties">{{range .Parties}}
<p><b>{{.Name}}</b>{{range .Lines}}<span>{{.}}</span>{{end}}</p>{{end}}
</div>{{end}}
<dl>{{range .Facts}}
<dt>{{index . 0}}</dt><dd>{{index . 1}}</dd>{{end}}
</dl>
{{$s := .}}<table class="lines">
<thead><tr>{{range .Columns}}<th scope="col">{{.Name}}</th>{{end}}</tr></thead>
<tbody>{{range $row := .Rows}}
<tr>{{range $i, $c := $s.Columns}}{{if $i}}<td data-name="{{.Name}}">{{call .Cell $row}}</td>
{{- else}}<td>{{$row.Item}}{{if $row.Detail}}<small>{{$row.Detail}}</small>{{end}}{{range $row.Notes}}<small>{{.}}</small>{{end}}</td>{{end}}{{end}}</tr>{{end}}
</tbody>
</table>
<table class="sums">
<tbody>{{range .Sums}}
<tr><td>{{index . 0}}</td><td>{{index . 1}}</td></tr>{{end}}
<tr class="due"><td>{{index .Due 0}}</td><td>{{index .Due 1}}</td></tr>
</tbody>
</table>
{{- if .Payments}}
<h2>Payments</h2>
<table><tbody>{{range .Payments}}
<tr><td>{{index . 0}}</td><td>{{index . 1}}</td></tr>{{end}}
</tbody></table>{{end}}
{{- if .Notes}}
<h2>Credit notes</h2>
<table><tbody>{{range .Notes}}
<tr><td>{{index . 0}}</td><td>{{index . 1}}</td></tr>{{end}}
</tbody></table>{{end}}
{{- if .Memo}}
<p class="memo">{{.Memo}}</p>{{end}}
</body>
</html>
`))
