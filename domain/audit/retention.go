package audit

import (
	"fmt"
	"time"
)

// Retention is how many days (UTC) events are kept; zero: for ever.
type Retention int

// LastRemovable returns the last day whose events may go, and false if none may.
func (r Retention) LastRemovable(at time.Time) (Day, bool) {
	if r <= 0 {
		return "", false
	}
	return DayOf(at.AddDate(0, 0, -int(r)-1)), true
}

// removalReason is the reason of a [DayRemoved].
const removalReason = "retention"

// Removal completes e, the event that a day was removed by retention. It keeps the
// day's head, by which the seals of later days can still be checked.
func (s Seal) Removal(e Event) Event {
	e.Reason, e.Detail = removalReason, fmt.Sprintf("%s %s %d", s.Day, s.Head.Hex(), s.Events)
	return e
}
