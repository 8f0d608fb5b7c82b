package e2e

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/devicegate/devicegate/bootstrap/demo"
)

func embeddedWorld(t *testing.T) *fixture {
	database, redis := embedded.open(t)
	return newFixture(t, database, redis)
}

// logsIn plays a login that needs no second poll.
func (w *fixture) logsIn(d difyctl, label string) difyctlToken {
	w.t.Helper()
	codes, err := d.start(w.t.Context(), label)
	if err != nil {
		w.t.Fatal(err)
	}
	w.ends(w.person("alice", "approve"), codes, "approved")
	got, err := d.wait(w.t.Context(), codes)
	if err != nil {
		w.t.Fatal(err)
	}
	return got
}

func TestDifyctlLogsInListsRevokesAndLogsOut(t *testing.T) {
	everywhere(t, func(t *testing.T, w *fixture) {
		d := w.difyctl(w.public)
		laptop, server := w.logsIn(d, "laptop"), w.logsIn(d, "server")
		if laptop.SubjectType != "external_sso" || laptop.SubjectEmail != "alice@acme.example" || laptop.Account != nil || laptop.Workspaces == nil {
			t.Errorf("got %+v, want an external subject", laptop)
		}
		var list difyctlSessions
		if err := d.call(t.Context(), http.MethodGet, "account/sessions?page=1&limit=100", laptop.Token, &list); err != nil {
			t.Fatal(err)
		}
		if list.Total != 2 || list.HasMore || len(list.Data) != 2 || list.Data[0].Label != "server" || list.Data[1].ID != laptop.ID {
			t.Errorf("got %+v, want two sessions", list)
		}
		var ended struct{ Status string }
		if err := d.call(t.Context(), http.MethodDelete, "account/sessions/"+server.ID, laptop.Token, &ended); err != nil || ended.Status != "revoked" {
			t.Errorf("revoke: got %+v, %v, want revoked", ended, err)
		}
		if err := d.call(t.Context(), http.MethodDelete, "account/sessions/self", laptop.Token, &ended); err != nil || ended.Status != "revoked" {
			t.Errorf("log out: got %+v, %v, want revoked", ended, err)
		}
		for _, dead := range []difyctlToken{laptop, server} {
			err := d.call(t.Context(), http.MethodGet, "account", dead.Token, &list)
			if no := (difyctlRefusal{}); !errors.As(err, &no) || no.Status != http.StatusUnauthorized {
				t.Errorf("a dead token: got %v, want a 401 that it can read", err)
			}
		}
		if err := d.call(t.Context(), http.MethodGet, "account/sessions?limit=1000", laptop.Token, &list); !errors.As(err, new(difyctlRefusal)) {
			t.Errorf("got %v, want an error that it can read", err)
		}
	})
}

func TestDifyctlLoginOutcomes(t *testing.T) {
	t.Parallel()
	w := embeddedWorld(t)
	w.serve()
	d := w.difyctl(w.public)
	denied, err := d.start(t.Context(), "laptop")
	if err != nil {
		t.Fatal(err)
	}
	w.ends(w.person("alice", "deny"), denied, "denied")
	if _, err := d.wait(t.Context(), denied); !errors.Is(err, errDifyctlDenied) {
		t.Errorf("denied: got %v, want access_denied", err)
	}
	expired, err := d.start(t.Context(), "laptop")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.wait(t.Context(), expired); !errors.Is(err, errDifyctlExpired) {
		t.Errorf("expired: got %v, want expired_token", err)
	}
}

func TestDifyctlKeepsPolling(t *testing.T) {
	for name, c := range map[string]struct {
		during func(w *fixture, d *difyctl, codes demo.Codes) // the first pause
		most   time.Duration                                  // what all pauses may add up to
	}{
		"after slow_down": {func(w *fixture, d *difyctl, codes demo.Codes) {
			again, err := d.poll(w.t.Context(), codes) // from a second process, say
			if err != nil || again.Error != "slow_down" {
				w.t.Errorf("polled at once: got %+v, %v, want slow_down", again, err)
			}
		}, 10 * time.Second},
		"through an approval while it waits": {func(*fixture, *difyctl, demo.Codes) {}, 5 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := embeddedWorld(t)
			w.serve()
			d := w.difyctl(w.public)
			codes, err := d.start(t.Context(), "laptop")
			if err != nil {
				t.Fatal(err)
			}
			waited, pauses := time.Duration(0), 0
			d.sleep = func(pause time.Duration) {
				if pauses++; pauses == 1 {
					c.during(w, &d, codes)
					w.ends(w.person("alice", "approve"), codes, "approved")
				}
				waited += pause
				w.skip(pause)
			}
			if _, err := d.wait(t.Context(), codes); err != nil || waited > c.most {
				t.Errorf("got %v after %s, want a token within %s", err, waited, c.most)
			}
		})
	}
}

func TestDifyctlKeepsPollingThroughARestart(t *testing.T) {
	t.Parallel()
	w := embeddedWorld(t)
	stop := w.serve()
	d := w.difyctl(front(t, w.public))
	codes, err := d.start(t.Context(), "laptop")
	if err != nil {
		t.Fatal(err)
	}
	pauses := 0
	d.sleep = func(pause time.Duration) {
		w.skip(pause)
		switch pauses++; pauses {
		case 1: // pending: the server goes away
			stop()
		case 3: // after two answers of 502 it is back
			w.serve()
			w.ends(w.person("alice", "approve"), codes, "approved")
		}
	}
	if got, err := d.wait(t.Context(), codes); err != nil || pauses < 3 {
		t.Errorf("got %+v, %v after %d pauses, want a token", got, err, pauses)
	}
}

func TestDifyctlGetsATokenWhoseAnswerWasLost(t *testing.T) {
	t.Parallel()
	w := embeddedWorld(t)
	w.serve()
	line := newTCPProxy(t, strings.TrimPrefix(w.public, "http://"))
	d := w.difyctl(front(t, "http://"+line.listener.Addr().String()))
	codes, err := d.start(t.Context(), "laptop")
	if err != nil {
		t.Fatal(err)
	}
	w.ends(w.person("alice", "approve"), codes, "approved")
	line.lose.Store(1)
	got, err := d.wait(t.Context(), codes)
	if err != nil {
		t.Fatal(err)
	}
	if line.lose.Load() != 0 {
		t.Error("got no lost answer, want one")
	}
	if n := w.liveTokens(); n != 1 {
		t.Errorf("got %d live tokens, want 1", n)
	}
	var who struct {
		Email string `json:"subject_email"`
	}
	if err := d.call(t.Context(), http.MethodGet, "account", got.Token, &who); err != nil || who.Email != "alice@acme.example" {
		t.Errorf("got %+v, %v, want alice", who, err)
	}
}
