package invoice

import (
	"context"
	"errors"

	"golang.org/x/text/language"

	"creditledger"
)

// Settings are what a seller decides once. They are kept with the ledger, so that every
// program that opens it sells alike. The zero value holds the defaults.
type Settings struct {
	// NumberPrefix stands in front of invoice numbers; "INV-". Numbers go on counting under
	// a new prefix.
	NumberPrefix string `json:"number_prefix,omitempty"`
	CreditsItem  string `json:"credits_item,omitempty"` // item of a purchase that names none; "Credits"
	// TaxPercent is the tax on the net of every line; nil: taxes are not known.
	TaxPercent *creditledger.Amount `json:"tax_percent,omitempty"`
	Locale     string               `json:"locale,omitempty"` // BCP 47, of what is shown; "en"
	// PricesIncludeTax says that prices hold the tax, which is taken out of them.
	PricesIncludeTax bool       `json:"prices_include_tax,omitempty"`
	CreditsPay       CreditsPay `json:"credits_pay,omitempty"` // CreditsPayNet
	// Name, Address and TaxID are the seller's on invoices, as they are at the issue.
	Name    string `json:"name,omitempty"`
	Address string `json:"address,omitempty"` // of one line or more
	TaxID   string `json:"tax_id,omitempty"`
}

const (
	maxPrefix  = 40
	maxAddress = 1000
)

func (s *Settings) check() error {
	if s.TaxPercent != nil && s.TaxPercent.Sign() < 0 {
		return invalid("tax_percent", "%s is negative", s.TaxPercent)
	}
	if _, err := s.locale(); err != nil {
		return err
	}
	return firstError(
		checkText("number_prefix", s.NumberPrefix, maxPrefix), checkText("credits_item", s.CreditsItem, creditledger.MaxID), s.CreditsPay.check(),
		checkText("name", s.Name, creditledger.MaxID), checkText("address", s.Address, maxAddress), checkText("tax_id", s.TaxID, creditledger.MaxID),
	)
}

func (s *Settings) locale() (language.Tag, error) {
	if s.Locale == "" {
		return language.English, nil
	}
	tag, err := language.Parse(s.Locale)
	if err != nil {
		return tag, invalid("locale", "%q is not a language tag", clip(s.Locale))
	}
	return tag, nil
}

// SettingsOf returns a seller's settings. An empty name is the default seller.
func SettingsOf(ctx context.Context, l *creditledger.Ledger, seller string) (Settings, error) {
	s, _, err := settingsOf(ctx, l, sellerOr(seller))
	return s, err
}

func settingsOf(ctx context.Context, l *creditledger.Ledger, seller string) (s Settings, rec creditledger.Document, err error) {
	rec, err = l.Document(ctx, creditledger.DocumentID{Kind: kindSettings, Key: seller})
	if isNotFound(err) {
		return s, rec, nil
	}
	if err != nil {
		return s, rec, err
	}
	return s, rec, decode(&rec, &s)
}

// ChangeSettings stores what change makes of a seller's settings. It calls change again
// if somebody else changed them meanwhile.
func ChangeSettings(ctx context.Context, l *creditledger.Ledger, seller string, change func(*Settings)) (Settings, error) {
	seller = sellerOr(seller)
	if err := checkID("seller", seller); err != nil {
		return Settings{}, err
	}
	for attempt := 1; ; attempt++ {
		s, was, err := settingsOf(ctx, l, seller)
		if err != nil {
			return s, err
		}
		change(&s)
		if err := s.check(); err != nil {
			return s, err
		}
		data, err := encode(s)
		if err != nil {
			return s, err
		}
		err = l.PutDocuments(ctx, []creditledger.DocumentPut{{
			DocumentID: creditledger.DocumentID{Kind: kindSettings, Key: seller}, Expect: was.Version, Prev: was.Seal(), Value: data,
		}})
		if err == nil || attempt == maxAttempts || !errors.Is(err, creditledger.ErrConflict) {
			return s, err
		}
	}
}

// Open returns a service that goes by the settings that a seller has now. An empty name is
// the default seller. The ledger stays the caller's.
func Open(ctx context.Context, l *creditledger.Ledger, seller string) (*Service, error) {
	s, err := SettingsOf(ctx, l, seller)
	if err != nil {
		return nil, err
	}
	locale, err := s.locale()
	if err != nil {
		return nil, err
	}
	opts := &Options{
		Seller: seller, NumberPrefix: s.NumberPrefix, CreditsItem: s.CreditsItem, Locale: locale, TaxPercent: s.TaxPercent,
		PricesIncludeTax: s.PricesIncludeTax, CreditsPay: s.CreditsPay, Name: s.Name, Address: s.Address, TaxID: s.TaxID,
	}
	return New(l, opts), nil
}

func sellerOr(name string) string {
	if name == "" {
		return "default"
	}
	return name
}
