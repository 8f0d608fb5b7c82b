// Package audit describes what an auditor will want to know later.
//
// Aggregates return an [Event] from each move; a store keeps it in the
// transaction that keeps the move. An Event never carries a secret.
package audit

import (
	"time"

	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/uid"
)

// Kind names what happened.
type Kind string

// The kinds of events.
const (
	DeviceFlowStarted  Kind = "oauth.device_flow_started"
	DeviceFlowApproved Kind = "oauth.device_flow_approved"
	DeviceFlowDenied   Kind = "oauth.device_flow_denied"
	DeviceFlowRejected Kind = "oauth.device_flow_rejected"
	DeviceCodeCrossIP  Kind = "oauth.device_code_cross_ip_poll"
	TokenMinted        Kind = "oauth.token_minted"
	TokenRotated       Kind = "oauth.token_rotated"
	TokenRevoked       Kind = "oauth.token_revoked"
	TokenExpired       Kind = "oauth.token_expired"
	TokenFirstUsed     Kind = "oauth.token_first_used"
	LoginStarted       Kind = "sso.login_started"
	AssertionAccepted  Kind = "sso.assertion_accepted"
	LoginCompleted     Kind = "sso.login_completed"
	LoginFailed        Kind = "sso.login_failed"
)

// Event is one thing that happened.
type Event struct {
	ID          uid.ID
	Kind        Kind
	At          time.Time
	Subject     identity.Subject
	TokenID     uid.ID
	ClientID    string
	DeviceLabel string
	Scopes      []string
	Connection  string // slug
	Mount       string // where a sign-in ended: canonical or legacy
	Reason      string // one word per kind of refusal
	Detail      string // expected and received, for operators; never a secret
	Origin      request.Origin
}

// New begins an event.
func New(kind Kind, at time.Time, origin request.Origin) Event {
	return Event{ID: uid.New(at), Kind: kind, At: at, Origin: origin}
}
