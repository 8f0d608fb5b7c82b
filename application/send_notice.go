package application

import (
	"context"
	"errors"
	"fmt"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/notice"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

// SendNotice sends a person the mail that a transaction has ordered.
type SendNotice struct {
	store   ports.Store
	clients ports.Clients
	places  ports.Places
	writer  ports.NoticeWriter
	mailer  ports.Mailer
}

// NewSendNotice makes the use case.
func NewSendNotice(store ports.Store, clients ports.Clients, places ports.Places, writer ports.NoticeWriter, mailer ports.Mailer) *SendNotice {
	return &SendNotice{store, clients, places, writer, mailer}
}

// Execute sends the notice that key orders ([notice.Order.Key]). It sends nothing
// if the event is no longer kept.
func (uc *SendNotice) Execute(ctx context.Context, key string) error {
	order, err := notice.ParseOrder(key)
	if err != nil {
		return err
	}
	var about audit.Event
	var login device.Snapshot
	err = uc.store.View(ctx, func(ctx context.Context, r ports.Reader) (err error) {
		if about, err = r.Audit().Find(ctx, order.Event); err != nil {
			return err
		}
		login, err = loginOf(ctx, r, about)
		return err
	})
	switch {
	case errors.Is(err, audit.ErrUnknown):
		return nil
	case err != nil:
		return fmt.Errorf("find what to tell: %w", err)
	}
	clients, err := uc.clients.Clients(ctx)
	if err != nil {
		return fmt.Errorf("list clients: %w", err)
	}
	n, err := notice.About(order, about, clients.Name(about.ClientID), login.Language, login.RedeemedFrom)
	if err != nil {
		return err
	}
	n.Place = uc.places.Of(n.From)
	m, err := uc.writer.Write(n)
	if err != nil {
		return fmt.Errorf("word the mail: %w", err)
	}
	if err := uc.mailer.Send(ctx, m); err != nil {
		return fmt.Errorf("send the mail: %w", err)
	}
	return nil
}

// loginOf is the login that an event belongs to; zero: it is no longer known.
func loginOf(ctx context.Context, r ports.Reader, e audit.Event) (device.Snapshot, error) {
	if !e.AuthorizationID.IsZero() {
		a, err := r.Authorizations().ByID(ctx, e.AuthorizationID)
		if errors.Is(err, device.ErrUnknown) {
			return device.Snapshot{}, nil
		}
		if err != nil {
			return device.Snapshot{}, err
		}
		return a.Snapshot(), nil
	}
	if e.TokenID.IsZero() {
		return device.Snapshot{}, nil
	}
	all, err := r.Authorizations().RedeemedFor(ctx, []uid.ID{e.TokenID})
	if err != nil || len(all) == 0 {
		return device.Snapshot{}, err
	}
	return all[0].Snapshot(), nil
}
