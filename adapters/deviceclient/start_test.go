package deviceclient_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/devicegate/devicegate/adapters/deviceclient"
)

func TestParseServer(t *testing.T) {
	for text, want := range map[string]string{
		"sso.example.com":               "https://sso.example.com",
		" HTTPS://SSO.Example.COM:443/": "https://sso.example.com",
		"http://localhost:80":           "http://localhost",
		"http://localhost:8080/":        "http://localhost:8080",
		"https://h.example/gate//x/../": "https://h.example/gate",
		"http://[::1]:8080":             "http://[::1]:8080",
		"https://h.example:99999":       "", "https://h.example:0": "", "not a url": "",
		"ftp://h.example": "", "https://": "", "": "", "https://u:p@h.example": "", "https://h.example/?a=b": "", "https://h.example/#a": "",
	} {
		got, err := deviceclient.ParseServer(text)
		if got.String() != want || (err == nil) != (want != "") {
			t.Errorf("%q: got %q (%v), want %q", text, got, err, want)
		}
	}
}

func TestAWrongPathIsNamedInTheError(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	for path, want := range map[string]bool{"": false, "/": false, "/device": true} {
		at, err := deviceclient.ParseServer(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		client := deviceclient.New(at, "difyctl")
		client.HTTP = deviceclient.NewHTTPClient(nil)
		_, err = client.Start(t.Context(), deviceclient.Login{})
		var refusal *deviceclient.Refusal
		if hint := strings.HasSuffix(fmt.Sprint(err), "the server's address is "+server.URL+", without the path"); !errors.As(err, &refusal) || hint != want {
			t.Errorf("%q: got %v, want a refusal with a hint: %t", path, err, want)
		}
	}
}

// Each invalid address is refused with the reason, and without secrets in it.
func TestAnInvalidAddressIsRefusedWithTheReason(t *testing.T) {
	for text, want := range map[string]string{
		"":                                "no server is named",
		"ftp://h.example":                 "begin with https:// or http://",
		"file:///etc/hosts":               "begin with https:// or http://",
		"://h.example":                    "begin with https:// or http://",
		"https://":                        "no host",
		"https:///device":                 "no host",
		"https//h.example":                ":// between https and the host",
		"https:/h.example":                ":// between https and the host",
		"HTTP:h.example":                  "a port that is no number",
		"https://:8443":                   "no host",
		"https://ann:hunter2@h.example":   "must not have a user or a password",
		"ann@h.example":                   "must not have a user or a password",
		"https://h.example/?token=secret": "leave out the ? or #",
		"https://h.example?":              "leave out the ? or #",
		"https://h.example/#a":            "leave out the ? or #",
		"https://h.example:99999":         "from 1 to 65535",
		"https://h.example:port":          "a port that is no number",
		"https://exa mple.com":            "a character that no address has",
		"https://[::1":                    "a character that no address has",
	} {
		_, err := deviceclient.ParseServer(text)
		if !errors.Is(err, deviceclient.ErrServer) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "such as https://") {
			t.Errorf("%q: got %v, want %s, and an example", text, err, want)
		}
		for _, secret := range []string{"hunter2", "secret"} {
			if err != nil && strings.Contains(err.Error(), secret) {
				t.Errorf("%q: got %v, want nothing secret", text, err)
			}
		}
	}
}

// An address without a server is reported with what to do.
func TestAWrongServerIsReportedWithAHint(t *testing.T) {
	lookUp := func(err net.DNSError) http.RoundTripper {
		return roundTripper(func(*http.Request) (*http.Response, error) {
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: &err}
		})
	}
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	for server, c := range map[string]struct {
		through http.RoundTripper
		want    string
	}{
		"not-a-url":       {lookUp(net.DNSError{Name: "not-a-url", IsNotFound: true}), "no host called not-a-url; give the server's address, such as https://"},
		"sso.example.com": {lookUp(net.DNSError{Name: "sso.example.com", Err: "server misbehaving"}), "check the network and the server's address"},
		"http://127.0.0.1:1": {roundTripper(func(*http.Request) (*http.Response, error) {
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
		}), "nothing answers at http://127.0.0.1:1; check the server's address and its port"},
		strings.Replace(plain.URL, "http", "https", 1): {nil, "give its address with http://"},
	} {
		at, err := deviceclient.ParseServer(server)
		if err != nil {
			t.Fatal(err)
		}
		client := deviceclient.New(at, "difyctl")
		client.HTTP = deviceclient.NewHTTPClient(c.through)
		client.Wait = func(context.Context, time.Duration) error { return nil }
		if _, err := client.Start(t.Context(), deviceclient.Login{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", server, err, c.want)
		}
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestUnprotected(t *testing.T) {
	for text, want := range map[string]bool{
		"https://a.example": false, "http://localhost:8080": false, "http://127.0.0.2": false, "http://[::1]": false, "http://a.example": true, "http://10.0.0.1": true,
	} {
		if s, _ := deviceclient.ParseServer(text); s.Unprotected() != want {
			t.Errorf("%s: got %t, want %t", text, !want, want)
		}
	}
}

func TestDiscovery(t *testing.T) {
	replaced := func(old, by string) []reply {
		return []reply{{status: 200, body: strings.Replace(metadataBody, old, by, 1)}}
	}
	for name, c := range map[string]struct {
		metadata []reply
		standard bool
	}{
		"announced":                        {replaced("", ""), true},
		"after an outage":                  {[]reply{{status: 503}, {cut: true}, {status: 200, body: metadataBody}}, true},
		"none":                             {[]reply{{status: 404}}, false},
		"a server that fails there":        {[]reply{{status: 500}}, false},
		"a page":                           {[]reply{{status: 200, body: "<html>"}}, false},
		"another issuer (RFC 8414 §3.3)":   {replaced(`"issuer":"SELF"`, `"issuer":"https://other.example"`), false},
		"no device endpoint":               {replaced("device_authorization_endpoint", "x"), false},
		"an endpoint that is not absolute": {replaced(`"SELF/t"`, `"/t"`), false},
		"an endpoint of another scheme":    {replaced(`"SELF/t"`, `"file:///t"`), false},
	} {
		t.Run(name, func(t *testing.T) {
			routes := canonical()
			for path, replies := range standard() {
				routes[path] = replies
			}
			routes[metadataPath] = c.metadata
			client, _, script := run(t, routes)
			start(t, client)
			if got := script.count("POST /d") == 1; got != c.standard {
				t.Errorf("standard mount: got %t, want %t: %v", got, c.standard, script.asked)
			}
		})
	}
}

func TestMetadataOfAnIssuerWithAPath(t *testing.T) { // RFC 8414 §3.1
	for _, where := range []string{metadataPath + "/gate", "/gate" + metadataPath} {
		client, _, script := run(t, map[string][]reply{
			where: {{status: 200, body: strings.Replace(metadataBody, `"issuer":"SELF"`, `"issuer":"SELF/gate"`, 1)}}, "/d": {{status: 200, body: codesBody}},
		})
		client.Server, _ = deviceclient.ParseServer(client.Server.String() + "/gate/")
		start(t, client)
		if script.count("POST /d") != 1 {
			t.Errorf("%s: got the requests %v, want one to the endpoint that it names", where, script.asked)
		}
	}
}

func TestStart(t *testing.T) {
	client, clock, script := run(t, standard())
	a, err := client.Start(t.Context(), deviceclient.Login{Label: "laptop", Scope: "apps:run", LoginHint: "ada@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	if a.UserCode != "ABCD-EFGH" || a.Complete != "" || a.Interval != 5*s || !a.ExpiresAt.Equal(clock.now.Add(900*s)) {
		t.Errorf("Start() = %+v, want ABCD-EFGH for 900s, to be polled every 5s", a)
	}
	if script.count("POST /d client_id=difyctl&device_label=laptop&login_hint=ada%40example.com&scope=apps%3Arun") != 1 {
		t.Errorf("got the requests %v, want one with the label, the hint and the scope", script.asked)
	}
}

func TestStartRefused(t *testing.T) {
	for name, c := range map[string]struct {
		answers []reply
		says    string
	}{
		"unknown client":     {[]reply{word("invalid_client")}, "start the login: the server answered 400 invalid_client"},
		"a long wait":        {[]reply{{status: 429, header: map[string]string{"Retry-After": "3000"}, body: `{"error":"rate_limited"}`}}, "try again in 50m0s"},
		"down":               {[]reply{{status: 500}}, "answered 500"},
		"a page":             {[]reply{{status: 200, body: "<html>"}}, "is this the address"},
		"no codes":           {[]reply{{status: 200, body: `{}`}}, "lacks a code"},
		"an address to fear": {[]reply{{status: 200, body: strings.Replace(codesBody, "SELF/device", "file:///etc/passwd", 1)}}, "lacks a code"},
	} {
		routes := standard()
		routes["/d"] = c.answers
		client, _, script := run(t, routes)
		if _, err := client.Start(t.Context(), deviceclient.Login{}); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %v, want %q", name, err, c.says)
		}
		if n := script.count("POST /d"); n > 5 {
			t.Errorf("%s: got %d requests, want at most 5", name, n)
		}
	}
}

func TestACertificateThatIsNotTrustedIsFinal(t *testing.T) {
	hits := 0
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits++ }))
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	defer server.Close()
	client, clock, _ := run(t, nil)
	client.Server, _ = deviceclient.ParseServer(server.URL)
	if _, err := client.Start(t.Context(), deviceclient.Login{}); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("Start() = %v, want the certificate refused", err)
	}
	if hits != 0 || len(clock.waits) != 0 {
		t.Errorf("got %d requests and the waits %v, want none", hits, clock.waits)
	}
}

func TestSecretsDoNotPrint(t *testing.T) {
	client, _, _ := run(t, standard(reply{status: 200, body: tokenBody}))
	a := start(t, client)
	token, err := client.Poll(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	kept := deviceclient.Credential{Token: token.Secret}
	for _, text := range []string{fmt.Sprintf("%v %+v %#v", a, a, a), fmt.Sprintf("%v %+v %#v", token, token, token), fmt.Sprintf("%+v", kept), fmt.Sprint(errors.New(token.Secret.String()))} {
		if strings.Contains(text, "_secret") {
			t.Errorf("got %s printed, want no secret", text)
		}
	}
}
