package clientcmd

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"
)

func TestLogin(t *testing.T) {
	s, b := serve(t, "authorization_pending", "slow_down"), newBench(t)
	b.exits(t, loginCommand{Server: s.URL, ClientID: "difyctl", Mount: "auto", QR: true}.run(t.Context(), b.tool), 0)
	if got, want := b.out.String(), "Signed in to "+s.URL+" as alice@acme.example.\n"; got != want {
		t.Errorf("printed %q, want %q", got, want)
	}
	for _, want := range []string{"Open   " + s.URL + "/device?user_code=ABCD-EFGH\n", "Enter  ABCD-EFGH\n", "No keychain answers"} {
		if !strings.Contains(b.err.String(), want) {
			t.Errorf("want %q on standard error, got %s", want, b.err)
		}
	}
	if strings.ContainsAny(b.err.String(), "█\r\033") || b.opened != nil {
		t.Errorf("without a terminal: got %v opened and %q printed, want neither a browser nor control characters", b.opened, b.err)
	}
	b.out.Reset()
	b.exits(t, tokenCommand{}.run(t.Context(), b.tool), 0)
	if got := b.out.String(); got != "dfoe_secret1\n" {
		t.Errorf("got %q printed, want the token on a line", got)
	}
}

func TestLoginOnATerminal(t *testing.T) {
	s, b := serve(t, "authorization_pending"), newBench(t)
	b.terminal = true
	b.exits(t, loginCommand{Server: s.URL, ClientID: "difyctl", Mount: "auto", QR: true}.run(t.Context(), b.tool), 0)
	for _, want := range []string{"█", "Waiting for the approval, 15m0s left", "14m56s left", clearLine} {
		if !strings.Contains(b.err.String(), want) {
			t.Errorf("want %q on standard error, got %q", want, b.err)
		}
	}
	if len(b.opened) != 1 || b.opened[0] != s.URL+"/device?user_code=ABCD-EFGH" {
		t.Errorf("got %v opened, want the complete address", b.opened)
	}
	quiet := newBench(t)
	quiet.terminal = true
	quiet.exits(t, loginCommand{Server: s.URL, ClientID: "difyctl", Mount: "auto", NoBrowser: true}.run(t.Context(), quiet.tool), 0)
	if strings.Contains(quiet.err.String(), "█") || quiet.opened != nil {
		t.Errorf("--no-qr --no-browser: got %v opened and %q printed, want neither", quiet.opened, quiet.err)
	}
}

func TestLoginForScripts(t *testing.T) {
	s, b := serve(t), newBench(t)
	b.exits(t, loginCommand{Server: s.URL, ClientID: "difyctl", Mount: "auto", JSON: true, NoKeychain: true}.run(t.Context(), b.tool), 0)
	lines := b.lines(t)
	if len(lines) != 2 || lines[0]["event"] != "code" || lines[0]["user_code"] != "ABCD-EFGH" || lines[1]["event"] != "signed_in" ||
		lines[1]["subject_email"] != "alice@acme.example" || lines[1]["stored_in"] != "file" || lines[1]["expires_at"] != "2026-12-12T12:00:00Z" {
		t.Errorf("got %v, want the code and then who signed in", lines)
	}
	if all := b.out.String() + b.err.String(); strings.Contains(all, "secret") {
		t.Errorf("got a secret in %s, want none", all)
	}
}

func TestHowALoginEnds(t *testing.T) {
	for name, c := range map[string]struct {
		answers []string
		code    int
		word    string
	}{
		"denied":  {[]string{"access_denied"}, 3, "denied"},
		"expired": {[]string{"expired_token"}, 4, "expired"},
		"refused": {[]string{"invalid_request"}, 1, "failed"},
	} {
		s, b := serve(t, c.answers...), newBench(t)
		b.exits(t, loginCommand{Server: s.URL, ClientID: "difyctl", Mount: "auto", JSON: true}.run(t.Context(), b.tool), c.code)
		if lines := b.lines(t); len(lines) != 2 || lines[1]["event"] != "failed" || lines[1]["error"] != c.word || lines[1]["message"] == "" {
			t.Errorf("%s: got %v, want the code and then the failure", name, lines)
		}
		b.exits(t, tokenCommand{}.run(t.Context(), b.tool), exitNotSignedIn)
	}
	b := newBench(t)
	b.exits(t, loginCommand{Server: "ftp://x", Mount: "auto"}.run(t.Context(), b.tool), exitUsage)
}

func TestALoginNamesThePersonWhoWillApprove(t *testing.T) {
	s, free := serve(t), newBench(t)
	free.login(t, s)
	if s.asked.Has("login_hint") {
		t.Errorf("got login_hint %q without the flag, want none", s.asked.Get("login_hint"))
	}
	for hint, want := range map[string]string{"alice@acme.example": "alice@acme.example", " Alice@Acme.example ": "Alice@Acme.example"} {
		b := newBench(t)
		b.exits(t, loginCommand{Server: s.URL, ClientID: "difyctl", Mount: "auto", LoginHint: &hint}.run(t.Context(), b.tool), 0)
		if got := s.asked.Get("login_hint"); got != want {
			t.Errorf("%q: got login_hint %q, want %q", hint, got, want)
		}
	}
	issued := s.issued
	for _, hint := range []string{
		"", " ", "alice", "@acme.example", "alice@", "a@b@c", "alice@acme.example,bob@acme.example", "alice@acme.example bob@acme.example",
		"Alice <alice@acme.example>", "alice\x00@acme.example", "https://acme.example", strings.Repeat("a", 300) + "@acme.example",
	} {
		b := newBench(t)
		err := loginCommand{Server: s.URL, ClientID: "difyctl", Mount: "auto", LoginHint: &hint}.run(t.Context(), b.tool)
		b.exits(t, err, exitUsage)
		if !strings.Contains(err.Error(), "--login-hint") || !strings.Contains(err.Error(), "such as ada@example.com") {
			t.Errorf("%q: got %q, want the flag and an example", hint, err)
		}
	}
	if s.issued != issued {
		t.Errorf("got %d tokens, want %d: what is no address starts no login", s.issued, issued)
	}
}

func TestInterruptedLogin(t *testing.T) {
	s, b := serve(t, "authorization_pending"), newBench(t)
	ctx, cancel := context.WithCancel(t.Context())
	b.wait = func(ctx context.Context, d time.Duration) error {
		if d > 0 {
			cancel()
		}
		return ctx.Err()
	}
	err := loginCommand{Server: s.URL, ClientID: "difyctl", Mount: "auto"}.run(ctx, b.tool)
	b.exits(t, err, exitInterrupted)
	if !strings.Contains(err.Error(), "interrupted, nothing was kept; code ABCD-EFGH stays good until") {
		t.Errorf("got %q, want what happened to the code", err)
	}
	if servers, _ := b.store.Servers(); len(servers) != 0 {
		t.Errorf("got tokens for %v, want none", servers)
	}
}

func TestANewLoginEndsTheTokenThatItReplaces(t *testing.T) {
	s, b := serve(t), newBench(t)
	b.login(t, s)
	b.login(t, s)
	if len(s.live) != 1 || !s.live["dfoe_secret2"] {
		t.Errorf("got the live tokens %v, want the second alone", s.live)
	}
}

func TestATokenThatCannotBeKeptIsRevoked(t *testing.T) {
	s, b := serve(t), newBench(t)
	b.store.Dir += "/file"
	if err := os.WriteFile(b.store.Dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	err := loginCommand{Server: s.URL, ClientID: "difyctl", Mount: "auto"}.run(t.Context(), b.tool)
	b.exits(t, err, exitFailure)
	if !strings.Contains(err.Error(), "the login was undone") || len(s.live) != 0 {
		t.Errorf("got %q and the live tokens %v, want the login undone", err, s.live)
	}
}

func TestPlainHTTPToAnotherMachineCausesAWarning(t *testing.T) {
	b := newBench(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_ = loginCommand{Server: "http://sso.example.com", Mount: "auto"}.run(ctx, b.tool)
	if !strings.Contains(b.err.String(), "is not https") {
		t.Errorf("got %q, want a warning", b.err)
	}
}
