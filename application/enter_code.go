package application

import (
	"context"
	"errors"
	"fmt"

	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/incident"
	"github.com/devicegate/devicegate/domain/quota"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/ports"
)

// EnterCode takes the user code that a person types after signing in, because it
// could not be looked up before.
type EnterCode struct {
	store   ports.Store
	limiter ports.Limiter
	csrf    approval.CSRFKeys
	watch   *PhishingWatch
	now     ports.Clock
}

// NewEnterCode makes the use case.
func NewEnterCode(store ports.Store, limiter ports.Limiter, csrf approval.CSRFKeys, watch *PhishingWatch, now ports.Clock) *EnterCode {
	return &EnterCode{store, limiter, csrf, watch, now}
}

// Execute makes the browser's grant one for the device that shows the typed code.
// Wrong codes count per person, each once. It returns
// [approval.ErrInvalidSession], [approval.ErrCSRF], [quota.ErrExceeded] with the
// allowance, and [device.ErrInvalidUserCode].
func (uc *EnterCode) Execute(ctx context.Context, by approval.Proof, typed string, origin request.Origin) (device.UserCode, quota.Allowance, error) {
	person, err := uc.person(ctx, by)
	if err != nil {
		return device.UserCode{}, quota.Allowance{}, err
	}
	if left, err := allow(uc.limiter.Peek(ctx, quota.EnterCode, person)); err != nil {
		return device.UserCode{}, left, err
	}
	code, err := device.ParseUserCode(typed)
	if err == nil {
		err = uc.enter(ctx, by, code, origin)
	}
	if errors.Is(err, device.ErrInvalidUserCode) {
		_, _ = uc.limiter.TakeDistinct(ctx, quota.EnterCode, person, device.NormalizeUserCode(typed))
	}
	return code, quota.Allowance{}, err
}

func (uc *EnterCode) person(ctx context.Context, by approval.Proof) (key string, err error) {
	err = uc.store.View(ctx, func(ctx context.Context, r ports.Reader) error {
		grants, err := r.Grants().BySession(ctx, by.Session.Digest())
		if err != nil {
			return fmt.Errorf("find grants: %w", err)
		}
		grant, err := grants.Authenticate(by.CSRF, uc.csrf, uc.now())
		if err == nil {
			key = byPerson(grant.Snapshot().Subject)
		}
		return err
	})
	return key, err
}

func (uc *EnterCode) enter(ctx context.Context, by approval.Proof, code device.UserCode, origin request.Origin) error {
	var observed []watched
	err := uc.store.Update(ctx, func(ctx context.Context, tx ports.Tx) error {
		grants, err := tx.Grants().BySession(ctx, by.Session.Digest())
		if err != nil {
			return fmt.Errorf("find grants: %w", err)
		}
		grant, err := grants.Authenticate(by.CSRF, uc.csrf, uc.now())
		if err != nil {
			return err
		}
		a, err := tx.Authorizations().ByUserCode(ctx, code)
		if errors.Is(err, device.ErrUnknown) {
			return device.ErrInvalidUserCode
		}
		if err != nil {
			return fmt.Errorf("find user code: %w", err)
		}
		entered, err := grant.EnterCode(a, uc.now(), origin)
		if errors.Is(err, device.ErrNotPending) {
			return device.ErrInvalidUserCode // used and expired codes look like unknown ones
		}
		if err != nil {
			return err
		}
		if err := tx.Grants().Save(ctx, grant, entered); err != nil {
			return fmt.Errorf("save grant: %w", err)
		}
		observed, err = uc.watch.keepPerson(ctx, tx, incident.Opened, a.Snapshot(), grant.Snapshot().Subject, incident.Browser{Session: by.Session.Digest(), SignedInFrom: grant.Snapshot().SignedInFrom}, entered)
		return err
	})
	if err == nil {
		uc.watch.assess(ctx, observed...)
	}
	return err
}
