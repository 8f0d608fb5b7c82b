package application_test

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/devicegate/devicegate/adapters/memory"
	"github.com/devicegate/devicegate/adapters/webui"
	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/application/applicationtest"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/notice"
	"github.com/devicegate/devicegate/domain/place"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

// ordered are the notices that wait, by kind.
func (s *fixture) ordered() (kinds []string, keys []string) {
	s.t.Helper()
	must(s.t, s.Store.Update(s.t.Context(), func(ctx context.Context, tx ports.Tx) error {
		all, err := tx.Jobs().Unfinished(ctx, ports.SendNotice)
		for _, j := range all {
			kind, _, _ := strings.Cut(j.Key, " ")
			kinds, keys = append(kinds, kind), append(keys, j.Key)
		}
		return err
	}))
	return kinds, keys
}

func (s *fixture) wantOrdered(want int) {
	s.t.Helper()
	if kinds, _ := s.ordered(); len(kinds) != want {
		s.t.Errorf("got %d notices, want %d", len(kinds), want)
	}
}

func TestAConnectedDeviceIsMailedAboutOnceAnHour(t *testing.T) {
	s := newFixture(t, applicationtest.Options{Mail: true})
	started := s.login(laptop)
	s.wantOrdered(0) // approved, not connected
	s.redeem(started.Code)
	s.wantOrdered(1)
	s.redeem(s.login(laptop).Code)
	s.wantOrdered(1)
	s.redeem(s.login("phone").Code)
	s.wantOrdered(2)
	s.Clock.Advance(notice.Interval)
	s.redeem(s.login(laptop).Code)
	s.wantOrdered(3)
}

func TestWithoutMailNothingIsOrdered(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	s.redeem(s.login(laptop).Code)
	s.wantOrdered(0)
}

// A webhook hears of each newly connected device, with or without mail.
func TestAWebhookHearsOfEachConnectedDevice(t *testing.T) {
	d := newDeliveries(t)
	started := d.login(laptop)
	redeemed := d.redeem(started.Code)
	d.Clock.Advance(2 * time.Minute)
	d.run()
	var heard []audit.Event
	for _, e := range d.sink.taken {
		if e.Kind == audit.TokenMinted {
			heard = append(heard, e)
		}
	}
	if len(heard) != 1 {
		t.Fatalf("got %d events of connected devices, want 1", len(heard))
	}
	e := heard[0]
	if e.TokenID != redeemed.Token.Snapshot().ID || e.DeviceLabel != laptop || e.ClientID != "difyctl" || e.Subject.Email().String() != "ann@acme.example" || e.Origin.IP.String() != home {
		t.Errorf("got %+v, want which device of which person, and from where", e)
	}
}

func TestARefusedRedemptionOrdersNoMail(t *testing.T) {
	s := newFixture(t, applicationtest.Options{Mail: true})
	started := s.login(laptop)
	s.Clock.Advance(time.Hour) // the approval is over
	if _, err := s.poll(started.Code, home); err == nil {
		t.Fatal("got a token, want none")
	}
	s.wantOrdered(0)
}

func TestANoticeIsSentInTheLanguageOfTheBrowser(t *testing.T) {
	s := newFixture(t, applicationtest.Options{Mail: true})
	started := s.start("<b>laptop</b>")
	proof := s.proof(s.signIn(started.UserCode, "ann@acme.example"), started.UserCode)
	origin := applicationtest.From(home)
	origin.Language = "de-AT"
	_, err := s.Approve.Execute(t.Context(), proof, started.UserCode, origin)
	must(t, err)
	s.redeem(started.Code)
	_, keys := s.ordered()

	mailer := new(memory.Mailer)
	send := application.NewSendNotice(s.Store, s.Clients, memory.Places{}, webui.NewNoticeWriter(webui.Config{}, nil), mailer)
	down := errors.New("the server is down")
	mailer.Fail(down)
	is(t, send.Execute(t.Context(), keys[0]), down) // and the job is tried again
	mailer.Fail(nil)
	must(t, send.Execute(t.Context(), keys[0]))
	sent := mailer.Sent()
	if len(sent) != 1 {
		t.Fatalf("got %d mails, want 1", len(sent))
	}
	m := sent[0]
	if m.To.String() != "ann@acme.example" || m.Language != "de" || !strings.Contains(m.Text, "Dify CLI") || !strings.Contains(m.Text, "Wenn Sie das waren") {
		t.Errorf("got %+v, want a German mail to ann that names the client", m)
	}
	if strings.Contains(m.HTML, "<b>laptop") || !strings.Contains(m.HTML, "&lt;b&gt;laptop") {
		t.Errorf("got %s, want the label escaped", m.HTML)
	}
}

func TestANoticeNamesThePlaceOfTheDevice(t *testing.T) {
	s := newFixture(t, applicationtest.Options{Mail: true})
	s.redeem(s.login(laptop).Code)
	_, keys := s.ordered()
	mailer := new(memory.Mailer)
	places := memory.Places{netip.MustParsePrefix("192.0.2.0/24"): place.New(place.Names{"en": "Cologne"}, nil, "")}
	send := application.NewSendNotice(s.Store, s.Clients, places, webui.NewNoticeWriter(webui.Config{}, nil), mailer)
	must(t, send.Execute(t.Context(), keys[0]))
	if m := mailer.Sent()[0]; !strings.Contains(m.Text, "Cologne") || !strings.Contains(m.HTML, "Cologne") {
		t.Errorf("got %s, want the place of the device", m.Text)
	}
}

func TestAnEventWithoutAPersonOrdersNoMail(t *testing.T) {
	s := newFixture(t, applicationtest.Options{Mail: true})
	must(t, s.Store.Update(t.Context(), func(ctx context.Context, tx ports.Tx) error {
		return application.NewNotices(true).Ended(ctx, tx, audit.New(audit.TokenRevoked, audit.AdminOf("ops"), s.Clock.Now(), applicationtest.From(office)))
	}))
	s.wantOrdered(0)
}

// The sweep may have deleted the login before its mail can be sent.
func TestANoticeIsSentWithoutItsLogin(t *testing.T) {
	s := newFixture(t, applicationtest.Options{Mail: true})
	subject := s.ownSessions(s.manage(ann)).SignIn.Subject
	about := audit.New(audit.TokenMinted, audit.ClientOf("difyctl"), s.Clock.Now(), applicationtest.From(home))
	about.Subject, about.ClientID, about.DeviceLabel, about.AuthorizationID = subject, "difyctl", laptop, uid.New(s.Clock.Now())
	must(t, s.Store.Update(t.Context(), func(ctx context.Context, tx ports.Tx) error { return tx.Audit().Record(ctx, about) }))
	mailer := new(memory.Mailer)
	send := application.NewSendNotice(s.Store, s.Clients, memory.Places{}, webui.NewNoticeWriter(webui.Config{}, nil), mailer)
	must(t, send.Execute(t.Context(), notice.Order{Kind: notice.DeviceConnected, Event: about.ID}.Key()))
	if sent := mailer.Sent(); len(sent) != 1 || sent[0].To.String() != ann {
		t.Errorf("got %+v, want the mail to %s", sent, ann)
	}
}

func TestARevocationByAnAdministratorIsMailedInTheLanguageOfTheLogin(t *testing.T) {
	s := newFixture(t, applicationtest.Options{Mail: true})
	started := s.start(laptop)
	proof := s.proof(s.signIn(started.UserCode, "ann@acme.example"), started.UserCode)
	origin := applicationtest.From(home)
	origin.Language = "ja"
	_, err := s.Approve.Execute(t.Context(), proof, started.UserCode, origin)
	must(t, err)
	redeemed := s.redeem(started.Code)

	var revoked audit.Event
	must(t, s.Store.Update(t.Context(), func(ctx context.Context, tx ports.Tx) error {
		token, err := tx.Tokens().ByID(ctx, redeemed.Token.Snapshot().ID)
		if err != nil {
			return err
		}
		revoked, _ = token.Revoke("contained", audit.AdminOf("ops"), s.Clock.Now(), applicationtest.From(office))
		revoked.AuthorizationID = uid.ID{} // found by the token then
		if err := tx.Tokens().Save(ctx, token, revoked); err != nil {
			return err
		}
		return application.NewNotices(true).Ended(ctx, tx, revoked)
	}))
	mailer := new(memory.Mailer)
	send := application.NewSendNotice(s.Store, s.Clients, memory.Places{}, webui.NewNoticeWriter(webui.Config{}, nil), mailer)
	must(t, send.Execute(t.Context(), notice.Order{Kind: notice.DeviceEnded, Event: revoked.ID}.Key()))
	m := mailer.Sent()[0]
	if m.Language != "ja" || !strings.Contains(m.Text, "管理者") || strings.Contains(m.Text, office) {
		t.Errorf("got %+v, want a Japanese mail without the administrator's address", m)
	}
}

func TestNoticesThatCannotBeSentAreDropped(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	mailer := new(memory.Mailer)
	send := application.NewSendNotice(s.Store, s.Clients, memory.Places{}, webui.NewNoticeWriter(webui.Config{}, nil), mailer)
	must(t, send.Execute(t.Context(), notice.Order{Kind: notice.DeviceConnected, Event: uid.New(s.Clock.Now())}.Key())) // its event is no longer kept
	if err := send.Execute(t.Context(), "of another release"); err == nil {
		t.Error("got nil for a key that cannot be read, want an error that shows")
	}
	if n := len(mailer.Sent()); n != 0 {
		t.Errorf("got %d mails, want none", n)
	}
}
