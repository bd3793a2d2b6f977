package creditledger

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"time"
)

// Zone files differ from machine to machine: fat ones list every change up to 2037,
// slim ones leave to a rule in their footer what it says. These are made here, from
// the rules that zones had in 2026.

// yearlyRule is when clocks change each year: on the week-th (5: last) weekday of a
// month, so many hours after midnight by the clock before the change.
type yearlyRule struct {
	month, week, weekday int
	hours                int
}

func (r yearlyRule) String() string {
	return fmt.Sprintf("M%d.%d.%d/%d", r.month, r.week, r.weekday, r.hours)
}

// at is the change of a year, by a clock that is offset seconds ahead of UTC.
func (r yearlyRule) at(year, offset int) int64 {
	first := time.Date(year, time.Month(r.month), 1, 0, 0, 0, 0, time.UTC)
	day := 1 + (r.weekday-int(first.Weekday())+7)%7 + 7*(r.week-1)
	if last := first.AddDate(0, 1, -1).Day(); day > last {
		day -= 7
	}
	return time.Date(year, time.Month(r.month), day, r.hours, 0, 0, 0, time.UTC).Unix() - int64(offset)
}

// madeZone is a zone of which a file can be made.
type madeZone struct {
	name                string
	standard, summer    int // seconds east of UTC
	spring, autumn      yearlyRule
	firstYear, lastYear int // of the changes that a fat file lists
}

// madeZones are twenty zones that change their clocks every year, at and about
// midnight, by half an hour, on a day given by the day before it, in winter.
var madeZones = func() []madeZone {
	zone := func(name string, standard, summer int, spring, autumn yearlyRule) madeZone {
		return madeZone{name, standard * 60, summer * 60, spring, autumn, 2007, 2037}
	}
	return []madeZone{
		zone("America/New_York", -300, -240, yearlyRule{3, 2, 0, 2}, yearlyRule{11, 1, 0, 2}),
		zone("America/Los_Angeles", -480, -420, yearlyRule{3, 2, 0, 2}, yearlyRule{11, 1, 0, 2}),
		zone("America/St_Johns", -210, -150, yearlyRule{3, 2, 0, 2}, yearlyRule{11, 1, 0, 2}),
		zone("America/Havana", -300, -240, yearlyRule{3, 2, 0, 0}, yearlyRule{11, 1, 0, 1}),
		zone("America/Santiago", -240, -180, yearlyRule{9, 1, 6, 24}, yearlyRule{4, 1, 6, 24}),
		zone("America/Nuuk", -120, -60, yearlyRule{3, 5, 0, -1}, yearlyRule{10, 5, 0, 0}),
		zone("Africa/Cairo", 120, 180, yearlyRule{4, 5, 5, 0}, yearlyRule{10, 5, 4, 24}),
		zone("Antarctica/Troll", 0, 120, yearlyRule{3, 5, 0, 1}, yearlyRule{10, 5, 0, 3}),
		zone("Asia/Beirut", 120, 180, yearlyRule{3, 5, 0, 0}, yearlyRule{10, 5, 0, 0}),
		zone("Asia/Gaza", 120, 180, yearlyRule{3, 4, 4, 50}, yearlyRule{10, 4, 4, 50}),
		zone("Asia/Jerusalem", 120, 180, yearlyRule{3, 4, 4, 26}, yearlyRule{10, 5, 0, 2}),
		zone("Atlantic/Azores", -60, 0, yearlyRule{3, 5, 0, 0}, yearlyRule{10, 5, 0, 1}),
		zone("Australia/Lord_Howe", 630, 660, yearlyRule{10, 1, 0, 2}, yearlyRule{4, 1, 0, 2}),
		zone("Australia/Sydney", 600, 660, yearlyRule{10, 1, 0, 2}, yearlyRule{4, 1, 0, 3}),
		zone("Europe/Berlin", 60, 120, yearlyRule{3, 5, 0, 2}, yearlyRule{10, 5, 0, 3}),
		zone("Europe/Dublin", 0, 60, yearlyRule{3, 5, 0, 1}, yearlyRule{10, 5, 0, 2}),
		zone("Europe/London", 0, 60, yearlyRule{3, 5, 0, 1}, yearlyRule{10, 5, 0, 2}),
		zone("Pacific/Auckland", 720, 780, yearlyRule{9, 5, 0, 2}, yearlyRule{4, 1, 0, 3}),
		zone("Pacific/Chatham", 765, 825, yearlyRule{9, 5, 0, 3}, yearlyRule{4, 1, 0, 4}),
		zone("America/Asuncion", -240, -180, yearlyRule{10, 1, 0, 0}, yearlyRule{3, 4, 0, 0}),
	}
}()

// footer is the rule as the end of a zone file has it.
func (z madeZone) footer() string {
	return fmt.Sprintf("<AAA>%s<BBB>%s,%s,%s", posixOffset(z.standard), posixOffset(z.summer), z.spring, z.autumn)
}

// posixOffset counts westward.
func posixOffset(seconds int) string {
	sign := "-"
	if seconds <= 0 {
		sign, seconds = "", -seconds
	}
	return fmt.Sprintf("%s%d:%02d", sign, seconds/3600, seconds/60%60)
}

// slim is the zone from a file that has the footer and, as such files do, one change
// before it.
func (z madeZone) slim() *time.Location {
	return mustLocation(z.name, zoneFile(z, z.firstYear, z.firstYear, z.footer()))
}

// fat is the zone from a file that lists all changes up to 2037, and has the footer.
func (z madeZone) fat() *time.Location {
	return mustLocation(z.name, zoneFile(z, z.firstYear, z.lastYear, z.footer()))
}

func mustLocation(name string, file []byte) *time.Location {
	return mustValue(time.LoadLocationFromTZData(name, file))
}

// zoneFile is a file of version 2 (RFC 8536) with the changes of the years from first
// to last.
func zoneFile(z madeZone, first, last int, footer string) []byte {
	type change struct {
		at   int64
		kind byte
	}
	var changes []change
	for year := first; year <= last; year++ {
		spring := change{z.spring.at(year, z.standard), 1}
		autumn := change{z.autumn.at(year, z.summer), 0}
		if autumn.at < spring.at {
			spring, autumn = autumn, spring
		}
		changes = append(changes, spring, autumn)
	}
	names := "AAA\x00BBB\x00"
	var b bytes.Buffer
	header := func(changes, kinds, names int) {
		b.WriteString("TZif2" + strings.Repeat("\x00", 15))
		for _, n := range []int{0, 0, 0, changes, kinds, names} {
			b.Write(binary.BigEndian.AppendUint32(nil, uint32(n)))
		}
	}
	header(0, 1, 1) // the block of version 1, which nobody reads
	b.Write(make([]byte, 6+1))
	header(len(changes), 2, len(names))
	for _, c := range changes {
		b.Write(binary.BigEndian.AppendUint64(nil, uint64(c.at)))
	}
	for _, c := range changes {
		b.WriteByte(c.kind)
	}
	for i, offset := range []int{z.standard, z.summer} {
		b.Write(binary.BigEndian.AppendUint32(nil, uint32(int32(offset))))
		b.Write([]byte{byte(i), byte(4 * i)})
	}
	b.WriteString(names)
	b.WriteString("\n" + footer + "\n")
	return b.Bytes()
}
