package application_test

import (
	"strings"
	"testing"
	"time"

	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/application/applicationtest"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/client"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/ports"
)

func (s *fixture) configure(wanted application.ClientChange) (application.ClientChanged, error) {
	return s.ConfigureClient.Execute(s.t.Context(), wanted, audit.AdminOf("ops"), applicationtest.From(office))
}

func named(name string) func(*client.Settings) { return func(s *client.Settings) { s.Name = name } }

func TestClientsAreConfiguredInTheDatabase(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	added, err := s.configure(application.ClientChange{ID: "cli", Add: true, Edit: named("CLI")})
	must(t, err)
	if c := added.Record.Client; c.Name() != "CLI" || c.Settings().Source != client.Database || added.Record.Version != 1 || !added.Changed {
		t.Errorf("got %+v, want CLI added to the database in version 1", added)
	}
	_, err = s.configure(application.ClientChange{ID: "cli", Add: true})
	is(t, err, ports.ErrClientTaken)
	edited, err := s.configure(application.ClientChange{ID: "cli", Version: 1, Edit: func(c *client.Settings) { c.TokenLife = time.Hour }})
	must(t, err)
	if c := edited.Record.Client.Settings(); c.Name != "CLI" || c.TokenLife != time.Hour || edited.Record.Version != 2 {
		t.Errorf("got %+v, want the name kept", edited)
	}
	_, err = s.configure(application.ClientChange{ID: "cli", Version: 1, Edit: named("X")})
	is(t, err, application.ErrClientChanged)
	same, err := s.configure(application.ClientChange{ID: "cli", Edit: named("CLI")})
	if err != nil || same.Changed || same.Record.Version != 2 {
		t.Errorf("got %+v, %v, want nothing to change", same, err)
	}
	_, err = s.configure(application.ClientChange{ID: "cli", Remove: true, DryRun: true})
	must(t, err)
	s.history("client.added client.changed")
	_, err = s.configure(application.ClientChange{ID: "cli", Remove: true})
	must(t, err)
	_, err = s.configure(application.ClientChange{ID: "cli", Remove: true, DryRun: true})
	is(t, err, ports.ErrUnknownClient)
	_, err = s.configure(application.ClientChange{ID: "cli", Edit: named("X")})
	is(t, err, ports.ErrUnknownClient)
	s.history("client.added client.changed client.removed")
}

func TestInvalidSettingsChangeNothing(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	_, err := s.configure(application.ClientChange{ID: "cli", Add: true, Edit: func(c *client.Settings) {
		c.Name, c.HomePage, c.TokenLife = "<b>", "http://x", -1
	}})
	f, _ := fault.Of(err)
	if f == nil || f.Code != "invalid_client" || !strings.Contains(f.Message, "name: ") || !strings.Contains(f.Message, "home_page: ") || !strings.Contains(f.Message, "token_ttl: ") {
		t.Errorf("got %v, want all three settings named", err)
	}
	_, err = s.configure(application.ClientChange{ID: "cli", Remove: true})
	is(t, err, ports.ErrUnknownClient)
}

func TestEachClientHasOneSource(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	var err error
	s.ClientsFile, err = client.NewDirectory(client.Must(client.Settings{ID: "filed", Source: client.File}))
	must(t, err)
	for _, wanted := range []application.ClientChange{
		{ID: "filed", Add: true}, {ID: "filed", Edit: suspended}, {ID: "filed", Remove: true},
	} {
		_, err := s.configure(wanted)
		is(t, err, application.ErrClientInFile)
	}
	_, err = s.configure(application.ClientChange{ID: "tv", Remove: true})
	is(t, err, application.ErrClientInEnvironment)

	taken, err := s.configure(application.ClientChange{ID: "tv", Edit: suspended}) // takes it over
	must(t, err)
	if !taken.Record.Client.Settings().Suspended || taken.Record.Version != 1 {
		t.Errorf("got %+v, want it suspended in version 1", taken)
	}
	_, err = s.configure(application.ClientChange{ID: "tv", Remove: true}) // it would be allowed again
	is(t, err, application.ErrClientInEnvironment)

	_, err = s.configure(application.ClientChange{ID: "both", Add: true})
	must(t, err)
	s.ClientsFile, err = client.NewDirectory(client.Must(client.Settings{ID: "both", Source: client.File}))
	must(t, err)
	all, err := s.ListClients.Execute(t.Context())
	must(t, err)
	var got []string
	for _, one := range all {
		line := one.Client.ID() + " " + string(one.Client.Settings().Source)
		if one.Conflict {
			line += " conflict"
		}
		got = append(got, line)
	}
	if want := "both file conflict, both database conflict, tv database, difyctl environment"; strings.Join(got, ", ") != want {
		t.Errorf("got %s, want %s", strings.Join(got, ", "), want)
	}
	_, err = s.configure(application.ClientChange{ID: "both", Remove: true}) // the way out of a conflict
	must(t, err)
}

func TestSuspendingAClientCanEndItsTokens(t *testing.T) {
	s := newFixture(t, applicationtest.Options{})
	live := s.redeem(s.login("live").Code)
	approved := s.login("approved")
	suspend := application.ClientChange{ID: "difyctl", Edit: suspended}
	_, err := s.configure(suspend)
	must(t, err)
	is(t, s.verifyRedeemed(live), nil)

	suspend.Revoke = true // it is suspended already
	done, err := s.configure(suspend)
	if err != nil || done.Changed || done.Revoked != (application.Revoked{Tokens: 1, Devices: 1}) {
		t.Errorf("got %+v, %v, want one token and one device", done, err)
	}
	if s.verifyRedeemed(live) == nil {
		t.Error("got a token that is still good, want it revoked")
	}
	_, err = s.poll(approved.Code, home)
	is(t, err, device.ErrAccessDenied)
}
