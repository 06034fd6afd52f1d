package clock

import (
	"fmt"
	"time"
)

// BusinessDay 营业日 is the day to which a sale belongs in every report, YYYYMMDD. The zero value is "no day".
type BusinessDay int

// MostCut is the last minute of a day at which business days may be cut.
const MostCut = 24*60 - 1

// BusinessDay is the one rule of business dates, for station and center alike. cut is the civil minute (0 … MostCut) at which one
// business day ends and the next begins. A day has the name of the civil date that holds more of it: with a cut before noon the
// small hours still belong to the date before; with one from noon on the evening already belongs to the date after.
func (c Civil) BusinessDay(cut int) BusinessDay {
	return dayOf(c.Instant().Add(-shift(cut)))
}

// shift is how far the business day begins after its civil date; negative: before it.
func shift(cut int) time.Duration {
	if cut >= 12*60 {
		cut -= 24 * 60
	}
	return time.Duration(cut) * time.Minute
}

func dayOf(i Instant) BusinessDay {
	c := i.Civil()
	return BusinessDay(c.Year*10000 + c.Month*100 + c.Day)
}

// Ends is the moment at which the day is over; the first of the next.
func (d BusinessDay) Ends(cut int) Instant {
	return At(d.Year(), time.Month(int(d)/100%100), int(d)%100+1, 0, 0, 0).Add(shift(cut))
}

// Year of the day.
func (d BusinessDay) Year() int { return int(d) / 10000 }

// Month is YYYYMM.
func (d BusinessDay) Month() int { return int(d) / 100 }

// Valid says that the date exists.
func (d BusinessDay) Valid() bool {
	return d >= 19700101 && d <= 22001231 && dayOf(At(d.Year(), time.Month(int(d)/100%100), int(d)%100, 0, 0, 0)) == d
}

// String prints YYYY-MM-DD.
func (d BusinessDay) String() string {
	return fmt.Sprintf("%04d-%02d-%02d", d.Year(), int(d)/100%100, int(d)%100)
}
