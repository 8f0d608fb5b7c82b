package database

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/domain/uid"
)

type subjectColumns struct {
	Email  text
	Issuer text
	NameID text `bun:"name_id"`
}

func columnsOf(s identity.Subject) subjectColumns {
	return subjectColumns{text(s.Email().String()), text(s.Issuer()), text(s.NameID())}
}

func (c subjectColumns) subject() (identity.Subject, error) {
	if c.Email == "" {
		return identity.Subject{}, nil
	}
	email, err := identity.ParseEmail(string(c.Email))
	if err != nil {
		return identity.Subject{}, err
	}
	return identity.NewSubject(email, string(c.Issuer), string(c.NameID))
}

type authorizationRow struct {
	bun.BaseModel `bun:"table:device_authorizations"`

	ID             id `bun:",pk"`
	DeviceCodeHash digest
	UserCode       text
	ClientID       text
	DeviceLabel    text
	RequestedFrom  addr
	RequestedAt    timestamp
	ExpiresAt      timestamp
	Status         text
	Subject        subjectColumns `bun:"embed:subject_"`
	TokenID        id
	DecidedAt      timestamp
	RedeemedAt     timestamp
	RedeemedFrom   addr
	Repeated       bool
	Undelivered    bool
	SeenElsewhere  bool
}

// authorizationMoves are the columns that a move can change.
var authorizationMoves = []string{
	"status", "subject_email", "subject_issuer", "subject_name_id", "token_id", "decided_at",
	"redeemed_at", "redeemed_from", "repeated", "undelivered", "seen_elsewhere",
}

func authorizationRowOf(a *device.Authorization) *authorizationRow {
	s := a.Snapshot()
	return &authorizationRow{
		ID: id(s.ID), DeviceCodeHash: digest(s.Code), UserCode: text(s.UserCode.String()),
		ClientID: text(s.ClientID), DeviceLabel: text(s.Label),
		RequestedFrom: addr(s.RequestedFrom), RequestedAt: timestamp(s.RequestedAt), ExpiresAt: timestamp(s.ExpiresAt),
		Status: text(s.Status), Subject: columnsOf(s.Subject), TokenID: id(s.TokenID), DecidedAt: timestamp(s.DecidedAt),
		RedeemedAt: timestamp(s.RedeemedAt), RedeemedFrom: addr(s.RedeemedFrom),
		Repeated: s.Repeated, Undelivered: s.Undelivered, SeenElsewhere: s.PolledElsewhere,
	}
}

func (r *authorizationRow) restore() (*device.Authorization, error) {
	code, err := device.ParseUserCode(string(r.UserCode))
	if err != nil {
		return nil, fmt.Errorf("stored authorization %s: %w", uid.ID(r.ID), err)
	}
	subject, err := r.Subject.subject()
	if err != nil {
		return nil, fmt.Errorf("stored authorization %s: %w", uid.ID(r.ID), err)
	}
	return device.Restore(device.Snapshot{
		ID: uid.ID(r.ID), Code: secret.Digest(r.DeviceCodeHash), UserCode: code,
		ClientID: string(r.ClientID), Label: string(r.DeviceLabel),
		RequestedFrom: netip.Addr(r.RequestedFrom), RequestedAt: r.RequestedAt.time(), ExpiresAt: r.ExpiresAt.time(),
		Status: device.Status(r.Status), Subject: subject, TokenID: uid.ID(r.TokenID), DecidedAt: r.DecidedAt.time(),
		RedeemedAt: r.RedeemedAt.time(), RedeemedFrom: netip.Addr(r.RedeemedFrom),
		Repeated: r.Repeated, Undelivered: r.Undelivered, PolledElsewhere: r.SeenElsewhere,
	})
}

type transactionRow struct {
	bun.BaseModel `bun:"table:sso_transactions"`

	ID              id `bun:",pk"`
	RelayStateHash  digest
	AuthorizationID id
	UserCode        text
	Connection      text
	Mount           text
	ACS             text `bun:"acs"`
	RequestID       text
	BrowserHash     digest
	BegunAt         timestamp
	ExpiresAt       timestamp
	Subject         subjectColumns `bun:"embed:subject_"`
	ArrivedOn       text
	TicketHash      digest
	TicketExpiresAt timestamp
	FinishedAt      timestamp
}

// transactionMoves are the columns that a move can change.
var transactionMoves = []string{
	"subject_email", "subject_issuer", "subject_name_id", "arrived_on", "ticket_hash", "ticket_expires_at", "finished_at",
}

func transactionRowOf(t *approval.Transaction) *transactionRow {
	s := t.Snapshot()
	return &transactionRow{
		ID: id(s.ID), RelayStateHash: digest(s.RelayState), AuthorizationID: id(s.Authorization),
		UserCode: text(s.UserCode.String()), Connection: text(s.Connection), Mount: text(s.Mount), ACS: text(s.ACS),
		RequestID: text(s.RequestID), BrowserHash: digest(s.Browser), BegunAt: timestamp(s.BegunAt), ExpiresAt: timestamp(s.ExpiresAt),
		Subject: columnsOf(s.Subject), ArrivedOn: text(s.AcceptedOn),
		TicketHash: digest(s.Ticket), TicketExpiresAt: timestamp(s.TicketExpiresAt), FinishedAt: timestamp(s.CompletedAt),
	}
}

func (r *transactionRow) restore() (*approval.Transaction, error) {
	code, err := device.ParseUserCode(string(r.UserCode))
	if err != nil {
		return nil, fmt.Errorf("stored transaction %s: %w", uid.ID(r.ID), err)
	}
	subject, err := r.Subject.subject()
	if err != nil {
		return nil, fmt.Errorf("stored transaction %s: %w", uid.ID(r.ID), err)
	}
	return approval.RestoreTransaction(approval.TransactionSnapshot{
		ID: uid.ID(r.ID), RelayState: secret.Digest(r.RelayStateHash), Authorization: uid.ID(r.AuthorizationID),
		UserCode: code, Connection: string(r.Connection),
		Mount: connection.Mount(r.Mount), ACS: connection.Mount(r.ACS),
		RequestID: string(r.RequestID), Browser: secret.Digest(r.BrowserHash),
		BegunAt: r.BegunAt.time(), ExpiresAt: r.ExpiresAt.time(),
		Subject: subject, AcceptedOn: connection.Mount(r.ArrivedOn),
		Ticket: secret.Digest(r.TicketHash), TicketExpiresAt: r.TicketExpiresAt.time(), CompletedAt: r.FinishedAt.time(),
	})
}

type grantRow struct {
	bun.BaseModel `bun:"table:approval_grants"`

	ID              id `bun:",pk"`
	HandleHash      digest
	AuthorizationID id
	UserCode        text
	Subject         subjectColumns `bun:"embed:subject_"`
	Connection      text
	GrantedAt       timestamp
	ExpiresAt       timestamp
	SpentAt         timestamp
}

func grantRowOf(g *approval.Grant) *grantRow {
	s := g.Snapshot()
	return &grantRow{
		ID: id(s.ID), HandleHash: digest(s.Session), AuthorizationID: id(s.Authorization),
		UserCode: text(s.UserCode.String()), Subject: columnsOf(s.Subject), Connection: text(s.Connection),
		GrantedAt: timestamp(s.GrantedAt), ExpiresAt: timestamp(s.ExpiresAt), SpentAt: timestamp(s.SpentAt),
	}
}

func (r *grantRow) restore() (*approval.Grant, error) {
	code, err := device.ParseUserCode(string(r.UserCode))
	if err != nil {
		return nil, fmt.Errorf("stored grant %s: %w", uid.ID(r.ID), err)
	}
	subject, err := r.Subject.subject()
	if err != nil {
		return nil, fmt.Errorf("stored grant %s: %w", uid.ID(r.ID), err)
	}
	return approval.RestoreGrant(approval.GrantSnapshot{
		ID: uid.ID(r.ID), Session: secret.Digest(r.HandleHash), Authorization: uid.ID(r.AuthorizationID),
		UserCode: code, Subject: subject, Connection: string(r.Connection),
		GrantedAt: r.GrantedAt.time(), ExpiresAt: r.ExpiresAt.time(), SpentAt: r.SpentAt.time(),
	})
}

// tokenRow leaves out account_id, which only a Dify API that shares the table
// writes and reads.
type tokenRow struct {
	bun.BaseModel `bun:"table:oauth_access_tokens"`

	ID            id `bun:",pk"`
	SubjectEmail  text
	SubjectIssuer text
	ClientID      text
	DeviceLabel   text
	Prefix        text
	TokenHash     digest
	CreatedAt     timestamp
	LastUsedAt    timestamp
	ExpiresAt     timestamp
	RevokedAt     timestamp
}

// tokenMoves are the columns that a move can change. The others stay as they
// are, also because another issuer may have written what we cannot represent.
var tokenMoves = []string{"token_hash", "last_used_at", "expires_at", "revoked_at"}

func tokenRowOf(t *token.AccessToken) *tokenRow {
	s := t.Snapshot()
	return &tokenRow{
		ID: id(s.ID), SubjectEmail: text(s.Device.Email.String()), SubjectIssuer: text(s.Device.Issuer),
		ClientID: text(s.Device.ClientID), DeviceLabel: text(s.Device.Label),
		Prefix: text(s.Prefix), TokenHash: digest(s.Digest), CreatedAt: timestamp(s.CreatedAt),
		LastUsedAt: timestamp(s.LastUsedAt), ExpiresAt: timestamp(s.ExpiresAt), RevokedAt: timestamp(s.RevokedAt),
	}
}

// restore lets through what another issuer may have put into the shared table:
// an address that is none becomes the zero Email, and a revoked token that
// kept its hash loses it.
func (r *tokenRow) restore() (*token.AccessToken, error) {
	email, _ := identity.ParseEmail(string(r.SubjectEmail))
	if !r.RevokedAt.time().IsZero() {
		r.TokenHash = digest{}
	}
	return token.Restore(token.Snapshot{
		ID: uid.ID(r.ID),
		Device: token.Device{
			Email: email, Issuer: string(r.SubjectIssuer),
			ClientID: string(r.ClientID), Label: string(r.DeviceLabel),
		},
		Prefix: string(r.Prefix), Digest: secret.Digest(r.TokenHash), CreatedAt: r.CreatedAt.time(),
		LastUsedAt: r.LastUsedAt.time(), ExpiresAt: r.ExpiresAt.time(), RevokedAt: r.RevokedAt.time(),
	})
}

type spentAssertionRow struct {
	bun.BaseModel `bun:"table:spent_assertions"`

	AssertionHash digest `bun:",pk"`
	Issuer        text
	ExpiresAt     timestamp
}

// spentAssertionRowOf keys by issuer and id; %q keeps the two apart.
func spentAssertionRowOf(issuer, assertionID string, until time.Time) *spentAssertionRow {
	key := secret.New("assertion", fmt.Sprintf("%q %q", issuer, assertionID))
	return &spentAssertionRow{AssertionHash: digest(key.Digest()), Issuer: text(issuer), ExpiresAt: timestamp(until)}
}

type eventRow struct {
	bun.BaseModel `bun:"table:audit_events"`

	ID          id `bun:",pk"`
	Time        timestamp
	Event       text
	SubjectType text
	Subject     subjectColumns `bun:"embed:subject_"`
	TokenID     id
	ClientID    text
	DeviceLabel text
	Scopes      text
	Connection  text
	Mount       text
	Reason      text
	Detail      text
	IP          addr `bun:"ip"`
	UserAgent   text
	RequestID   text
}

func eventRowOf(e audit.Event) *eventRow {
	r := &eventRow{
		ID: id(e.ID), Time: timestamp(e.At), Event: text(e.Kind), Subject: columnsOf(e.Subject),
		TokenID: id(e.TokenID), ClientID: text(e.ClientID), DeviceLabel: text(e.DeviceLabel),
		Scopes: text(strings.Join(e.Scopes, " ")), Connection: text(e.Connection), Mount: text(e.Mount),
		Reason: text(e.Reason), Detail: text(e.Detail),
		IP: addr(e.Origin.IP), UserAgent: text(e.Origin.UserAgent), RequestID: text(e.Origin.ID),
	}
	if !e.Subject.IsZero() {
		r.SubjectType = text(e.Subject.Type())
	}
	return r
}
