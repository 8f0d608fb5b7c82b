package device_test

import (
	"errors"
	"testing"

	"github.com/devicegate/devicegate/domain/device"
)

func TestAVisitLetsNoDeviceIn(t *testing.T) {
	visit, begun1 := device.Visit(device.StandardTiming, begun, home)
	if !visit.IsVisit() || start(t).IsVisit() || begun1.ClientID != visit.Snapshot().ClientID {
		t.Errorf("begun as %+v", visit.Snapshot())
	}
	if err := visit.CheckPending(begun); err != nil {
		t.Errorf("nobody can sign in for it: %v", err)
	}
	before := visit.Snapshot()
	if _, err := visit.Approve(alice(t), begun, away); !errors.Is(err, device.ErrNotPending) {
		t.Errorf("approved: %v", err)
	}
	if _, err := visit.Deny(alice(t), begun, away); !errors.Is(err, device.ErrNotPending) {
		t.Errorf("denied: %v", err)
	}
	if visit.Snapshot() != before {
		t.Error("it has changed")
	}
}

func TestNoClientCanPassForOurOwnPages(t *testing.T) {
	visit, _ := device.Visit(device.StandardTiming, begun, home)
	id := visit.Snapshot().ClientID
	if _, err := device.NewClients(device.Client{ID: id}).Find(id); !errors.Is(err, device.ErrUnsupportedClient) {
		t.Errorf("%s is found: %v", id, err)
	}
}

func TestWhatWasTakenBackIsNotAnsweredAgain(t *testing.T) {
	a := in(t, device.Redeemed)
	token := issued(t, a)
	if err := a.MarkUndelivered(token); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Undo(alice(t), begun.Add(70*second), away); err != nil {
		t.Fatal(err)
	}
	if err := a.Repeat(token, device.StandardTiming, begun.Add(75*second), home); !errors.Is(err, device.ErrExpiredToken) {
		t.Errorf("it was repeated: %v", err)
	}
}
