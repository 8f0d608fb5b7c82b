package device

import "time"

// Timing says how long an attempt lives and how often a client may ask. The
// advertised figures are whole seconds.
type Timing struct {
	TTL      time.Duration // from start to expiry
	Interval time.Duration // advertised, RFC 8628 §3.2
}

// StandardTiming is the wire contract's.
var StandardTiming = Timing{TTL: 15 * time.Minute, Interval: 5 * time.Second}

const (
	// tolerance is for clients whose timers run a little fast.
	tolerance = 500 * time.Millisecond
	// approvalGrace is how long an approval stays redeemable at least, even if the
	// code expires sooner.
	approvalGrace = time.Minute
	// repeatWindow is how long a redemption may be answered once more.
	repeatWindow = 30 * time.Second
	// pendingHintTTL is how long a device may be told "still pending" after the
	// decision, if the message that invalidates the hint is lost.
	pendingHintTTL = 15 * time.Second
)

// Gap is the least time between two polls that are answered: the interval
// less the tolerance, measured from the last poll that was accepted.
func (t Timing) Gap() time.Duration { return t.Interval - tolerance }
