package device_test

import (
	"errors"
	"testing"
	"time"

	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/internal/proof"
)

// An approval of the last moment is the latest that can be redeemed.
func TestAnAuthorizationIsDeletedOnlyWhenNothingCanHappenToItAnyMore(t *testing.T) {
	a := start(t)
	end := a.Snapshot().ExpiresAt
	if _, err := a.Approve(decision(proof.Approve, a, alice(t), end.Add(-time.Microsecond)), life, away); err != nil {
		t.Fatal(err)
	}
	deletable := end.Add(time.Hour + time.Microsecond)
	if !end.Before(device.DeletableBefore(deletable)) || end.Before(device.DeletableBefore(deletable.Add(-time.Microsecond))) {
		t.Errorf("at %v: got %v, want an hour before", deletable, device.DeletableBefore(deletable))
	}
	if err := a.CheckPoll("difyctl", deletable); !errors.Is(err, device.ErrExpiredToken) {
		t.Errorf("got %v, want ErrExpiredToken", err)
	}
	if err := a.CheckPending(deletable); !errors.Is(err, device.ErrNotPending) {
		t.Errorf("got %v, want ErrNotPending", err)
	}
}
