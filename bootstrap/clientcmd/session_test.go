package clientcmd

import (
	"strings"
	"testing"
	"time"
)

func TestWhoami(t *testing.T) {
	s, b := serve(t), newBench(t)
	b.exits(t, whoamiCommand{}.run(t.Context(), b.tool), exitNotSignedIn)
	b.login(t, s)
	b.exits(t, whoamiCommand{}.run(t.Context(), b.tool), 0)
	if got, want := b.out.String(), "alice@acme.example (https://idp.example) on "+s.URL+"\n"; got != want {
		t.Errorf("printed %q, want %q", got, want)
	}
	b.out.Reset()
	b.exits(t, whoamiCommand{JSON: true}.run(t.Context(), b.tool), 0)
	if got := b.lines(t)[0]; got["subject_email"] != "alice@acme.example" || got["server"] != s.URL {
		t.Errorf("got %v, want alice at the server", got)
	}
	s.live = map[string]bool{}
	err := whoamiCommand{}.run(t.Context(), b.tool)
	b.exits(t, err, exitNotSignedIn)
	if want := "run: devicegate login --server " + s.URL; !strings.Contains(err.Error(), want) {
		t.Errorf("got %q, want %q in it", err, want)
	}
}

func TestSessions(t *testing.T) {
	s, b := serve(t), newBench(t)
	b.login(t, s)
	b.exits(t, sessionsCommand{}.run(t.Context(), b.tool), 0)
	if got := b.out.String(); !strings.Contains(got, "id-1  difyctl  lap[31mtop  ") || !strings.Contains(got, "never") || strings.Contains(got, "\033") {
		t.Errorf("got %q, want a table without control characters", got)
	}
	b.out.Reset()
	b.exits(t, sessionsCommand{JSON: true}.run(t.Context(), b.tool), 0)
	if got := b.out.String(); !strings.HasPrefix(got, `[{"id":"id-1"`) {
		t.Errorf("got %q, want the list as JSON", got)
	}
	b.exits(t, sessionsCommand{Revoke: new("id-9")}.run(t.Context(), b.tool), exitFailure)
	b.exits(t, tokenCommand{}.run(t.Context(), b.tool), 0)
	b.exits(t, sessionsCommand{Revoke: new("id-1")}.run(t.Context(), b.tool), 0) // the one in use
	b.exits(t, tokenCommand{}.run(t.Context(), b.tool), exitNotSignedIn)
}

func TestLogout(t *testing.T) {
	s, b := serve(t), newBench(t)
	b.exits(t, logoutCommand{}.run(t.Context(), b.tool), exitNotSignedIn)
	b.login(t, s)
	s.down = true
	b.exits(t, logoutCommand{}.run(t.Context(), b.tool), exitFailure)
	b.exits(t, tokenCommand{}.run(t.Context(), b.tool), 0)
	s.down = false
	b.exits(t, logoutCommand{}.run(t.Context(), b.tool), 0)
	b.exits(t, tokenCommand{}.run(t.Context(), b.tool), exitNotSignedIn)
	if len(s.live) != 0 {
		t.Errorf("got the live tokens %v, want none", s.live)
	}
	b.login(t, s)
	s.down = true
	b.exits(t, logoutCommand{Local: true}.run(t.Context(), b.tool), 0)
	b.exits(t, tokenCommand{}.run(t.Context(), b.tool), exitNotSignedIn)
}

func TestSeveralServersAtOnce(t *testing.T) {
	one, two, b := serve(t), serve(t), newBench(t)
	b.login(t, one)
	b.login(t, two)
	err := tokenCommand{}.run(t.Context(), b.tool)
	b.exits(t, err, exitUsage)
	if !strings.Contains(err.Error(), one.URL) || !strings.Contains(err.Error(), two.URL) {
		t.Errorf("got %q, want both servers in it", err)
	}
	b.exits(t, logoutCommand{serverFlag: serverFlag{Server: new(one.URL + "/")}}.run(t.Context(), b.tool), 0)
	b.exits(t, tokenCommand{}.run(t.Context(), b.tool), 0)
}

// An empty value comes from an unset variable of a script, which meant one server or
// one session.
func TestEmptyValuesAreRefused(t *testing.T) {
	s, b := serve(t), newBench(t)
	b.login(t, s)
	b.exits(t, sessionsCommand{Revoke: new(" ")}.run(t.Context(), b.tool), exitUsage)
	b.exits(t, logoutCommand{serverFlag: serverFlag{Server: new("")}}.run(t.Context(), b.tool), exitUsage)
	b.exits(t, tokenCommand{}.run(t.Context(), b.tool), 0)
	t.Setenv("DEVICEGATE_SERVER", "")
	b.exits(t, tokenCommand{serverFlag: serverFlag{Server: new("")}}.run(t.Context(), b.tool), 0)
}

func TestAnExpiredTokenIsNotShown(t *testing.T) {
	s, b := serve(t), newBench(t)
	b.login(t, s)
	b.now = func() time.Time { return time.Date(2026, 12, 12, 12, 0, 0, 0, time.UTC) }
	b.exits(t, tokenCommand{}.run(t.Context(), b.tool), exitNotSignedIn)
}
