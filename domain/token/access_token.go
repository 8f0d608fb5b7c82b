package token

import (
	"errors"
	"fmt"
	"time"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/scope"
	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/domain/uid"
)

// ErrUnknown says that a store has no such token. Use cases word it.
var ErrUnknown = errors.New("token: no such token")

// Device is what a token is bound to; at most one live token has it.
type Device struct {
	Email    identity.Email
	Issuer   string
	ClientID string
	Label    string
}

// DeviceOf is the device on which subject uses a client.
func DeviceOf(subject identity.Subject, clientID, label string) Device {
	return Device{subject.Email(), subject.Issuer(), clientID, label}
}

// Lifetime is how long a new token is valid.
type Lifetime time.Duration

// AccessToken is a bearer token. Its methods are the only ways it changes; one
// that returns an error has changed nothing.
type AccessToken struct {
	s Snapshot
	// known is the digest with which the token was made or restored.
	known secret.Digest
}

// Snapshot is an [AccessToken] laid flat, for rows and comparisons.
type Snapshot struct {
	ID uid.ID
	// Authorization is the device authorization that was redeemed for the token;
	// zero: another issuer minted it, or the authorization is not kept any more.
	Authorization uid.ID
	Device        Device
	Scopes        scope.Set
	Prefix        string
	Digest        secret.Digest // zero once revoked
	CreatedAt     time.Time
	LastUsedAt    time.Time
	ExpiresAt     time.Time
	RevokedAt     time.Time
}

// Order says what token to mint.
type Order struct {
	ID            uid.ID
	Authorization uid.ID // that is redeemed
	Device        Device
	Subject       identity.Type
	Scopes        scope.Set // zero: all that such a subject may have
	Lifetime      Lifetime
}

// Mint makes the token. The [Secret] is for the client alone and is not kept.
func Mint(o Order, at time.Time, origin request.Origin) (*AccessToken, Secret, audit.Event) {
	s := newSecret(o.Subject)
	t := &AccessToken{s: Snapshot{
		ID: o.ID, Authorization: o.Authorization, Device: o.Device, Scopes: o.Scopes, Prefix: prefixOf(o.Subject), Digest: s.Digest(),
		CreatedAt: at, ExpiresAt: at.Add(time.Duration(o.Lifetime)),
	}}
	t.known = t.s.Digest
	if o.Scopes.IsZero() {
		t.s.Scopes = ScopesOf(o.Subject)
	}
	return t, s, t.event(audit.TokenMinted, audit.ClientOf(o.Device.ClientID), at, origin)
}

// ScopesOf are all that a token for such a subject may do.
func ScopesOf(subject identity.Type) scope.Set {
	if subject == identity.Account {
		return scope.Account
	}
	return scope.External
}

// Restore brings a token back from storage. It refuses a state that no
// sequence of moves leads to.
func Restore(s Snapshot) (*AccessToken, error) {
	if s.ID.IsZero() || s.CreatedAt.IsZero() || s.ExpiresAt.IsZero() || s.Digest.IsZero() != !s.RevokedAt.IsZero() {
		return nil, fmt.Errorf("token: stored token %s is in an impossible state", s.ID)
	}
	t := &AccessToken{s, s.Digest}
	if s.Scopes.IsZero() { // minted by another issuer, or by an earlier release
		t.s.Scopes = ScopesOf(t.SubjectType())
	}
	return t, nil
}

// Snapshot is the token laid flat.
func (t *AccessToken) Snapshot() Snapshot { return t.s }

// ID names the token.
func (t *AccessToken) ID() uid.ID { return t.s.ID }

// Copy is another token in the same state.
func (t *AccessToken) Copy() *AccessToken {
	copied := *t
	return &copied
}

// Digest is the digest of the secret that is valid now; zero once revoked.
func (t *AccessToken) Digest() secret.Digest { return t.s.Digest }

// Superseded returns the digest with which the token was made or restored, if a
// move has replaced or removed it since: its secret is no longer valid.
func (t *AccessToken) Superseded() (digest secret.Digest, superseded bool) {
	if t.known.IsZero() || t.known == t.s.Digest {
		return secret.Digest{}, false
	}
	return t.known, true
}

// Valid returns nil if the token is valid at the given time, else [ErrInvalid].
func (t *AccessToken) Valid(at time.Time) error {
	if !t.s.RevokedAt.IsZero() || !at.Before(t.s.ExpiresAt) {
		return ErrInvalid
	}
	return nil
}

// lastUsedPrecision is how exactly the last use is kept; anything finer would turn
// each request into a write.
const lastUsedPrecision = time.Minute

// RecordUse records a request made with the token. It reports whether that is
// worth keeping, and returns an event for the first use alone: the later ones,
// at most one a minute, keep LastUsedAt exact enough and tell an auditor
// nothing. It returns [ErrInvalid] for a dead token.
func (t *AccessToken) RecordUse(at time.Time, origin request.Origin) (first audit.Event, changed bool, err error) {
	if err := t.Valid(at); err != nil {
		return audit.Event{}, false, err
	}
	if at.Sub(t.s.LastUsedAt) < lastUsedPrecision {
		return audit.Event{}, false, nil
	}
	if t.s.LastUsedAt.IsZero() {
		first = t.event(audit.TokenFirstUsed, audit.ClientOf(t.s.Device.ClientID), at, origin)
	}
	t.s.LastUsedAt = at
	return first, true, nil
}

// Revoke ends the token for the given reason. Revoking a dead one changes
// nothing and reports false.
func (t *AccessToken) Revoke(reason string, by audit.Actor, at time.Time, origin request.Origin) (audit.Event, bool) {
	if !t.s.RevokedAt.IsZero() {
		return audit.Event{}, false
	}
	t.s.RevokedAt, t.s.Digest = at, secret.Digest{}
	e := t.event(audit.TokenRevoked, by, at, origin)
	e.Reason = reason
	return e, true
}

// Expire ends a token whose time is up. One that is dead already, or has time
// left, changes nothing and reports false.
func (t *AccessToken) Expire(at time.Time, origin request.Origin) (audit.Event, bool) {
	if !t.s.RevokedAt.IsZero() || at.Before(t.s.ExpiresAt) {
		return audit.Event{}, false
	}
	t.s.RevokedAt, t.s.Digest = at, secret.Digest{}
	return t.event(audit.TokenExpired, audit.WorkerOf("expiry"), at, origin), true
}

// Reissue gives a token that was never used another secret; the first one is
// dead. It revives a token that was revoked because its secret never arrived:
// whether that may be is for the authorization to say.
func (t *AccessToken) Reissue(at time.Time, origin request.Origin) (Secret, audit.Event, error) {
	if !t.s.LastUsedAt.IsZero() || !at.Before(t.s.ExpiresAt) {
		return Secret{}, audit.Event{}, ErrInvalid
	}
	s := newSecret(t.SubjectType())
	t.s.Digest, t.s.RevokedAt = s.Digest(), time.Time{}
	return s, t.event(audit.TokenRotated, audit.ClientOf(t.s.Device.ClientID), at, origin), nil
}

// BelongsTo reports whether the token acts for the subject (issuer, email).
func (t *AccessToken) BelongsTo(email identity.Email, issuer string) bool {
	return !email.IsZero() && t.s.Device.Email == email && t.s.Device.Issuer == issuer
}

// CheckScopes returns [ErrInsufficientScope] unless the token has all required
// scopes. The scope full stands for every scope.
func (t *AccessToken) CheckScopes(required []string) error {
	if t.s.Scopes.Contains(scope.Full) {
		return nil
	}
	for _, name := range required {
		if !t.s.Scopes.Contains(name) {
			return ErrInsufficientScope
		}
	}
	return nil
}

// SubjectID names the person for whom the token acts ([identity.SubjectID]).
func (t *AccessToken) SubjectID() string {
	return identity.SubjectID(t.s.Device.Email, t.s.Device.Issuer)
}

// CheckClient returns [ErrOtherClient] if the client that presents the token is
// not the one to which it was issued. An empty clientID names no client.
func (t *AccessToken) CheckClient(clientID string) error {
	if clientID != "" && clientID != t.s.Device.ClientID {
		return ErrOtherClient
	}
	return nil
}

// SubjectType tells which kind of subject the token acts for.
func (t *AccessToken) SubjectType() identity.Type {
	if t.s.Prefix == prefixAccount {
		return identity.Account
	}
	return identity.ExternalSSO
}

// Scopes are what the token may do.
func (t *AccessToken) Scopes() []string { return t.s.Scopes.Names() }

// Scope is the same as OAuth writes it, in one text (RFC 6749 §3.3).
func (t *AccessToken) Scope() string { return t.s.Scopes.String() }

// Owner is the person for whom the token acts, as the actor of an event.
func (t *AccessToken) Owner() audit.Actor {
	return audit.Actor{Kind: audit.Person, Name: t.s.Device.Email.String()}
}

func (t *AccessToken) event(kind audit.Kind, by audit.Actor, at time.Time, origin request.Origin) audit.Event {
	e := audit.New(kind, by, at, origin)
	e.TokenID, e.ClientID, e.DeviceLabel, e.Scopes = t.s.ID, t.s.Device.ClientID, t.s.Device.Label, t.Scopes()
	e.AuthorizationID = t.s.Authorization
	if subject, err := identity.NewSubject(t.s.Device.Email, t.s.Device.Issuer, ""); err == nil {
		e.Subject = subject
	}
	return e
}
