package application

import (
	"context"
	"fmt"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/notice"
	"github.com/devicegate/devicegate/ports"
)

// MailOn says that devicegate sends mails to people.
type MailOn bool

// Notices orders mails to people in the transactions that cause them. Without
// mail it does nothing.
type Notices struct{ on MailOn }

// NewNotices makes the part that use cases share.
func NewNotices(on MailOn) *Notices { return &Notices{on} }

// connected orders the notice of a new token, unless one of the same device was
// ordered within the hour.
func (n *Notices) connected(ctx context.Context, tx ports.Tx, minted audit.Event) error {
	if !n.on {
		return nil
	}
	first, err := tx.Notices().Claim(ctx, notice.DeviceOf(minted), minted)
	if err != nil || !first {
		return err
	}
	return n.order(ctx, tx, notice.DeviceConnected, minted)
}

// Ended orders the notice that an administrator has ended the access of a device.
// The event is that of its token ([audit.TokenRevoked]) or, before it had one, of its
// approval ([audit.DeviceFlowDenied]).
func (n *Notices) Ended(ctx context.Context, tx ports.Tx, ended audit.Event) error {
	if !bool(n.on) || ended.Subject.IsZero() {
		return nil
	}
	return n.order(ctx, tx, notice.DeviceEnded, ended)
}

func (n *Notices) order(ctx context.Context, tx ports.Tx, kind notice.Kind, about audit.Event) error {
	job := ports.Job{Kind: ports.SendNotice, Key: notice.Order{Kind: kind, Event: about.ID}.Key()}
	if err := tx.Jobs().Enqueue(ctx, job); err != nil {
		return fmt.Errorf("order notice: %w", err)
	}
	return nil
}
