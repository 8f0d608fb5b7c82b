package enterprise_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/devicegate/devicegate/adapters/enterprise"
	"github.com/devicegate/devicegate/adapters/enterprise/enterprisetest"
	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/client"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/scope"
	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/ports"
)

const apiSecret = "inner-api-secret-of-the-tests"

var signingKey = []byte("signing-key-of-the-tests-32-bytes")

var _ ports.Broker = (*enterprise.Broker)(nil)

func config(t *testing.T, inner *url.URL) enterprise.Config {
	t.Helper()
	public, err := url.Parse("https://gate.example/base/")
	if err != nil {
		t.Fatal(err)
	}
	return enterprise.Config{
		URL: inner, Secret: secret.New("inner API secret", apiSecret), PublicURL: public, SigningKey: signingKey,
	}
}

func newBroker(t *testing.T, cfg enterprise.Config) *enterprise.Broker {
	t.Helper()
	b, err := enterprise.NewBroker(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func via(t *testing.T, entityID string) connection.Connection {
	t.Helper()
	c, err := connection.New(connection.Settings{
		Slug: "acme", Broker: connection.Enterprise, Domains: []string{"acme.example"}, EntityID: entityID,
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func signInRequest(t *testing.T, at time.Time) approval.SignInRequest {
	t.Helper()
	a, _, _ := device.Start(client.Must(client.Settings{ID: "difyctl"}), device.Label{}, scope.Set{}, device.StandardTiming, at, request.Origin{})
	_, d, _, err := approval.Begin(a, approval.Beginning{Via: via(t, ""), Mount: connection.Legacy, Browser: approval.BrowserBinding{}.OrNew()}, at, request.Origin{})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestBeginRedirectsToTheURLOfTheInnerAPI(t *testing.T) {
	inner := enterprisetest.Start(t, apiSecret, signingKey)
	at := time.Now().UTC()
	signIn := signInRequest(t, at)

	to, err := newBroker(t, config(t, inner.URL)).Begin(t.Context(), via(t, ""), signIn)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(to.URL, "http://"+inner.URL.Host+"/idp?state=") || to.Fields != nil {
		t.Errorf("got %q with %v, want the inner API's URL", to.URL, to.Fields)
	}
	want := map[string]any{
		"aud": "api.sso.state_envelope", "iat": float64(at.Unix()), "exp": float64(at.Unix() + 900),
		"redirect_url": "", "app_code": "", "intent": "device_flow", "user_code": signIn.UserCode.String(),
		"nonce": signIn.RequestID, "return_to": "",
		"idp_callback_url": "https://gate.example/base/openapi/v1/oauth/device/sso-complete",
	}
	if got := inner.Envelope(); !maps.Equal(got, want) {
		t.Errorf("the envelope claims\n%v, want\n%v", got, want)
	}
}

func TestAssertionOfTheInnerAPIIsAccepted(t *testing.T) {
	inner := enterprisetest.Start(t, apiSecret, signingKey)
	b, signIn := newBroker(t, config(t, inner.URL)), signInRequest(t, time.Now().UTC())
	to, err := b.Begin(t.Context(), via(t, ""), signIn)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := browser.Get(to.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	back, err := resp.Location()
	if err != nil {
		t.Fatal(err)
	}
	assertion, err := b.Verify(t.Context(), via(t, enterprisetest.Issuer), ports.Response{
		Raw: back.Query().Get("sso_assertion"), ReceivedOn: connection.Canonical, At: time.Now(),
	})
	if err != nil {
		t.Fatal(err)
	}
	if assertion.UserCode != signIn.UserCode || assertion.ID != signIn.RequestID ||
		assertion.Subject.Email().String() != "alice@acme.example" || assertion.Subject.Issuer() != enterprisetest.Issuer {
		t.Errorf("Verify() = %+v, want alice@acme.example with the code and the id of the request", assertion)
	}
}

func TestBeginRefusesABadAnswer(t *testing.T) {
	reasons := map[string]string{
		"a gateway's error": "inner_api_status", "a wrong secret": "inner_api_unauthorized", "a redirect": "inner_api_status",
		"not JSON": "inner_api_answer", "a huge answer": "inner_api_answer", "a connection that breaks": "inner_api_unreachable",
		"no url": "inner_api_url_missing", "credentials": "inner_api_url_missing",
	}
	body := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) }
	}
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "https://idp.example/")
			w.WriteHeader(code)
			_, _ = io.WriteString(w, `{"url":"https://idp.example/"}`)
		}
	}
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   error
	}{
		"an error of its own":        {status(500), ports.ErrInitiateFailed},
		"a gateway's error":          {status(502), ports.ErrInitiateFailed},
		"overloaded":                 {status(503), ports.ErrInitiateFailed},
		"a wrong secret":             {status(401), ports.ErrInitiateFailed},
		"not found":                  {status(404), ports.ErrInitiateFailed},
		"a redirect":                 {status(302), ports.ErrInitiateFailed},
		"a redirect that keeps POST": {status(307), ports.ErrInitiateFailed},
		"not JSON":                   {body(`<html>https://idp.example/</html>`), ports.ErrInitiateFailed},
		"nothing":                    {body(``), ports.ErrInitiateFailed},
		"truncated JSON":             {body(`{"url":"https://idp.example/"`), ports.ErrInitiateFailed},
		"text after the JSON":        {body(`{"url":"https://idp.example/"} {}`), ports.ErrInitiateFailed},
		"a huge answer":              {body(`{"url":"https://idp.example/","x":"` + strings.Repeat("x", 1<<20) + `"}`), ports.ErrInitiateFailed},
		"a connection that breaks": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, `{"url":"https://idp.example/"}`)
		}, ports.ErrInitiateFailed},
		"no url":              {body(`{}`), ports.ErrInitiateMissingURL},
		"a null url":          {body(`{"url":null}`), ports.ErrInitiateMissingURL},
		"an empty url":        {body(`{"url":""}`), ports.ErrInitiateMissingURL},
		"a url of numbers":    {body(`{"url":5}`), ports.ErrInitiateMissingURL},
		"a list":              {body(`["https://idp.example/"]`), ports.ErrInitiateMissingURL},
		"a relative url":      {body(`{"url":"/idp"}`), ports.ErrInitiateMissingURL},
		"a url of no scheme":  {body(`{"url":"//idp.example/"}`), ports.ErrInitiateMissingURL},
		"a url of no host":    {body(`{"url":"https:///idp"}`), ports.ErrInitiateMissingURL},
		"an opaque url":       {body(`{"url":"https:idp.example"}`), ports.ErrInitiateMissingURL},
		"only a port":         {body(`{"url":"https://:443/"}`), ports.ErrInitiateMissingURL},
		"backslashes":         {body(`{"url":"https:\\\\idp.example"}`), ports.ErrInitiateMissingURL},
		"a script":            {body(`{"url":"javascript:alert(1)"}`), ports.ErrInitiateMissingURL},
		"another scheme":      {body(`{"url":"ftp://idp.example/"}`), ports.ErrInitiateMissingURL},
		"credentials":         {body(`{"url":"https://idp.example@evil.example/"}`), ports.ErrInitiateMissingURL},
		"a line break inside": {body(`{"url":"https://idp.example/\r\nSet-Cookie: a=b"}`), ports.ErrInitiateMissingURL},
	} {
		t.Run(name, func(t *testing.T) {
			inner := enterprisetest.Start(t, apiSecret, signingKey)
			inner.Fail(c.answer)
			to, err := newBroker(t, config(t, inner.URL)).Begin(t.Context(), via(t, ""), signInRequest(t, time.Now()))
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			var r *approval.Refusal
			if want := reasons[name]; !errors.As(err, &r) || want != "" && r.Reason != want { // F16
				t.Errorf("got %v, want reason %q", err, want)
			}
			if to.URL != "" {
				t.Errorf("got %q beside the refusal, want nothing", to.URL)
			}
			if n := inner.Calls("/device-flow/sso-initiate"); n != 1 {
				t.Errorf("got %d calls, want 1", n)
			}
		})
	}
}

func TestBeginTimesOut(t *testing.T) {
	inner := enterprisetest.Start(t, apiSecret, signingKey)
	released := make(chan struct{})
	t.Cleanup(func() { close(released) })
	inner.Fail(func(w http.ResponseWriter, r *http.Request) { <-released })
	cfg := config(t, inner.URL)
	cfg.Timeout = 50 * time.Millisecond
	fails := func(ctx context.Context, cfg enterprise.Config, want string) {
		t.Helper()
		_, err := newBroker(t, cfg).Begin(ctx, via(t, ""), signInRequest(t, time.Now()))
		var r *approval.Refusal
		if !errors.Is(err, ports.ErrInitiateFailed) || !errors.As(err, &r) || r.Reason != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	fails(t.Context(), cfg, "inner_api_timeout") // F16
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	fails(gone, config(t, inner.URL), "cancelled")
	fails(t.Context(), config(t, &url.URL{Scheme: "http", Host: "127.0.0.1:1"}), "inner_api_unreachable")
}

func TestErrorsDoNotContainSecrets(t *testing.T) {
	inner := enterprisetest.Start(t, "another secret", []byte("another key"))
	_, err := newBroker(t, config(t, inner.URL)).Begin(t.Context(), via(t, ""), signInRequest(t, time.Now()))
	if err == nil || strings.Contains(err.Error(), apiSecret) || strings.Contains(err.Error(), "eyJ") {
		t.Errorf("Begin() = %v, want an error without the secret and the token", err)
	}
}

func TestInvalidConfigurationIsRefused(t *testing.T) {
	_, err := enterprise.NewBroker(enterprise.Config{URL: &url.URL{Path: "/inner"}, PreviousKeys: [][]byte{{}}})
	if err == nil {
		t.Fatal("got a broker, want an error")
	}
	if n := len(strings.Split(err.Error(), "\n")); n != 5 {
		t.Errorf("got %d lines, want 5:\n%v", n, err)
	}
}

// The time at which the assertions below arrive.
var arrival = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// parts is an assertion taken apart, to be spoiled before it is signed.
type parts struct {
	header map[string]any
	claims jwt.MapClaims
	body   string // instead of the claims
	method jwt.SigningMethod
	key    any
	finish func(string) string
}

func good() *parts {
	return &parts{
		header: map[string]any{"alg": "HS256", "kid": "dify-shared-v1", "typ": "JWT"},
		claims: enterprisetest.Claims("alice@acme.example", "ABCD-EFGH", "nonce-1", arrival.Add(-time.Second)),
		method: jwt.SigningMethodHS256, key: signingKey,
	}
}

// raw signs by hand, since the library would not write most of these.
func (p *parts) raw(t *testing.T) string {
	t.Helper()
	token := &jwt.Token{Header: p.header, Claims: p.claims, Method: p.method}
	text, err := token.SigningString()
	if err != nil {
		t.Fatal(err)
	}
	if p.body != "" {
		text = text[:strings.IndexByte(text, '.')+1] + token.EncodeSegment([]byte(p.body))
	}
	signature, err := p.method.Sign(text, p.key)
	if err != nil {
		t.Fatal(err)
	}
	text += "." + token.EncodeSegment(signature)
	if p.finish != nil {
		text = p.finish(text)
	}
	return text
}

func TestInvalidAssertionsAreRefusedWithAReason(t *testing.T) {
	claim := func(name string, value any) func(*parts) { return func(p *parts) { p.claims[name] = value } }
	without := func(name string) func(*parts) { return func(p *parts) { delete(p.claims, name) } }
	header := func(name string, value any) func(*parts) { return func(p *parts) { p.header[name] = value } }
	body := func(text string) func(*parts) { return func(p *parts) { p.body = text } }
	whole := func(change func(string) string) func(*parts) { return func(p *parts) { p.finish = change } }
	in := func(d time.Duration) int64 { return arrival.Add(d).Unix() }
	const audience = "api.device_flow.external_subject_assertion"

	covered := map[string]bool{}
	for _, c := range []struct {
		what   string
		spoil  func(*parts)
		reason string
	}{
		{"too long", claim("x", strings.Repeat("x", 20<<10)), "assertion_too_large"},
		{"empty", whole(func(string) string { return "" }), "assertion_malformed"},
		{"two parts", whole(func(s string) string { return s[:strings.LastIndexByte(s, '.')] }), "assertion_malformed"},
		{"four parts", whole(func(s string) string { return s + ".x" }), "assertion_malformed"},
		{"padding", whole(func(s string) string { return s + "=" }), "assertion_malformed"},
		{"a blank", whole(func(s string) string { return " " + s }), "assertion_malformed"},
		{"a line break inside", whole(func(s string) string { return s[:8] + "\n" + s[8:] }), "assertion_malformed"},
		{"a line break after it", whole(func(s string) string { return s + "\n" }), "assertion_malformed"},
		{"not text", whole(func(string) string { return "\xff\xfe.\x00." }), "assertion_malformed"},
		{"a payload that is no JSON", body(`{"aud"`), "assertion_malformed"},
		{"text after the payload", body(`{} {}`), "assertion_malformed"},
		{"alg none", func(p *parts) {
			p.header["alg"], p.method, p.key = "none", jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType
		}, "alg_not_allowed"},
		{"alg None", header("alg", "None"), "alg_not_allowed"},
		{"no alg", header("alg", nil), "alg_not_allowed"},
		{"alg in lower case", header("alg", "hs256"), "alg_not_allowed"},
		{"a stronger HMAC with the right key", func(p *parts) { p.header["alg"], p.method = "HS512", jwt.SigningMethodHS512 }, "alg_not_allowed"},
		{"RS256 with our key as the public one", header("alg", "RS256"), "alg_not_allowed"},
		{"critical extensions", header("crit", []string{"exp"}), "crit_not_supported"},
		{"an empty crit", header("crit", []string{}), "crit_not_supported"},
		{"another kid with the right key", header("kid", "dify-shared-v2"), "unknown_kid"},
		{"no kid", header("kid", nil), "unknown_kid"},
		{"a kid in another case", header("kid", "DIFY-shared-v1"), "unknown_kid"},
		{"a kid in a list", header("kid", []string{"dify-shared-v1"}), "unknown_kid"},
		{"another type", header("typ", "at+jwt"), "typ_not_allowed"},
		{"no type", header("typ", nil), "typ_not_allowed"},
		{"a token inside a token", header("cty", "JWT"), "nested_token"},
		{"another key", func(p *parts) { p.key = []byte("the key of another service, as long") }, "signature_invalid"},
		{"an empty key", func(p *parts) { p.key = []byte{} }, "signature_invalid"},
		{"no signature", whole(func(s string) string { return s[:strings.LastIndexByte(s, '.')+1] }), "signature_invalid"},
		{"half a signature", whole(func(s string) string { return s[:len(s)-23] }), "signature_invalid"},
		{"a payload exchanged after signing", whole(func(s string) string {
			other := strings.Split(enterprisetest.Sign([]byte("x"), enterprisetest.Claims("bob@acme.example", "ABCD-EFGH", "n", arrival)), ".")
			mine := strings.Split(s, ".")
			return mine[0] + "." + other[1] + "." + mine[2]
		}), "signature_invalid"},
		{"a payload that is a list", body(`[]`), "claims_malformed"},
		{"a payload that is null", body(`null`), "claims_malformed"},
		{"a payload that is a token", body(`"eyJhbGciOiJIUzI1NiJ9.e30.x"`), "claims_malformed"},
		{"a payload that is not UTF-8", body("{\"email\":\"\xff\"}"), "claims_malformed"},
		{"two audiences, ours last", body(`{"aud":"other","aud":"` + audience + `"}`), "claim_repeated"},
		{"two people", body(`{"email":"a@acme.example","email":"b@acme.example"}`), "claim_repeated"},
		{"two people, one escaped", body(`{"email":"a@acme.example","\u0065mail":"b@acme.example"}`), "claim_repeated"},
		{"a state envelope of ours", claim("aud", "api.sso.state_envelope"), "audience_mismatch"},
		{"an audience among others", claim("aud", []string{audience, "other"}), "audience_mismatch"},
		{"no audience", without("aud"), "audience_mismatch"},
		{"a null audience", claim("aud", nil), "audience_mismatch"},
		{"an audience that only begins right", claim("aud", audience+".x"), "audience_mismatch"},
		{"an audience in another case", claim("aud", strings.ToUpper(audience)), "audience_mismatch"},
		{"an audience under another name", func(p *parts) { delete(p.claims, "aud"); p.claims["Aud"] = audience }, "audience_mismatch"},
		{"no iat", without("iat"), "iat_missing"},
		{"iat as text", claim("iat", "1"), "iat_malformed"},
		{"iat from the future", claim("iat", in(31*time.Second)), "clock_ahead"},
		{"no exp", without("exp"), "exp_missing"},
		{"exp as text", claim("exp", fmt.Sprint(in(time.Minute))), "exp_malformed"},
		{"exp null", claim("exp", nil), "exp_malformed"},
		{"exp huge", body(`{"aud":"` + audience + `","iat":1,"exp":1e400}`), "exp_malformed"},
		{"exp large", claim("exp", 1e18), "exp_malformed"},
		{"exp negative", claim("exp", -1), "exp_malformed"},
		{"exp true", claim("exp", true), "exp_malformed"},
		{"exp in milliseconds", claim("exp", in(time.Minute)*1000), "exp_malformed"},
		{"exp this very second", claim("exp", in(0)), "expired"},
		{"exp long ago", claim("exp", 0), "expired"},
		{"exp beyond ten minutes", claim("exp", in(10*time.Minute+time.Second)), "exp_too_far"},
		{"exp far beyond", claim("exp", in(24*time.Hour)), "exp_too_far"},
		{"nbf in a minute", claim("nbf", in(time.Minute)), "not_yet_valid"},
		{"nbf as text", claim("nbf", "1"), "nbf_malformed"},
		{"no nonce", without("nonce"), "nonce_invalid"},
		{"an empty nonce", claim("nonce", ""), "nonce_invalid"},
		{"a long nonce", claim("nonce", strings.Repeat("x", 129)), "nonce_invalid"},
		{"a nonce of numbers", claim("nonce", 1), "nonce_invalid"},
		{"no user code", without("user_code"), "user_code_invalid"},
		{"a long user code", claim("user_code", "ABCD-EFGH"+strings.Repeat(" ", 24)), "user_code_invalid"},
		{"no user code of ours", claim("user_code", "OOOO-0000"), "user_code_invalid"},
		{"no e-mail", without("email"), "email_invalid"},
		{"a short e-mail", claim("email", "a@"), "email_invalid"},
		{"a long e-mail", claim("email", strings.Repeat("a", 250)+"@b.example"), "email_invalid"},
		{"e-mails in a list", claim("email", []string{"alice@acme.example"}), "email_invalid"},
		{"a display name", claim("email", "Alice <alice@acme.example>"), "email_invalid"},
		{"a guest's user name", claim("email", "alice_acme.example#EXT#@host.example"), "email_invalid"},
		{"no issuer", without("issuer"), "issuer_invalid"},
		{"an empty issuer", claim("issuer", ""), "issuer_invalid"},
		{"a long issuer", claim("issuer", strings.Repeat("x", 256)), "issuer_invalid"},
		{"an issuer with blanks", claim("issuer", " x "), "issuer_invalid"},
		{"another issuer", claim("issuer", enterprisetest.Issuer+"/"), "issuer_mismatch"},
	} {
		t.Run(c.what, func(t *testing.T) {
			p := good()
			c.spoil(p)
			b := newBroker(t, config(t, &url.URL{Scheme: "http", Host: "inner.example"}))
			assertion, err := b.Verify(t.Context(), via(t, enterprisetest.Issuer), ports.Response{Raw: p.raw(t), At: arrival})
			var refusal *approval.Refusal
			if !errors.As(err, &refusal) {
				t.Fatalf("Verify() = %+v, %v, want a refusal", assertion, err)
			}
			if refusal.Reason != c.reason {
				t.Errorf("refused as %v, want %s", refusal, c.reason)
			}
			if !errors.Is(err, approval.ErrInvalidAssertion) {
				t.Errorf("Verify() = %v, want ErrInvalidAssertion for the browser", err)
			}
			if assertion != (approval.VerifiedAssertion{}) {
				t.Errorf("got %+v beside the refusal, want nothing", assertion)
			}
			for _, personal := range []string{"alice@", "a@acme", "ABCD"} {
				if strings.Contains(refusal.Detail(), personal) {
					t.Errorf("got the detail %q for the log, want it without %s", refusal.Detail(), personal)
				}
			}
		})
		covered[c.reason] = true
	}
	if !regexp.MustCompile(`^[a-z_ ]+$`).MatchString(strings.Join(slices.Sorted(maps.Keys(covered)), " ")) {
		t.Errorf("got the reasons %v, want words in snake case", slices.Sorted(maps.Keys(covered)))
	}
}

func TestValidAssertionsAreAccepted(t *testing.T) {
	claim := func(name string, value any) func(*parts) { return func(p *parts) { p.claims[name] = value } }
	for what, change := range map[string]func(*parts){
		"as it is":                          func(*parts) {},
		"under the key before":              func(p *parts) { p.key = []byte("the key before the last rotation") },
		"its audience in a list of one":     claim("aud", []string{"api.device_flow.external_subject_assertion"}),
		"ten minutes ahead":                 claim("exp", arrival.Add(10*time.Minute).Unix()),
		"by a clock half a minute ahead":    func(p *parts) { p.claims["iat"], p.claims["exp"] = arrival.Unix()+30, arrival.Unix()+630 },
		"in its last second":                claim("exp", arrival.Unix()+1),
		"with a fraction of a second":       claim("exp", float64(arrival.Unix())+60.5),
		"issued an hour ago":                claim("iat", arrival.Add(-time.Hour).Unix()),
		"valid since a minute ago":          claim("nbf", arrival.Add(-time.Minute).Unix()),
		"with further claims":               claim("workspace", map[string]any{"id": 1}),
		"with a type in lower case":         func(p *parts) { p.header["typ"] = "jwt" },
		"with the longest nonce":            claim("nonce", strings.Repeat("ß", 128)),
		"with the code in another spelling": claim("user_code", "abcd efgh"),
		"with the e-mail in capitals":       claim("email", "ALICE@Acme.Example"),
	} {
		t.Run(what, func(t *testing.T) {
			p := good()
			change(p)
			cfg := config(t, &url.URL{Scheme: "http", Host: "inner.example"})
			cfg.PreviousKeys = [][]byte{[]byte("the key before the last rotation")}
			assertion, err := newBroker(t, cfg).Verify(t.Context(), via(t, ""), ports.Response{Raw: p.raw(t), At: arrival})
			if err != nil {
				t.Fatal(err)
			}
			if assertion.Subject.Email().String() != "alice@acme.example" || assertion.Subject.Issuer() != enterprisetest.Issuer ||
				assertion.UserCode.String() != "ABCD-EFGH" || assertion.ID == "" || !assertion.ExpiresAt.After(arrival) {
				t.Errorf("Verify() = %+v, want alice@acme.example for ABCD-EFGH, with an id and an expiry", assertion)
			}
		})
	}
}

func FuzzVerifyNeverPanics(f *testing.F) {
	f.Add(enterprisetest.Sign(signingKey, enterprisetest.Claims("a@b.example", "ABCD-EFGH", "n", arrival)))
	f.Add("..")
	f.Add("bnVsbA.bnVsbA.bnVsbA")
	b, err := enterprise.NewBroker(enterprise.Config{
		URL: &url.URL{Scheme: "http", Host: "i"}, PublicURL: &url.URL{Scheme: "http", Host: "p"},
		Secret: secret.New("", "s"), SigningKey: signingKey,
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		_, err := b.Verify(t.Context(), connection.Connection{}, ports.Response{Raw: raw, At: arrival})
		var refusal *approval.Refusal
		if err != nil && !errors.As(err, &refusal) {
			t.Errorf("Verify(%q) = %v, want a refusal", raw, err)
		}
	})
}
