package database

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/uptrace/bun"

	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/domain/uid"
)

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
	Purpose         text
	ArrivedFrom     addr
	SignedInAt      timestamp
}

func transactionRowOf(t *approval.Transaction) *transactionRow {
	s := t.Snapshot()
	return &transactionRow{
		ID: id(s.ID), RelayStateHash: digest(s.RelayState), AuthorizationID: id(s.Authorization),
		UserCode: text(s.UserCode.String()), Connection: text(s.Connection), Mount: text(s.Mount), ACS: text(s.ACS),
		RequestID: text(s.RequestID), BrowserHash: digest(s.Browser), BegunAt: timestamp(s.BegunAt), ExpiresAt: timestamp(s.ExpiresAt),
		Subject: columnsOf(s.Subject), ArrivedOn: text(s.AcceptedOn),
		TicketHash: digest(s.Ticket), TicketExpiresAt: timestamp(s.TicketExpiresAt), FinishedAt: timestamp(s.CompletedAt),
		Purpose: text(s.Purpose), ArrivedFrom: addr(s.AcceptedFrom), SignedInAt: timestamp(s.SignedInAt),
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
		Purpose: approval.Purpose(r.Purpose), AcceptedFrom: netip.Addr(r.ArrivedFrom), SignedInAt: r.SignedInAt.time(),
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

type transactionReader struct{ reader }

func (r transactionReader) by(ctx context.Context, where string, args ...any) (*approval.Transaction, error) {
	row := new(transactionRow)
	if err := found(ctx, r.find(ctx, row, where, args...), approval.ErrUnknownTransaction); err != nil {
		return nil, err
	}
	return row.restore()
}

func (r transactionReader) ByRelayState(ctx context.Context, relay secret.Digest) (*approval.Transaction, error) {
	return r.by(ctx, "relay_state_hash = ?", digest(relay))
}

func (r transactionReader) ByTicket(ctx context.Context, ticket secret.Digest) (*approval.Transaction, error) {
	return r.by(ctx, "ticket_hash = ?", digest(ticket))
}

func (r transactionReader) ByBrowser(ctx context.Context, browser secret.Digest, code device.UserCode, connection string) (*approval.Transaction, error) {
	return r.by(ctx, "browser_hash = ? AND user_code = ? AND connection = ? ORDER BY begun_at DESC, id DESC",
		digest(browser), text(code.String()), text(connection))
}

func (r transactionReader) AwaitedBy(ctx context.Context, browser secret.Digest, at time.Time) ([]*approval.Transaction, error) {
	var rows []transactionRow
	err := r.from(&rows).
		Where("browser_hash = ?", digest(browser)).
		Where("ticket_hash IS NULL").
		Where("expires_at > ?", timestamp(at)).
		Order("begun_at DESC", "id DESC").Scan(ctx)
	if err != nil {
		return nil, mapError(ctx, err)
	}
	found := make([]*approval.Transaction, len(rows))
	for i := range rows {
		if found[i], err = rows[i].restore(); err != nil {
			return nil, err
		}
	}
	return found, nil
}

type transactions struct {
	transactionReader
	tx *transaction
}

func (w transactions) Add(ctx context.Context, t *approval.Transaction, event audit.Event) error {
	return w.tx.add(ctx, event, transactionRowOf(t))
}

func (w transactions) Save(ctx context.Context, t *approval.Transaction, event audit.Event) error {
	return w.tx.save(ctx, event, transactionRowOf(t), approval.ErrUnknownTransaction)
}

func (w transactions) SpendAssertion(ctx context.Context, issuer, id string, until time.Time, event audit.Event) error {
	return w.tx.addUnless(ctx, event, spentAssertionRowOf(issuer, id, until), insertingUnless("(assertion_hash)"), approval.ErrReplayed)
}
