package explain

import (
	"errors"
	"time"

	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/fault"
)

// ErrNotKept says that no response is kept under a reference.
var ErrNotKept = fault.New(fault.NotFound, "response_not_kept",
	"No refused response is kept under this reference. They are kept for a day, the last ones of each connection, unless SAML_KEEP_FAILED_RESPONSES is off; the audit has the reason for longer.")

// keptFor is how long a refused response is kept.
const keptFor = 24 * time.Hour

// The bounds of what is kept, so that refused responses cannot fill the database.
const (
	KeptPerConnection = 20
	KeptInAll         = 200
	KeptSize          = 256 << 10 // bytes of one, compressed
)

// Kept is a response that was refused in a sign-in of ours. It holds what is
// personal: stores seal it.
type Kept struct {
	Reference   string // the id of the request, whose end the page shows; the audit has it
	Connection  string
	Mount       connection.Mount
	RequestID   string
	RequestedAt time.Time
	ReceivedAt  time.Time
	Reason      string
	Response    string // the SAMLResponse field
}

// Check returns an error if something is missing that each refused sign-in has.
func (k Kept) Check() error {
	if k.Reference == "" || k.Connection == "" || k.Response == "" || k.ReceivedAt.IsZero() || k.RequestedAt.IsZero() {
		return errors.New("a refused response without its reference, connection, times or text")
	}
	return nil
}

// DeletableBefore is the time before which what was received is deleted.
func DeletableBefore(now time.Time) time.Time { return now.Add(-keptFor) }
