package notice_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/notice"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/uid"
)

var now = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

func minted(t *testing.T) audit.Event {
	t.Helper()
	email, err := identity.ParseEmail("ann@example.com")
	if err != nil {
		t.Fatal(err)
	}
	e := audit.New(audit.TokenMinted, audit.ClientOf("difyctl"), now, request.Origin{IP: netip.MustParseAddr("192.0.2.7")})
	e.ClientID, e.DeviceLabel = "difyctl", "laptop"
	if e.Subject, err = identity.NewSubject(email, "https://idp.example", ""); err != nil {
		t.Fatal(err)
	}
	return e
}

func TestAnOrderComesBackFromItsKey(t *testing.T) {
	for _, kind := range []notice.Kind{notice.DeviceConnected, notice.DeviceEnded} {
		want := notice.Order{Kind: kind, Event: uid.New(now)}
		if got, err := notice.ParseOrder(want.Key()); err != nil || got != want {
			t.Errorf("got %v, %v, want %v", got, err, want)
		}
	}
	id := uid.New(now).String()
	for _, key := range []string{"", "device_connected", "device_connected x", "other " + id, id, "device_connected " + id + " de", "device_connected " + (uid.ID{}).String()} {
		if got, err := notice.ParseOrder(key); err == nil {
			t.Errorf("%q: got %v, want an error", key, got)
		}
	}
}

func TestADeviceIsOnePersonsClientAndLabel(t *testing.T) {
	e := minted(t)
	for name, change := range map[string]func(*audit.Event){
		"client": func(e *audit.Event) { e.ClientID = "tv" },
		"label":  func(e *audit.Event) { e.DeviceLabel = "phone" },
		"person": func(e *audit.Event) {
			e.Subject, _ = identity.NewSubject(e.Subject.Email(), "https://other.example", "")
		},
		"split": func(e *audit.Event) { e.ClientID, e.DeviceLabel = "difyctll", "aptop" },
	} {
		other := e
		change(&other)
		if notice.DeviceOf(other) == notice.DeviceOf(e) {
			t.Errorf("%s: got the same device, want another", name)
		}
	}
	again := e
	again.ID, again.At = uid.New(now.Add(time.Hour)), now.Add(time.Hour)
	if notice.DeviceOf(again) != notice.DeviceOf(e) {
		t.Error("got another device for a later login, want the same")
	}
}

func TestANoticeIsAboutAPerson(t *testing.T) {
	e, device := minted(t), netip.MustParseAddr("192.0.2.8")
	told, err := notice.About(notice.Order{Kind: notice.DeviceConnected, Event: e.ID}, e, "", "de", device)
	if err != nil || told.Client != "difyctl" || told.From != device || told.To != e.Subject.Email() {
		t.Errorf("got %+v, %v, want a notice to %v about difyctl, from %v", told, err, e.Subject.Email(), device)
	}
	if told, _ = notice.About(notice.Order{Kind: notice.DeviceEnded, Event: e.ID}, e, "Dify", "de", device); told.From.IsValid() || told.Client != "Dify" {
		t.Errorf("got %+v, want no address: it is an administrator's", told)
	}
	if _, err := notice.About(notice.Order{Kind: notice.DeviceEnded, Event: uid.New(now)}, e, "", "", device); err == nil {
		t.Error("got no error for another event, want one")
	}
	e.Subject = identity.Subject{}
	if _, err := notice.About(notice.Order{Kind: notice.DeviceConnected, Event: e.ID}, e, "", "", device); err == nil {
		t.Error("got no error for an event about no person, want one")
	}
}

func TestPausesGrowAndLastADay(t *testing.T) {
	var total time.Duration
	for failed := 1; failed < notice.Attempts; failed++ {
		pause := notice.PauseAfter(failed)
		if failed > 1 && pause < notice.PauseAfter(failed-1) {
			t.Errorf("after %d failures: got a pause of %s, want one of %s at least", failed, pause, notice.PauseAfter(failed-1))
		}
		total += pause
	}
	if total < 24*time.Hour {
		t.Errorf("got %s in all, want a day at least", total)
	}
	if notice.PauseAfter(0) <= 0 || notice.PauseAfter(1000) <= 0 {
		t.Error("got no pause outside the table, want one")
	}
}
