// Package audit describes the events that are kept for auditors.
//
// Aggregates return an [Event] from each move; a store keeps it in the
// transaction that keeps the move. An Event never carries a secret. What happens to
// events afterwards is here, too: [Seal] makes a change of past days evident,
// [Progress] and [Parked] say how their delivery to a [Sink] goes, and [Retention]
// how long they are kept.
package audit

import (
	"net/netip"
	"time"

	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/uid"
)

// Kind names what happened.
type Kind string

// The kinds of events.
const (
	DeviceFlowStarted  Kind = "oauth.device_flow_started"       // a device has asked for access
	DeviceFlowApproved Kind = "oauth.device_flow_approved"      // a person has let it in: scopes and planned end
	DeviceFlowDenied   Kind = "oauth.device_flow_denied"        // a person has turned it away
	DeviceFlowRejected Kind = "oauth.device_flow_rejected"      // a decision was refused, and why
	DeviceCodeCrossIP  Kind = "oauth.device_code_cross_ip_poll" // a poll came from another address than the start
	TokenMinted        Kind = "oauth.token_minted"              // a device has fetched its token
	TokenRotated       Kind = "oauth.token_rotated"             // a new login has replaced the token of the same device
	TokenRevoked       Kind = "oauth.token_revoked"             // a person, a client or an administrator has ended it
	TokenExpired       Kind = "oauth.token_expired"             // its lifetime is over
	TokensRevoked      Kind = "oauth.tokens_revoked"            // by one act of an administrator
	TokenFirstUsed     Kind = "oauth.token_first_used"          // the first request with it
	LoginStarted       Kind = "sso.login_started"               // a person is sent to the identity provider
	AssertionAccepted  Kind = "sso.assertion_accepted"          // its assertion was verified
	LoginCompleted     Kind = "sso.login_completed"             // the person is back and signed in
	LoginFailed        Kind = "sso.login_failed"                // the sign-in was refused; reason and detail
	UserCodeEntered    Kind = "sso.user_code_entered"           // the code was entered after the sign-in
	BrowserLeft        Kind = "sso.browser_left"                // the person has signed out of a shared browser

	ClientAdded     Kind = "client.added"     // an administrator has added a client, or taken one over from the environment
	ClientChanged   Kind = "client.changed"   // its settings; the detail names them
	ClientSuspended Kind = "client.suspended" // it gets no more codes, approvals and tokens
	ClientAllowed   Kind = "client.allowed"   // it is no longer suspended
	ClientRemoved   Kind = "client.removed"   // it is out of the database

	ConnectionAdded         Kind = "connection.added"
	ConnectionEdited        Kind = "connection.edited"
	ConnectionRemoved       Kind = "connection.removed"
	ConnectionShadowed      Kind = "connection.shadowed" // a change is tried beside it
	ConnectionShadowDropped Kind = "connection.shadow_dropped"
	MetadataChanged         Kind = "connection.metadata_changed"
	MetadataRefused         Kind = "connection.metadata_refused"

	ACSTestMade     Kind = "acs.test_created" // see package acsmove
	ACSTestPassed   Kind = "acs.test_passed"
	ACSTestFailed   Kind = "acs.test_failed"
	ACSMoved        Kind = "acs.moved"
	ACSMovedBack    Kind = "acs.moved_back"
	ACSLegacyClosed Kind = "acs.legacy_closed" // no connection needs it, or forced

	DayRemoved       Kind = "audit.day_removed"      // the events of a day, by retention; the detail has its head and their number
	Replayed         Kind = "audit.replayed"         // an administrator has events delivered again
	ResponseRevealed Kind = "saml.response_revealed" // an administrator was shown what is personal in a kept response; the detail is its reference
	JobRetried       Kind = "jobs.retried"           // an administrator has a job run at once; the detail has its id, kind and key

	KeysMade     Kind = "keys.created" // see package spkeys
	KeyAdded     Kind = "keys.next_added"
	KeyPromoted  Kind = "keys.promoted"
	KeyRetired   Kind = "keys.retired"
	KeysResealed Kind = "keys.resealed"

	PhishingSuspected Kind = "security.phishing_suspected" // a signal; the reason names it
	IncidentNoticed   Kind = "security.incident_noticed"   // a source is held, or only noticed; see package incident
	IncidentExtended  Kind = "security.incident_extended"  // there is another signal
	IncidentContained Kind = "security.incident_contained" // what the source got was ended
	IncidentReleased  Kind = "security.incident_released"  // it was a false alarm
)

// Kinds returns all kinds of events.
func Kinds() []Kind {
	return []Kind{
		DeviceFlowStarted, DeviceFlowApproved, DeviceFlowDenied, DeviceFlowRejected, DeviceCodeCrossIP, TokenMinted,
		TokenRotated, TokenRevoked, TokenExpired, TokensRevoked, TokenFirstUsed, LoginStarted,
		AssertionAccepted, LoginCompleted, LoginFailed, UserCodeEntered, BrowserLeft,
		ClientAdded, ClientChanged, ClientSuspended, ClientAllowed, ClientRemoved,
		ConnectionAdded, ConnectionEdited, ConnectionRemoved, ConnectionShadowed, ConnectionShadowDropped, MetadataChanged,
		MetadataRefused,
		ACSTestMade, ACSTestPassed, ACSTestFailed, ACSMoved, ACSMovedBack, ACSLegacyClosed,
		DayRemoved, Replayed, ResponseRevealed, JobRetried,
		KeysMade, KeyAdded, KeyPromoted, KeyRetired, KeysResealed,
		PhishingSuspected, IncidentNoticed, IncidentExtended, IncidentContained, IncidentReleased,
	}
}

// ActorKind is a kind of actor.
type ActorKind string

// The kinds of actors.
const (
	Person ActorKind = "person" // in a browser
	Client ActorKind = "client" // an OAuth client
	Admin  ActorKind = "admin"  // an operator
	Worker ActorKind = "worker" // devicegate itself
)

// Actor is the cause of an event: a person by e-mail address, a client by its
// client_id, an administrator or a worker by name.
type Actor struct {
	Kind ActorKind
	Name string
}

// Anonymous is a person who has not signed in.
var Anonymous = Actor{Person, "anonymous"}

// PersonOf is the actor that subject is; a zero subject is [Anonymous].
func PersonOf(subject identity.Subject) Actor {
	if subject.IsZero() {
		return Anonymous
	}
	return Actor{Person, subject.Email().String()}
}

// ClientOf is the actor that a client is.
func ClientOf(clientID string) Actor { return Actor{Client, clientID} }

// WorkerOf is the actor that a background task is.
func WorkerOf(task string) Actor { return Actor{Worker, task} }

// AdminOf is the actor that an administrator is.
func AdminOf(name string) Actor { return Actor{Admin, name} }

// Event is one thing that happened.
type Event struct {
	ID    uid.ID
	Kind  Kind
	At    time.Time
	Actor Actor
	// AuthorizationID joins the events of one login.
	AuthorizationID uid.ID
	Subject         identity.Subject
	TokenID         uid.ID
	TokenExpiresAt  time.Time  // of an approval: the planned end of the token
	CreationIP      netip.Addr // of a poll from elsewhere: the address that started
	ClientID        string
	DeviceLabel     string
	Scopes          []string
	Connection      string // slug
	Mount           string // where a sign-in ended: canonical or legacy
	Reason          string // one word per kind of refusal
	Detail          string // expected and received, for operators; never a secret
	Origin          request.Origin
}

// New begins an event.
func New(kind Kind, by Actor, at time.Time, origin request.Origin) Event {
	return Event{ID: uid.New(at), Kind: kind, Actor: by, At: at, Origin: origin}
}
