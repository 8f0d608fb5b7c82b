package connection

import "time"

const day = 24 * time.Hour

// expirySteps are the days before an end at which operators are warned.
var expirySteps = []int{1, 7, 30, 90}

// remindedStep is the step from which on the warning is repeated every day.
const remindedStep = 30

// Expiry is how near an end is.
type Expiry struct {
	End time.Time
	// Days is the step that was passed last: 90, 30, 7 or 1; 0: the end has come.
	Days int
}

// Reminded reports whether the warning is repeated every day. Before that step it
// is given once.
func (e Expiry) Reminded() bool { return e.Days <= remindedStep }

// ExpiryAt reports whether operators have to be warned of an end at a time.
// A span is how long the thing was valid when it was first seen (zero: for ever):
// of metadata that is published for two weeks at a time, neither a step of 90 nor
// one of 30 days says anything.
func ExpiryAt(end time.Time, span time.Duration, at time.Time) (Expiry, bool) {
	if end.IsZero() {
		return Expiry{}, false
	}
	left := end.Sub(at)
	if left <= 0 {
		return Expiry{End: end}, true
	}
	for _, days := range expirySteps {
		step := time.Duration(days) * day
		if days >= remindedStep && span > 0 && step >= span {
			break
		}
		if left <= step {
			return Expiry{End: end, Days: days}, true
		}
	}
	return Expiry{}, false
}
