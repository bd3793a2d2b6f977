package creditledger

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// The settings are one document. A ledger keeps them in memory, and the first operation
// reads them again once they are settingsAge old. So hardly any operation asks the store
// for them, and a change by another process is noticed within that time. What an
// operation took from the settings stands in its record.

const (
	settingsKind   = "ledger_settings"
	settingsKey    = "ledger"
	settingsFormat = 2
	settingsAge    = 10 * time.Second
	headless       = 1 // the same as settingsFormat, but stored without a head

	maxSettingsRetries = 16
	maxSettingsChanges = 100
)

var settingsID = DocumentID{Kind: settingsKind, Key: settingsKey}

// settingsCache is what a ledger knows of its settings.
type settingsCache struct {
	first Settings // of a ledger that has none
	known atomic.Pointer[knownSettings]
	turn  chan struct{} // whoever holds its token reads or stores them

	taking sync.Mutex // guards along
	along  *flight    // the flight that takes the first settings to the store
}

// knownSettings are settings as they were read. They do not change.
type knownSettings struct {
	Settings
	stored Document    // without a version: there are none
	head   Document    // likewise
	at     time.Time   // when they were read, or stored
	old    atomic.Bool // somebody is reading them again
}

func (c *settingsCache) begin(first Settings) {
	c.first, c.turn = first.withDefaults(), make(chan struct{}, 1)
}

func (c *settingsCache) lock(ctx context.Context) error {
	select {
	case c.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *settingsCache) unlock() { <-c.turn }

// Settings returns the ledger's settings as they are stored. A ledger that was never
// written to has none yet: they are then what Options.Settings say.
func (l *Ledger) Settings(ctx context.Context) (Settings, error) {
	err := l.enter()
	if err != nil {
		return Settings{}, err
	}
	defer l.leave()
	k, err := l.lookUpSettings(ctx, func(*knownSettings) bool { return false })
	if err != nil {
		return Settings{}, fmt.Errorf("settings: %w", err)
	}
	return k.Settings, nil
}

// ChangeSettings has change set fields of the settings as they are stored, stores them, and
// returns them as they are afterwards; a field that is set to zero gets its default. When
// somebody else is faster, change runs again, so it is best without effects of its own.
// Operations that this ledger begins after that go by them, and so do other ledgers on the
// same store within ten seconds. What was done before stays as it was, and a retry of it is
// still a retry.
//
// Errors: an InvalidError for what no ledger can go by; a ConflictError when the settings
// changed under it a hundred times. When ctx ends, its error if nothing was written, else
// an OutcomeUnknownError: the same change again is safe.
func (l *Ledger) ChangeSettings(ctx context.Context, change func(*Settings)) (Settings, error) {
	err := l.enter()
	if err != nil {
		return Settings{}, err
	}
	defer l.leave()
	for attempt := 1; ; attempt++ {
		s, err := l.changeSettings(ctx, change)
		if err == nil {
			return s, nil
		}
		if !errors.Is(err, ErrConflict) || attempt == maxSettingsChanges {
			return Settings{}, fmt.Errorf("settings: %w", err)
		}
	}
}

// changeSettings runs change without the turn, because change may read the settings or
// change them itself. If somebody else stored settings meanwhile, it is in conflict.
func (l *Ledger) changeSettings(ctx context.Context, change func(*Settings)) (s Settings, err error) {
	var k *knownSettings
	err = l.inTurn(ctx, func() (err error) {
		k, err = l.readBehind(ctx)
		return err
	})
	if err != nil {
		return Settings{}, err
	}
	s = k.Settings
	change(&s)
	if s = s.withDefaults(); s == k.Settings && k.areStored() {
		return s, nil
	}
	err = l.inTurn(ctx, func() error {
		_, err := l.storeSettings(ctx, k, s, 0)
		return err
	})
	return s, err
}

// inTurn runs a function on the settings, one at a time.
func (l *Ledger) inTurn(ctx context.Context, do func() error) error {
	if err := l.settings.lock(ctx); err != nil {
		return err
	}
	defer l.settings.unlock()
	return do()
}

// freshSettings returns the settings in memory, or reads them if they are too old. While
// one operation reads them, others use those in memory.
func (l *Ledger) freshSettings(ctx context.Context) (*knownSettings, error) {
	k, fresh := l.settings.atHand()
	if fresh {
		return k, nil
	}
	now, err := l.lookUpSettings(ctx, func(now *knownSettings) bool { return now != nil && now != k })
	k.asOld(err)
	return now, err
}

// atHand returns the settings in memory (nil: none) and whether the caller may use them.
// If not, the caller has to read them.
func (c *settingsCache) atHand() (k *knownSettings, fresh bool) {
	k = c.known.Load()
	if k != nil && !k.areStored() {
		k = c.arrived(k)
	}
	return k, k != nil && (time.Since(k.at) < settingsAge || !k.old.CompareAndSwap(false, true))
}

// asOld notes that k still have to be read again, because of an error.
func (k *knownSettings) asOld(err error) {
	if k != nil && err != nil {
		k.old.Store(false)
	}
}

// heard returns the settings that were just read in the place of k.
func (c *settingsCache) heard(k *knownSettings, head, doc Document) (*knownSettings, error) {
	now, err := c.settingsIn(head, doc)
	k.asOld(err)
	if err != nil || c.known.CompareAndSwap(k, now) {
		return now, err
	}
	if changed := c.known.Load(); changed != nil {
		return changed, nil
	}
	return now, nil
}

// storedSettings is freshSettings for an operation that is going to be written. If the
// ledger has no settings it stores the first ones, so that later operations use the same.
func (l *Ledger) storedSettings(ctx context.Context) (*knownSettings, error) {
	for attempt := 1; ; attempt++ {
		k, err := l.freshSettings(ctx)
		if err != nil || k.areStored() {
			return k, err
		}
		if err = l.beginSettings(ctx); err != nil && (!errors.Is(err, ErrConflict) || attempt == maxSettingsRetries) {
			return nil, fmt.Errorf("the ledger's first settings: %w", err)
		}
	}
}

func (k *knownSettings) areStored() bool { return k.stored.Version > 0 }

// takeAlong queues what was decided. If the ledger has no settings, the operation takes
// the first ones along; only one operation at a time does.
func (l *Ledger) takeAlong(k *knownSettings, d *decision, queue func() *flight) {
	c := &l.settings
	if k.areStored() {
		queue()
		return
	}
	c.taking.Lock()
	defer c.taking.Unlock()
	if c.along.mayArrive() {
		queue()
		return
	}
	d.puts = append(slices.Clip(d.puts), k.puts(&k.Settings, 0)...)
	c.along = queue()
}

// arrived returns the first settings once an operation has brought them to the store.
func (c *settingsCache) arrived(k *knownSettings) *knownSettings {
	c.taking.Lock()
	defer c.taking.Unlock()
	if c.along == nil || !c.along.hasLanded() || c.along.err != nil {
		return k
	}
	stored := k.stores(k.Settings, k.puts(&k.Settings, 0), k.at)
	if !c.known.CompareAndSwap(k, stored) {
		return c.known.Load()
	}
	c.along = nil
	return stored
}

// mayArrive reports whether a flight is on its way, or has arrived.
func (f *flight) mayArrive() bool {
	return f != nil && (!f.hasLanded() || f.err == nil)
}

// lookAgain makes an operation that did not arrive read the settings again. Another
// ledger may have stored its first ones before, and those that the operation took along
// may not have arrived.
func (l *Ledger) lookAgain(ctx context.Context, r *request) error {
	k, err := l.lookUpSettings(ctx, func(now *knownSettings) bool { return now != nil && now != r.settings })
	if err == nil {
		r.settings, r.op = k, shortened(normalise(r.op, &k.Settings, nil), k.MaxHold)
	}
	return err
}

// lookUpSettings reads the settings, unless somebody else has read them meanwhile.
func (l *Ledger) lookUpSettings(ctx context.Context, willDo func(*knownSettings) bool) (*knownSettings, error) {
	c := &l.settings
	if err := c.lock(ctx); err != nil {
		return nil, err
	}
	defer c.unlock()
	if k := c.known.Load(); willDo(k) {
		return k, nil
	}
	return l.readSettings(ctx)
}

// beginSettings stores the first settings of a ledger that has none.
func (l *Ledger) beginSettings(ctx context.Context) error {
	c := &l.settings
	if err := c.lock(ctx); err != nil {
		return err
	}
	defer c.unlock()
	k, err := l.readBehind(ctx)
	if err != nil || k.areStored() {
		return err
	}
	_, err = l.storeSettings(ctx, k, c.first, 0)
	if unknown, ok := errors.AsType[*OutcomeUnknownError](err); ok {
		return unknown.Err // only the outcome of the settings is unknown: of the operation nothing was written
	}
	return err
}

// readBehind is readSettings for a change. It first waits for an operation that takes the
// first settings along.
func (l *Ledger) readBehind(ctx context.Context) (*knownSettings, error) {
	if err := l.awaitFirstSettings(ctx); err != nil {
		return nil, err
	}
	return l.readSettings(ctx)
}

// awaitFirstSettings waits for an operation that takes the first settings along.
func (l *Ledger) awaitFirstSettings(ctx context.Context) error {
	c := &l.settings
	c.taking.Lock()
	along := c.along
	c.taking.Unlock()
	if along == nil {
		return nil
	}
	return l.commit.await(ctx, along)
}

// readSettings reads the settings for whoever has the turn.
func (l *Ledger) readSettings(ctx context.Context) (*knownSettings, error) {
	head, doc, err := l.settingsDocuments(ctx)
	if err != nil {
		return nil, err
	}
	k, err := l.settings.settingsIn(head, doc)
	if err == nil {
		l.settings.known.Store(k)
	}
	return k, err
}

// settingsIn returns the settings in a document, or the first ones if the document has no
// version. They have to be those that were stored last.
func (c *settingsCache) settingsIn(head, doc Document) (*knownSettings, error) {
	k := &knownSettings{Settings: c.first, stored: doc, head: head, at: time.Now()}
	err := checkSettingsHead(&head, &doc)
	if err != nil {
		return nil, err
	}
	if k.areStored() {
		k.Settings, err = decodeSettings(doc.Value)
	} else {
		err = c.first.check()
	}
	if err != nil {
		return nil, err
	}
	c.taking.Lock()
	defer c.taking.Unlock()
	if c.along != nil && c.along.hasLanded() { // it is decided whether the settings that it took along are stored
		c.along = nil
	}
	return k, nil
}

// storeSettings stores settings in the place of others, at the given version, or at the
// next one if it is 0. The caller has the turn.
func (l *Ledger) storeSettings(ctx context.Context, was *knownSettings, s Settings, version uint64) (*knownSettings, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	puts := was.puts(&s, version)
	if err := l.commitDocuments(ctx, puts, func() {}); err != nil {
		l.settings.known.Store(nil)
		return nil, err
	}
	k := was.stores(s, puts, time.Now())
	l.settings.known.Store(k)
	return k, nil
}

func appendSettings(dst []byte, s *Settings) []byte {
	dst = append(dst, settingsFormat, byte(s.Repay), s.Overdraft.code())
	for _, d := range []time.Duration{s.GracePeriod, s.Settlement, s.MaxHold} {
		dst = binary.AppendUvarint(dst, uint64(d/time.Microsecond))
	}
	return dst
}

func decodeSettings(data []byte) (s Settings, err error) {
	r := reader{data: data}
	r.version(headless, settingsFormat)
	s.Repay, s.Overdraft = Repay(r.byte()), OverdraftAllow+Overdraft(r.byte())
	for _, d := range []*time.Duration{&s.GracePeriod, &s.Settlement, &s.MaxHold} {
		n := r.uvarint()
		if n > uint64(MaxWindow/time.Microsecond) {
			r.fail("a window of %d microseconds", n)
			break
		}
		*d = time.Duration(n) * time.Microsecond
	}
	if err := r.finish("settings"); err != nil {
		return Settings{}, err
	}
	if err := s.check(); err != nil || s != s.withDefaults() {
		return Settings{}, &CorruptError{Where: "settings", Reason: "they are none that a ledger stores"}
	}
	return s, nil
}
