// Package iso4217 knows the currencies of ISO 4217.
package iso4217

import "strings"

// active are the active codes of list one, as of amendment 180 (in force since
// 2026-01-01), in order.
const active = " AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN BZD " +
	"CAD CDF CHE CHF CHW CLF CLP CNY COP COU CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD " +
	"HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD " +
	"MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF " +
	"SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD USN UYI UYU UYW UZS VED VES VND VUV WST " +
	"XAD XAF XAG XAU XBA XBB XBC XBD XCD XCG XDR XOF XPD XPF XPT XSU XTS XUA XXX YER ZAR ZMW ZWG "

// IsActive reports whether a text is an active code. Case counts.
func IsActive(code string) bool {
	return len(code) == 3 && !strings.Contains(code, " ") && strings.Contains(active, " "+code+" ")
}

// noMinorUnit are active codes without a minor unit: metals, funds and tests.
const noMinorUnit = " XAG XAU XBA XBB XBC XBD XDR XPD XPT XSU XTS XUA XXX "

// HasMinorUnit reports whether an active code has a minor unit, which money needs.
func HasMinorUnit(code string) bool { return !strings.Contains(noMinorUnit, " "+code+" ") }
