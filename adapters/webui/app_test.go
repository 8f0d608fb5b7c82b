package webui_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

const pngBytes = "\x89PNG\r\n\x1a\n\x00"

// withClients is a fixture with a clients file.
func withClients(t *testing.T, clients string, through ...via) *fixture {
	t.Helper()
	s := newFixture(t, through...)
	s.write("icon.png", []byte(pngBytes))
	s.env["CLIENTS_FILE"] = s.write("clients.yaml", []byte("clients:\n"+clients))
	s.serve()
	return s
}

func TestTheDecisionPageSaysWhatTheOperatorKnowsOfTheClient(t *testing.T) {
	s := withClients(t, `  - id: difyctl
    name: Dify & Co
    publisher: LangGenius
    home_page: https://dify.example/cli?a=b
    icon_file: icon.png
    scopes: [apps:run, orders:read]
    scope_texts:
      orders:read: {en: see your orders, de: Ihre Bestellungen sehen}
`, acme)
	v := s.visitor(home)
	page := v.signIn(s.device(label, home).UserCode, "alice")
	v.sees(page, "decide", "")
	if got, want := words(page.element("app")), "Dify & Co by LangGenius · dify.example"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, want := range []string{`href="https://dify.example/cli?a=b"`, "noopener noreferrer", "see your orders", "run apps that you have access to", "Calls itself"} {
		if !strings.Contains(page.text, want) {
			t.Errorf("%q is missing on the page", want)
		}
	}
	if german := v.get(page.inLanguage("de")); !strings.Contains(german.text, "Ihre Bestellungen sehen") {
		t.Errorf("got %q, want the client's own sentence in the reader's language", german.text)
	}
	_, rest, _ := strings.Cut(page.text, `<img class="app-icon" src="`)
	src, _, _ := strings.Cut(rest, `"`)
	icon := v.get(src)
	if icon.text != pngBytes || icon.header.Get("Content-Type") != "image/png" || !strings.Contains(icon.header.Get("Content-Security-Policy"), "sandbox") {
		t.Errorf("got %d %v, want the icon in a sandbox", icon.status, icon.header)
	}
	if gone := v.get("/device/assets/client-000000000000.png"); gone.status != http.StatusNotFound {
		t.Errorf("got %d for an icon of no client, want 404", gone.status)
	}
}

// What a device calls itself is marked as that, and the client stands beside it: a
// name that looks like a client's is still the device's own.
func TestTheDecisionPageMarksTheDevicesOwnName(t *testing.T) {
	s := withClients(t, "  - {id: difyctl, name: Dify CLI}\n", acme)
	v := s.visitor(home)
	page := v.signIn(s.device("Microsoft Teams", home).UserCode, "alice")
	v.sees(page, "decide", "")
	if want := "Calls itselfMicrosoft Teams Dify CLI"; !strings.Contains(words(page.main()), want) {
		t.Errorf("got %s, want %q", words(page.main()), want)
	}
	if !strings.Contains(page.text, "<q><bdi>Microsoft Teams</bdi></q>") {
		t.Error("got the name without quotation marks, want it quoted")
	}
}

func TestAClientThatIsOnlyNamedHasNoRowOfItsOwn(t *testing.T) {
	s := served(t)
	v := s.visitor(home)
	page := v.signIn(s.device(label, home).UserCode, "alice")
	v.sees(page, "decide", "")
	if got := page.element("app"); got != nil {
		t.Errorf("got %q, want nothing", words(got))
	}
}

func TestOnlyTheClientsConnectionsAreOffered(t *testing.T) {
	other := via{slug: "beta", name: "Beta", domain: "beta.example", public: true}
	third := via{slug: "gamma", name: "Gamma", domain: "gamma.example", public: true}
	s := withClients(t, "  - {id: difyctl, connections: [acme, beta]}\n  - {id: tv, connections: [beta]}\n", acme, other, third)
	v := s.visitor(home)
	page := v.post("/device", url.Values{"user_code": {s.device(label, home).UserCode}})
	if page.element("connection-acme") == nil || page.element("connection-beta") == nil || page.element("connection-gamma") != nil {
		t.Errorf("got %s, want acme and beta offered", page.text)
	}
	v.sees(v.get("/openapi/v1/oauth/device/sso-initiate?connection=gamma&user_code="+s.device(label, home).UserCode), "error", "connection_not_allowed")
}

func TestASuspendedClientIsExplainedOnThePage(t *testing.T) {
	s := served(t)
	page := s.visitor(home).get("/device?sso_error=unsupported_client&sso_reason=client_suspended")
	if got := words(page.main()); !strings.Contains(got, "This app is not allowed here") {
		t.Errorf("got %q, want that the app is not allowed here", got)
	}
}
