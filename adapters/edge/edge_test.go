package edge_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/devicegate/devicegate/adapters/edge"
	"github.com/devicegate/devicegate/domain/approval"
)

func newEdge(t *testing.T, public, web, cookieDomain string, proxies ...string) *edge.Edge {
	t.Helper()
	cfg := edge.Config{PublicURL: address(t, public), WebURL: address(t, web), CookieDomain: cookieDomain}
	for _, p := range proxies {
		cfg.TrustedProxies = append(cfg.TrustedProxies, netip.MustParsePrefix(p))
	}
	return edge.New(cfg)
}

func address(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func request(peer string, header ...string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	r.RemoteAddr = peer
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	return r
}

func TestAddress(t *testing.T) {
	e := newEdge(t, "https://sso.example.com", "https://sso.example.com", "", "10.0.0.0/8", "fd00::/8")
	for name, c := range map[string]struct {
		peer string
		hops []string
		want string
	}{
		"nobody in between":                      {"192.0.2.7:1234", nil, "192.0.2.7"},
		"a stranger's claim is not believed":     {"192.0.2.7:1234", []string{"203.0.113.1"}, "192.0.2.7"},
		"a proxy of ours":                        {"10.0.0.1:1", []string{"192.0.2.7"}, "192.0.2.7"},
		"two proxies of ours":                    {"10.0.0.1:1", []string{"192.0.2.7, 10.9.9.9"}, "192.0.2.7"},
		"what the client claims comes first":     {"10.0.0.1:1", []string{"203.0.113.1, 192.0.2.7"}, "192.0.2.7"},
		"a claim to be one of our proxies":       {"10.0.0.1:1", []string{"203.0.113.1, 10.1.1.1, 192.0.2.7, 10.2.2.2"}, "192.0.2.7"},
		"in several headers":                     {"10.0.0.1:1", []string{"203.0.113.1", "192.0.2.7"}, "192.0.2.7"},
		"nonsense ends it":                       {"10.0.0.1:1", []string{"192.0.2.7, unknown"}, "10.0.0.1"},
		"with a port, as some proxies write":     {"10.0.0.1:1", []string{"192.0.2.7:5555"}, "192.0.2.7"},
		"an empty header":                        {"10.0.0.1:1", []string{""}, "10.0.0.1"},
		"version 6":                              {"[fd00::1]:1", []string{"2001:db8::7"}, "2001:db8::7"},
		"version 6 in brackets, with a port":     {"[fd00::1]:1", []string{"[2001:db8::7]:443"}, "2001:db8::7"},
		"version 4 in version 6":                 {"[::ffff:10.0.0.1]:1", []string{"::ffff:192.0.2.7"}, "192.0.2.7"},
		"a zone is nobody else's business":       {"[fe80::1%eth0]:1", nil, "fe80::1"},
		"no address at all (a socket in a file)": {"@", []string{"192.0.2.7"}, "invalid IP"},
	} {
		t.Run(name, func(t *testing.T) {
			var header []string
			for _, h := range c.hops {
				header = append(header, "X-Forwarded-For", h)
			}
			if got := e.Address(request(c.peer, header...)).String(); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestSignsOfAProxyThatIsNotTrusted(t *testing.T) {
	for name, c := range map[string]struct {
		public string
		r      *http.Request
		want   bool
	}{
		"a browser":                                 {"https://gate.example", request("192.0.2.7:1"), false},
		"a proxy that says for whom":                {"https://gate.example", request("192.0.2.7:1", "X-Forwarded-For", "198.51.100.1"), true},
		"a proxy that says it as RFC 7239 does":     {"https://gate.example", request("192.0.2.7:1", "Forwarded", "for=198.51.100.1"), true},
		"a proxy of ours":                           {"https://gate.example", request("10.0.0.1:1", "X-Forwarded-For", "198.51.100.1"), false},
		"a proxy on this machine that says nothing": {"https://gate.example", request("127.0.0.1:1"), true},
		"a browser on this machine":                 {"http://localhost:8080", request("127.0.0.1:1"), false},
		"a browser on this machine, by address":     {"http://[::1]:8080", request("[::1]:1"), false},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEdge(t, c.public, c.public, "", "10.0.0.0/8")
			if got := e.Facts(c.r).BehindUnknownProxy; got != c.want {
				t.Errorf("relayed: %v", got)
			}
		})
	}
}

func TestFacts(t *testing.T) {
	e := newEdge(t, "https://sso.example.com", "https://sso.example.com", "")
	facts := e.Facts(request("192.0.2.7:1", "User-Agent", strings.Repeat("ü", 300)+"\xff"))
	if facts.UserAgent != strings.Repeat("ü", 255) || facts.IP.String() != "192.0.2.7" {
		t.Errorf("%+v", facts)
	}
}

func TestARequestHasOneNameThatNoStrangerChooses(t *testing.T) {
	e := newEdge(t, "https://sso.example.com", "https://sso.example.com", "", "10.0.0.0/8")
	named := func(peer, id string) string {
		var inside string
		w := httptest.NewRecorder()
		e.WithRequestID(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			inside = edge.RequestID(r.Context())
		})).ServeHTTP(w, request(peer, "X-Request-Id", id))
		if got := w.Header().Get("X-Request-Id"); got != inside || got == "" {
			t.Errorf("inside it is called %q, outside %q", inside, got)
		}
		return inside
	}
	if got := named("10.0.0.1:1", "proxy-request-1"); got != "proxy-request-1" {
		t.Errorf("a proxy's name was not kept: %s", got)
	}
	for _, id := range []string{"", "short", strings.Repeat("x", 65), "with blanks", "\"quoted\"", "line\nend"} {
		if got := named("10.0.0.1:1", id); got == id {
			t.Errorf("%q was kept", id)
		}
	}
	if got := named("192.0.2.7:1", "chosen-by-a-stranger"); got == "chosen-by-a-stranger" {
		t.Error("a stranger chose the name")
	}
}

func TestOwnOrigins(t *testing.T) {
	for _, c := range []struct {
		public, web string
		ours        []string
		foreign     []string
	}{
		{
			"https://api.example.com/gate", "https://console.example.com",
			[]string{"https://api.example.com", "https://console.example.com"},
			[]string{
				"", "null", "http://api.example.com", "https://api.example.com:8443", "https://evil.example", "https://example.com",
				"https://api.example.com.evil.example", "https://api.example.com/", "https://api.example.com/gate", "https://xapi.example.com",
			},
		},
		{"https://SSO.Example.com:443", "http://sso.example.com:80", []string{"https://sso.example.com", "http://sso.example.com"}, []string{"https://sso.example.com:80"}},
		{"http://localhost:8080", "http://localhost:8080", []string{"http://localhost:8080"}, []string{"http://localhost", "http://127.0.0.1:8080"}},
		{"http://[::1]:8080", "http://[::1]:8080", []string{"http://[::1]:8080"}, nil},
	} {
		e := newEdge(t, c.public, c.web, "")
		for _, o := range c.ours {
			if err := e.FromOwnPage(request("192.0.2.7:1", "Origin", o)); err != nil || !e.OwnOrigin(o) {
				t.Errorf("%s: %s is ours: %v", c.public, o, err)
			}
		}
		for _, o := range c.foreign {
			if err := e.FromOwnPage(request("192.0.2.7:1", "Origin", o)); err == nil || e.OwnOrigin(o) {
				t.Errorf("%s: %s is foreign", c.public, o)
			}
		}
		if err := e.FromOwnPage(request("192.0.2.7:1")); err != nil {
			t.Errorf("a client that is no browser: %v", err)
		}
		if err := e.FromOwnPage(request("192.0.2.7:1", "Origin", c.ours[0], "Origin", "https://evil.example")); err == nil {
			t.Error("one of two origins is foreign")
		}
	}
}

func TestAddressesComeFromTheConfiguration(t *testing.T) {
	e := newEdge(t, "https://api.example.com/gate/", "https://console.example.com/", "")
	for got, want := range map[string]string{
		e.Public("/oauth2/token"): "https://api.example.com/gate/oauth2/token",
		e.Public(""):              "https://api.example.com/gate",
		e.Prefix():                "/gate",
		e.Page(nil):               "https://console.example.com/device",
		e.Page(url.Values{"user_code": {"A&B <>"}}): "https://console.example.com/device?user_code=A%26B+%3C%3E",
		e.WebOrigin(): "https://console.example.com",
		newEdge(t, "http://h:1", "http://h:1", "").Prefix():  "",
		newEdge(t, "http://h:1/", "http://h:1", "").Prefix(): "",
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestCookies(t *testing.T) {
	session := approval.NewGrantSession()
	for _, c := range []struct{ public, domain, name, want string }{
		{"https://sso.example.com", "", "__Host-device_approval_grant", "; Path=/; Max-Age=300; HttpOnly; Secure; SameSite=Lax"},
		{"https://sso.example.com", "example.com", "device_approval_grant", "; Path=/; Domain=example.com; Max-Age=300; HttpOnly; Secure; SameSite=Lax"},
		{"http://localhost:8080", "", "device_approval_grant", "; Path=/; Max-Age=300; HttpOnly; SameSite=Lax"},
	} {
		e := newEdge(t, c.public, c.public, c.domain)
		w := httptest.NewRecorder()
		e.SetHandle(w, session)
		set := w.Header().Get("Set-Cookie")
		if set != c.name+"="+session.Reveal()+c.want {
			t.Errorf("%s: %s", c.public, set)
		}
		pair, _, _ := strings.Cut(set, ";")
		if got := e.Handle(request("192.0.2.7:1", "Cookie", pair)); !got.Equal(session.Text) {
			t.Errorf("%s: the cookie was not read", c.public)
		}
		w = httptest.NewRecorder()
		e.ClearHandle(w)
		if got := w.Header().Get("Set-Cookie"); got != c.name+"="+strings.Replace(c.want, "Max-Age=300", "Max-Age=0", 1) {
			t.Errorf("%s: %s", c.public, got)
		}
	}
}

func TestACookieThatIsNotOursIsNone(t *testing.T) {
	e := newEdge(t, "https://sso.example.com", "https://sso.example.com", "")
	for _, cookie := range []string{"", "device_approval_grant=x", "__Host-device_approval_grant=", "other=x"} {
		if !e.Handle(request("192.0.2.7:1", "Cookie", cookie)).IsZero() {
			t.Errorf("%q is a handle", cookie)
		}
	}
	for _, value := range []string{"", "short", strings.Repeat("A", 44), strings.Repeat("=", 43)} {
		if !e.Browser(request("192.0.2.7:1", "Cookie", "__Host-device_sso_browser="+value)).IsZero() {
			t.Errorf("%q is a browser", value)
		}
	}
	w := httptest.NewRecorder()
	made := approval.BrowserBinding{}.OrNew()
	e.SetBrowser(w, made)
	pair, _, _ := strings.Cut(w.Header().Get("Set-Cookie"), ";")
	if !e.Browser(request("192.0.2.7:1", "Cookie", pair)).Equal(made.Text) {
		t.Error("the browser is not known again")
	}
}
