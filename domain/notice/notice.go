// Package notice describes what people are told by mail about their devices.
//
// A notice is ordered in the transaction of the event that it is about, and sent
// later by a worker. It gives no power: its link leads to a page that asks for a
// sign-in.
package notice

import (
	"crypto/sha256"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/place"
	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/domain/uid"
)

// Kind says what a notice tells.
type Kind string

// The kinds of notices.
const (
	DeviceConnected Kind = "device_connected"              // a device has fetched its token
	DeviceEnded     Kind = "device_ended_by_administrator" // an administrator has ended its access
)

func (k Kind) known() bool { return k == DeviceConnected || k == DeviceEnded }

// Interval is the least time between two notices that one device of one person is
// connected.
const Interval = time.Hour

// Order asks for the notice about one event.
type Order struct {
	Kind  Kind
	Event uid.ID
}

// Key is the order as the key of a job. It holds no personal data.
func (o Order) Key() string { return string(o.Kind) + " " + o.Event.String() }

// ParseOrder reads [Order.Key].
func ParseOrder(key string) (Order, error) {
	kind, event, _ := strings.Cut(key, " ")
	id, err := uid.Parse(event)
	if err != nil || id.IsZero() || !Kind(kind).known() {
		return Order{}, fmt.Errorf("notice: %q is no order of this release", key)
	}
	return Order{Kind(kind), id}, nil
}

// DeviceOf names the device that an event is about, without what it is called.
func DeviceOf(e audit.Event) secret.Digest {
	return sha256.Sum256([]byte(strings.Join([]string{e.Subject.Issuer(), e.Subject.Email().String(), e.ClientID, e.DeviceLabel}, "\x00")))
}

// Notice is what one person is told of one event.
type Notice struct {
	Order
	To       identity.Email
	Language string // that the person's browser asked for: Accept-Language or a tag; empty: not known
	Client   string // its name, or its client_id
	Label    string // what the device calls itself; its sender may have chosen it
	At       time.Time
	From     netip.Addr  // of the device; zero: not known
	Place    place.Place // of From
}

// About makes the notice that o asks for. From is the address of the device; zero: not
// known.
func About(o Order, e audit.Event, client, language string, from netip.Addr) (Notice, error) {
	if e.Subject.IsZero() || o.Event != e.ID {
		return Notice{}, fmt.Errorf("notice: event %s is about no person", e.ID)
	}
	n := Notice{Order: o, To: e.Subject.Email(), Language: language, Client: client, Label: e.DeviceLabel, At: e.At}
	if n.Client == "" {
		n.Client = e.ClientID
	}
	if o.Kind == DeviceConnected {
		n.From = from
	}
	return n, nil
}

// pauses lie between attempts to send a notice: close together at first, and over
// a day in all.
var pauses = []time.Duration{
	time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour,
	2 * time.Hour, 4 * time.Hour, 8 * time.Hour, 10 * time.Hour,
}

// Attempts is how often a notice is tried before it is given up.
var Attempts = len(pauses) + 1

// PauseAfter returns the time until the next attempt after a number of failed
// ones.
func PauseAfter(failed int) time.Duration {
	return pauses[min(max(failed, 1), len(pauses))-1]
}
