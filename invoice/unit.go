package invoice

import (
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/text/currency"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
	"golang.org/x/text/number"

	"creditledger"
)

// isoDigits has the minor units of ISO 4217 where the tables of x/text differ, because
// they follow what is used in shops, or do not know the currency yet.
var isoDigits = map[string]int{
	"AFN": 2, "ALL": 2, "AMD": 2, "COP": 2, "CRC": 2, "GYD": 2, "HUF": 2, "IDR": 2, "IQD": 3, "IRR": 2,
	"KPW": 2, "LAK": 2, "LBP": 2, "MGA": 2, "MMK": 2, "MNT": 2, "MRU": 2, "MUR": 2, "PKR": 2, "RSD": 2, "SLE": 2,
	"SOS": 2, "STN": 2, "SYP": 2, "TMT": 2, "TWD": 2, "TZS": 2, "UYW": 4, "UZS": 2, "VED": 2, "VES": 2, "XAD": 2,
	"XCG": 2, "YER": 2, "ZMW": 2, "ZWG": 2,
}

// withdrawn are codes that invoices used until ISO 4217 withdrew them. All have two
// digits. What was recorded stays readable, and what is owed can be settled.
const withdrawn = " ANG BGN CUC HRK "

// digitsOf returns how many digits the minor unit of a currency has.
func digitsOf(code string) (int, error) {
	if len(code) == 3 && strings.Contains(withdrawn, " "+code+" ") {
		return 2, nil
	}
	if !creditledger.IsISOCurrency(code) {
		return 0, invalid("currency", "%q is not a currency of ISO 4217", clip(code))
	}
	if !creditledger.IsInvoicingCurrency(code) {
		return 0, invalid("currency", "%s has no minor unit and cannot be invoiced", code)
	}
	if n, ok := isoDigits[code]; ok {
		return n, nil
	}
	unit, err := currency.ParseISO(code)
	if err != nil {
		return 0, invalid("currency", "the minor unit of %s is not known", code)
	}
	n, _ := currency.Standard.Rounding(unit)
	return n, nil
}

// symbolOf returns the sign of a currency as readers of a language know it, its code
// when there is none.
func symbolOf(code string, tag language.Tag) string {
	unit, err := currency.ParseISO(code)
	if err != nil {
		return code
	}
	return message.NewPrinter(tag).Sprint(currency.Symbol(unit))
}

// symbolAfter are the languages that write the sign behind the number.
var symbolAfter = map[string]bool{
	"bg": true, "ca": true, "cs": true, "da": true, "de": true, "el": true, "es": true, "et": true, "fi": true,
	"fr": true, "hr": true, "hu": true, "is": true, "it": true, "lt": true, "lv": true, "nb": true, "nn": true,
	"no": true, "pl": true, "ro": true, "ru": true, "sk": true, "sl": true, "sr": true, "sv": true, "uk": true, "vi": true,
}

const noBreakSpace = "\u00a0"

// formatPlain writes a plain decimal text (sign, digits, point) with the separators
// of a language, and the sign of the currency where that language puts it.
func formatPlain(plain, code string, tag language.Tag) string {
	negative := strings.HasPrefix(plain, "-")
	text := formatNumber(strings.TrimPrefix(plain, "-"), tag)
	symbol := symbolOf(code, tag)
	base, _ := tag.Base()
	switch {
	case symbolAfter[base.String()]:
		text += noBreakSpace + symbol
	case endsInLetter(symbol):
		text = symbol + noBreakSpace + text
	default:
		text = symbol + text
	}
	if negative {
		text = "-" + text
	}
	return text
}

// formatNumber writes a plain decimal text with the separators of a language.
func formatNumber(plain string, tag language.Tag) string {
	p := message.NewPrinter(tag)
	sign := ""
	if rest, signed := strings.CutPrefix(plain, "-"); signed {
		sign, plain = "-", rest
	}
	whole, fraction, _ := strings.Cut(plain, ".")
	text := sign + groupDigits(p, whole)
	if fraction != "" {
		text += pointOf(p) + localDigits(p, fraction)
	}
	return text
}

// groupDigits sets the digits of a whole number in groups. The printer is asked for a
// number of the same length only: it takes no number beyond 64 bits.
func groupDigits(p *message.Printer, whole string) string {
	if len(whole) > 18 {
		return localDigits(p, whole)
	}
	var n int64
	if _, err := fmt.Sscan(whole, &n); err != nil {
		return whole
	}
	return p.Sprint(number.Decimal(n))
}

func localDigits(p *message.Printer, digits string) string {
	var b strings.Builder
	for _, d := range digits {
		b.WriteString(p.Sprint(number.Decimal(int64(d - '0'))))
	}
	return b.String()
}

// pointOf returns what a language puts between the whole part and the fraction.
func pointOf(p *message.Printer) string {
	return strings.Join(strings.FieldsFunc(p.Sprint(number.Decimal(1.5)), unicode.IsDigit), "")
}

func endsInLetter(s string) bool {
	last := rune(0)
	for _, r := range s {
		last = r
	}
	return unicode.IsLetter(last)
}
