// Package clock is the only door to time. Cores are handed an Instant and never ask for one; runners hold a Clock.
//
// Civil time is one fixed offset per company (UTC+8): zone files and the machine's zone are never used.
package clock

import (
	"fmt"
	"sync"
	"time"
)

// Instant is a moment in UTC, nanoseconds since 1970-01-01.
type Instant int64

// Never is later than every moment; a core that needs no wake-up asks for it.
const Never Instant = 1<<63 - 1

// Offset is the company's civil time ahead of UTC.
const Offset = 8 * time.Hour

// Clock tells the time to a runner.
type Clock interface{ Now() Instant }

// System is the machine's clock, as a program may rely on it: within one process it never runs backwards. Where the machine's
// clock was set forward it follows at once; where it was set back it goes on at half speed until the machine has caught up, so
// that no timer waits for the hours that were taken away. Source: trust.md fault 50.
type System struct{}

// Now returns the machine's time.
func (System) Now() Instant { return machine.now() }

var (
	began   = time.Now()
	machine = steady{read: func() (wall Instant, run time.Duration) {
		now := time.Now()
		return Instant(now.UnixNano()), now.Sub(began)
	}}
)

// steady makes one time of two: the wall's, which people set, and the running time of the process, which nobody sets.
type steady struct {
	read func() (wall Instant, run time.Duration)
	mu   sync.Mutex
	last Instant
	ran  time.Duration
}

func (s *steady) now() Instant {
	s.mu.Lock()
	defer s.mu.Unlock()
	wall, run := s.read()
	s.last = max(wall, s.last.Add((run-s.ran)/2))
	s.ran = run
	return s.last
}

// At returns the instant of a civil date and time (UTC+8).
func At(year int, month time.Month, day, hour, minute, second int) Instant {
	return Instant(time.Date(year, month, day, hour, minute, second, 0, time.UTC).Add(-Offset).UnixNano())
}

// FromMilli returns the instant of UTC milliseconds.
func FromMilli(ms int64) Instant { return Instant(ms * int64(time.Millisecond)) }

// Milli returns UTC milliseconds, rounded down.
func (i Instant) Milli() int64 {
	ms := int64(i) / int64(time.Millisecond)
	if int64(i)%int64(time.Millisecond) < 0 {
		ms--
	}
	return ms
}

// Add returns the instant d later; Never stays Never.
func (i Instant) Add(d time.Duration) Instant {
	if i == Never || (d > 0 && i > Never-Instant(d)) {
		return Never
	}
	return i + Instant(d)
}

// Sub returns the duration from j to i.
func (i Instant) Sub(j Instant) time.Duration { return time.Duration(i - j) }

// Civil returns the date and time that people and the wire read.
func (i Instant) Civil() Civil {
	t := time.Unix(0, int64(i)).UTC().Add(Offset)
	return Civil{
		Year: t.Year(), Month: int(t.Month()), Day: t.Day(),
		Hour: t.Hour(), Minute: t.Minute(), Second: t.Second(),
	}
}

// String is the civil time with milliseconds.
func (i Instant) String() string {
	if i == Never {
		return "never"
	}
	return time.Unix(0, int64(i)).UTC().Add(Offset).Format("2006-01-02 15:04:05.000")
}

// Civil is a civil date and time (UTC+8), to the second. The zero value is "no time".
type Civil struct{ Year, Month, Day, Hour, Minute, Second int }

// Instant returns the moment of a civil time.
func (c Civil) Instant() Instant {
	return At(c.Year, time.Month(c.Month), c.Day, c.Hour, c.Minute, c.Second)
}

// Date returns YYYYMMDD, packed BCD, as cards and frames carry it.
func (c Civil) Date() (d [4]byte) {
	d[0], d[1], d[2], d[3] = bcd(c.Year/100), bcd(c.Year%100), bcd(c.Month), bcd(c.Day)
	return d
}

// Time returns hhmmss, packed BCD.
func (c Civil) Time() (t [3]byte) {
	t[0], t[1], t[2] = bcd(c.Hour), bcd(c.Minute), bcd(c.Second)
	return t
}

// Stamp returns YYYYMMDDhhmmss, packed BCD.
func (c Civil) Stamp() (s [7]byte) {
	d, t := c.Date(), c.Time()
	copy(s[:4], d[:])
	copy(s[4:], t[:])
	return s
}

// String prints YYYY-MM-DD hh:mm:ss.
func (c Civil) String() string {
	return fmt.Sprintf("%04d-%02d-%02d %02d:%02d:%02d", c.Year, c.Month, c.Day, c.Hour, c.Minute, c.Second)
}

// ParseStamp reads YYYYMMDDhhmmss in packed BCD and rejects nibbles above 9 and dates that do not exist.
func ParseStamp(s [7]byte) (Civil, error) {
	var n [7]int
	for i, b := range s {
		if b>>4 > 9 || b&15 > 9 {
			return Civil{}, fmt.Errorf("clock: %X is not a BCD time: byte %d", s[:], i)
		}
		n[i] = int(b>>4)*10 + int(b&15)
	}
	c := Civil{n[0]*100 + n[1], n[2], n[3], n[4], n[5], n[6]}
	if c.Year < 1970 || c.Year > 2200 || c.Month < 1 || c.Month > 12 || c.Day < 1 || c.Day > daysIn(c.Year, c.Month) || c.Hour > 23 || c.Minute > 59 || c.Second > 59 {
		return Civil{}, fmt.Errorf("clock: %X is not a date and time", s[:])
	}
	return c, nil
}

// daysIn is the length of a month.
func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

func bcd(n int) byte { return byte(n/10<<4 | n%10) }
