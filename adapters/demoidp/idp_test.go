package demoidp_test

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/crewjam/saml"
	dsig "github.com/russellhaering/goxmldsig"
	"golang.org/x/net/html"

	"github.com/devicegate/devicegate/adapters/demoidp"
)

// acs are the service provider's two callbacks.
var acs = map[string]string{
	"canonical": "https://gate.example/openapi/v1/oauth/device/sso-complete",
	"legacy":    "https://gate.example/v1/device/sso-complete",
}

// fixture is an identity provider and one service provider that know each other.
type fixture struct {
	t    *testing.T
	idp  *demoidp.IdP
	url  string
	sp   saml.ServiceProvider
	now  func() time.Time
	http *http.Client
}

// newFixture starts one; with encrypted, the service provider publishes a key for
// encryption.
func newFixture(t *testing.T, encrypted bool) *fixture {
	t.Helper()
	w := &fixture{t: t, now: time.Now}
	var handler http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { handler.ServeHTTP(rw, r) }))
	t.Cleanup(server.Close)
	w.url = server.URL + "/idp"

	var err error
	if w.idp, err = demoidp.New(demoidp.Config{URL: w.url, Now: func() time.Time { return w.now() }}); err != nil {
		t.Fatal(err)
	}
	handler = w.idp.Handler()

	key, certificate := newKey(t)
	var metadata saml.EntityDescriptor
	if err := xml.Unmarshal(w.idp.Metadata(), &metadata); err != nil {
		t.Fatal(err)
	}
	w.sp = saml.ServiceProvider{
		EntityID: "https://gate.example/saml/metadata", Key: key, Certificate: certificate,
		MetadataURL: *parse(t, "https://gate.example/saml/metadata"), AcsURL: *parse(t, acs["canonical"]), IDPMetadata: &metadata,
	}
	if err := w.idp.Register(w.metadata(encrypted)); err != nil {
		t.Fatal(err)
	}
	w.reset()
	return w
}

// metadata is the service provider's, with both callbacks.
func (w *fixture) metadata(encrypted bool) []byte {
	w.t.Helper()
	m := w.sp.Metadata()
	role := &m.SPSSODescriptors[0]
	certificate := saml.KeyInfo{X509Data: saml.X509Data{X509Certificates: []saml.X509Certificate{{
		Data: base64.StdEncoding.EncodeToString(w.sp.Certificate.Raw),
	}}}}
	role.KeyDescriptors = []saml.KeyDescriptor{{Use: "signing", KeyInfo: certificate}}
	if encrypted {
		role.KeyDescriptors = append(role.KeyDescriptors, saml.KeyDescriptor{Use: "encryption", KeyInfo: certificate})
	}
	role.AssertionConsumerServices = []saml.IndexedEndpoint{
		{Binding: saml.HTTPPostBinding, Location: acs["canonical"], Index: 0},
		{Binding: saml.HTTPPostBinding, Location: acs["legacy"], Index: 1},
	}
	text, err := xml.Marshal(m)
	if err != nil {
		w.t.Fatal(err)
	}
	return text
}

// reset gives the person a fresh browser.
func (w *fixture) reset() {
	jar, _ := cookiejar.New(nil)
	w.http = &http.Client{Jar: jar}
}

func parse(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// request makes an AuthnRequest for a callback.
func (w *fixture) request(callback, binding string, change func(*saml.AuthnRequest)) *saml.AuthnRequest {
	w.t.Helper()
	w.sp.AcsURL = *parse(w.t, callback)
	req, err := w.sp.MakeAuthenticationRequest(w.url+"/sso", binding, saml.HTTPPostBinding)
	if err != nil {
		w.t.Fatal(err)
	}
	if change != nil {
		change(req)
	}
	return req
}

// redirect sends the browser to the identity provider by HTTP-Redirect.
func (w *fixture) redirect(req *saml.AuthnRequest) form {
	w.t.Helper()
	to, err := req.Redirect("relay-state", &w.sp)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.get(to.String(), http.StatusOK)
}

func (w *fixture) get(address string, status int) form {
	w.t.Helper()
	resp, err := w.http.Get(address)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.read(resp, status)
}

func (w *fixture) post(address string, values url.Values, status int) form {
	w.t.Helper()
	resp, err := w.http.PostForm(address, values)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.read(resp, status)
}

// form is the first one of a page.
type form struct {
	action string
	fields url.Values
	text   string // of the whole page
}

func (w *fixture) read(resp *http.Response, status int) form {
	w.t.Helper()
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	if resp.StatusCode != status {
		w.t.Fatalf("%s answered %d, want %d:\n%s", resp.Request.URL.Path, resp.StatusCode, status, raw)
	}
	if resp.Header.Get("X-Frame-Options") != "DENY" || resp.Header.Get("Cache-Control") != "no-store" {
		w.t.Errorf("%s: got %v, want X-Frame-Options DENY and Cache-Control no-store", resp.Request.URL.Path, resp.Header)
	}
	doc, err := html.Parse(bytes.NewReader(raw))
	if err != nil {
		w.t.Fatal(err)
	}
	f := form{fields: url.Values{}, text: string(raw)}
	for n := range doc.Descendants() {
		switch n.Data {
		case "form":
			f.action = resp.Request.URL.ResolveReference(parse(w.t, attr(n, "action"))).String()
		case "input":
			f.fields.Set(attr(n, "name"), attr(n, "value"))
		}
	}
	return f
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// signIn fills in the login form.
func (w *fixture) signIn(page form, user, password string, status int) form {
	w.t.Helper()
	page.fields.Set("user", user)
	page.fields.Set("password", password)
	return w.post(page.action, page.fields, status)
}

func (w *fixture) press(page form, action string) form {
	w.t.Helper()
	page.fields.Set("action", action)
	return w.post(page.action, page.fields, http.StatusOK)
}

// validate has the library's own service provider validate a response.
func (w *fixture) validate(answer form, req *saml.AuthnRequest) (*saml.Assertion, error) {
	w.t.Helper()
	raw, err := base64.StdEncoding.DecodeString(answer.fields.Get("SAMLResponse"))
	if err != nil || len(raw) == 0 {
		w.t.Fatalf("got no response (%v), want one:\n%s", err, answer.text)
	}
	if answer.fields.Get("RelayState") != "relay-state" {
		w.t.Errorf("got the RelayState %q, want relay-state", answer.fields.Get("RelayState"))
	}
	return w.sp.ParseXMLResponse(raw, []string{req.ID}, *parse(w.t, answer.action))
}

func (w *fixture) validated(answer form, req *saml.AuthnRequest) *saml.Assertion {
	w.t.Helper()
	a, err := w.validate(answer, req)
	if err != nil {
		var why *saml.InvalidResponseError
		if errors.As(err, &why) {
			err = why.PrivateErr
		}
		w.t.Fatalf("ParseXMLResponse() = %v, want the service provider to accept it", err)
	}
	return a
}

func TestLoginIsAcceptedByAServiceProvider(t *testing.T) {
	for _, encrypted := range []bool{false, true} {
		w := newFixture(t, encrypted)
		for mount, callback := range acs {
			for _, user := range []string{"alice", "ALICE", "alice@acme.example"} {
				w.reset()
				req := w.request(callback, saml.HTTPRedirectBinding, nil)
				answer := w.signIn(w.redirect(req), user, demoidp.Password, http.StatusOK)
				if answer.action != callback {
					t.Errorf("%s: got an answer to %s, want %s", mount, answer.action, callback)
				}
				a := w.validated(answer, req)
				if a.Subject.NameID.Value != "alice@acme.example" || a.Subject.NameID.Format != string(saml.EmailAddressNameIDFormat) {
					t.Errorf("%s: got the NameID %+v, want alice@acme.example as an e-mail address", mount, a.Subject.NameID)
				}
				if v := a.AttributeStatements[0].Attributes[0]; v.FriendlyName != "mail" || v.Values[0].Value != "alice@acme.example" {
					t.Errorf("%s: got the attribute %+v, want mail alice@acme.example", mount, v)
				}
				if a.Subject.SubjectConfirmations[0].SubjectConfirmationData.Recipient != callback {
					t.Errorf("%s: got the recipient %s, want %s", mount, a.Subject.SubjectConfirmations[0].SubjectConfirmationData.Recipient, callback)
				}
			}
		}
	}
}

func TestResponseIsSignedWithSHA256(t *testing.T) {
	w := newFixture(t, false)
	answer := w.signIn(w.redirect(w.request(acs["legacy"], saml.HTTPRedirectBinding, nil)), "bob", demoidp.Password, http.StatusOK)
	raw, _ := base64.StdEncoding.DecodeString(answer.fields.Get("SAMLResponse"))
	algorithms := regexp.MustCompile(`(?:SignatureMethod|DigestMethod) Algorithm="[^"]*#([a-z0-9-]+)"`).FindAllSubmatch(raw, -1)
	if len(algorithms) != 4 {
		t.Fatalf("%d algorithms, want 4 (response and assertion)", len(algorithms))
	}
	for _, a := range algorithms {
		if name := string(a[1]); name != "rsa-sha256" && name != "sha256" {
			t.Errorf("got the algorithm %s, want rsa-sha256 or sha256", name)
		}
	}
}

func TestResponseFormWorksWithoutScripts(t *testing.T) {
	w := newFixture(t, false)
	answer := w.signIn(w.redirect(w.request(acs["canonical"], saml.HTTPRedirectBinding, nil)), "bob", demoidp.Password, http.StatusOK)
	if !strings.Contains(answer.text, `<button id="send">Continue</button>`) {
		t.Errorf("got no button, want one:\n%s", answer.text)
	}
}

func TestSlowLoginIsAccepted(t *testing.T) {
	w := newFixture(t, false)
	begun := time.Now()
	req := w.request(acs["canonical"], saml.HTTPRedirectBinding, nil)
	page := w.redirect(req)
	w.now = func() time.Time { return begun.Add(14 * time.Minute) }
	answer := w.signIn(page, "alice", demoidp.Password, http.StatusOK)
	raw, _ := base64.StdEncoding.DecodeString(answer.fields.Get("SAMLResponse"))
	late := begun.Add(19 * time.Minute).UTC().Format("2006-01-02T15:04")
	if !strings.Contains(string(raw), `NotOnOrAfter="`+late) {
		t.Errorf("got an assertion that is not valid until %s, want it valid:\n%s", late, raw)
	}
	w.now = func() time.Time { return begun.Add(15*time.Minute + time.Second) }
	w.signIn(page, "alice", demoidp.Password, http.StatusBadRequest)
}

func TestRequestSignatureIsChecked(t *testing.T) {
	w := newFixture(t, false)
	w.sp.SignatureMethod = dsig.RSASHA256SignatureMethod

	req := w.request(acs["legacy"], saml.HTTPRedirectBinding, nil)
	w.validated(w.signIn(w.redirect(req), "alice", demoidp.Password, http.StatusOK), req)

	w.reset()
	signed := w.request(acs["legacy"], saml.HTTPPostBinding, nil)
	w.validated(w.signIn(w.postSSO(signed, http.StatusOK), "alice", demoidp.Password, http.StatusOK), signed)

	to, err := w.request(acs["legacy"], saml.HTTPRedirectBinding, nil).Redirect("relay-state", &w.sp)
	if err != nil {
		t.Fatal(err)
	}
	w.get(strings.Replace(to.String(), "relay-state", "other-state", 1), http.StatusBadRequest)

	changed := w.request(acs["legacy"], saml.HTTPPostBinding, func(r *saml.AuthnRequest) { r.AssertionConsumerServiceURL = acs["canonical"] })
	w.postSSO(changed, http.StatusBadRequest)

	w.sp.Key, w.sp.Certificate = newKey(t)
	to, err = w.request(acs["legacy"], saml.HTTPRedirectBinding, nil).Redirect("relay-state", &w.sp)
	if err != nil {
		t.Fatal(err)
	}
	w.get(to.String(), http.StatusBadRequest)
	w.postSSO(w.request(acs["legacy"], saml.HTTPPostBinding, nil), http.StatusBadRequest)
}

func (w *fixture) postSSO(req *saml.AuthnRequest, status int) form {
	w.t.Helper()
	doc := new(bytes.Buffer)
	tree := req.Element()
	if err := writeElement(doc, tree); err != nil {
		w.t.Fatal(err)
	}
	return w.post(w.url+"/sso", url.Values{
		"SAMLRequest": {base64.StdEncoding.EncodeToString(doc.Bytes())}, "RelayState": {"relay-state"},
	}, status)
}

func TestRequestOfAnUnknownServiceIsRefused(t *testing.T) {
	w := newFixture(t, false)
	for what, change := range map[string]func(*saml.AuthnRequest){
		"another service provider": func(r *saml.AuthnRequest) { r.Issuer.Value = "https://other.example/metadata" },
		"another callback":         func(r *saml.AuthnRequest) { r.AssertionConsumerServiceURL = "https://evil.example/acs" },
		"a callback's beginning":   func(r *saml.AuthnRequest) { r.AssertionConsumerServiceURL += "/more" },
		"another destination":      func(r *saml.AuthnRequest) { r.Destination = "https://other.example/sso" },
		"an old one":               func(r *saml.AuthnRequest) { r.IssueInstant = time.Now().Add(-time.Hour) },
		"another version":          func(r *saml.AuthnRequest) { r.Version = "1.1" },
	} {
		t.Run(what, func(t *testing.T) {
			w.t = t
			page := w.postSSO(w.request(acs["canonical"], saml.HTTPRedirectBinding, change), http.StatusBadRequest)
			if !strings.Contains(page.text, "That request is not from a service that is known here") {
				t.Errorf("got another page than the one for unknown services, want that:\n%s", page.text)
			}
		})
	}
	w.t = t
	var bomb bytes.Buffer
	z, _ := flate.NewWriter(&bomb, 9)
	_, _ = z.Write(bytes.Repeat([]byte("x"), 32<<20))
	_ = z.Close()
	for what, query := range map[string]url.Values{
		"no request":   {},
		"not base64":   {"SAMLRequest": {"%%%"}},
		"not deflated": {"SAMLRequest": {base64.StdEncoding.EncodeToString([]byte("<x/>"))}},
		"a bomb":       {"SAMLRequest": {base64.StdEncoding.EncodeToString(bomb.Bytes())}},
		"markup":       {"SAMLRequest": {"<script>alert(1)</script>"}},
	} {
		if page := w.get(w.url+"/sso?"+query.Encode(), http.StatusBadRequest); strings.Contains(page.text, "<script>alert") {
			t.Errorf("%s: got the markup in the page, want it escaped:\n%s", what, page.text)
		}
	}
	w.post(w.url+"/sso", url.Values{"SAMLRequest": {strings.Repeat("A", 1<<20)}}, http.StatusBadRequest)
	w.post(w.url+"/login", url.Values{"request": {"unknown"}, "user": {"alice"}, "password": {demoidp.Password}}, http.StatusBadRequest)
}

func TestWrongPasswordShowsTheFormAgain(t *testing.T) {
	w := newFixture(t, false)
	req := w.request(acs["canonical"], saml.HTTPRedirectBinding, nil)
	page := w.redirect(req)
	for user, password := range map[string]string{"alice": "wrong", "unknown": demoidp.Password, "": "", "alice@elsewhere.example": demoidp.Password} {
		again := w.signIn(page, user, password, http.StatusUnauthorized)
		if !strings.Contains(again.text, "Nobody here has that name and password") || again.fields.Get("SAMLResponse") != "" {
			t.Errorf("%q: got %s, want a refusal without a response", user, again.text)
		}
		page = again
	}
	w.validated(w.signIn(page, "alice", demoidp.Password, http.StatusOK), req)
}

func TestCancelIsADenial(t *testing.T) {
	w := newFixture(t, false)
	req := w.request(acs["canonical"], saml.HTTPRedirectBinding, nil)
	answer := w.press(w.redirect(req), "cancel")
	if answer.action != acs["canonical"] {
		t.Errorf("got an answer to %s, want %s", answer.action, acs["canonical"])
	}
	if _, err := w.validate(answer, req); err == nil {
		t.Error("got a login for the service provider, want an error")
	}
	raw, _ := base64.StdEncoding.DecodeString(answer.fields.Get("SAMLResponse"))
	var response saml.Response
	if err := xml.Unmarshal(raw, &response); err != nil {
		t.Fatal(err)
	}
	code := response.Status.StatusCode
	if code.Value != saml.StatusResponder || code.StatusCode == nil || code.StatusCode.Value != saml.StatusRequestDenied ||
		response.Status.StatusMessage == nil || response.InResponseTo != req.ID || response.Destination != acs["canonical"] {
		t.Errorf("got %s, want a denied request in answer to %s", raw, req.ID)
	}
	if err := checkSignature(raw, w.idp.Metadata()); err != nil {
		t.Errorf("checkSignature() = %v, want no error", err)
	}
}

func TestSessionCanBeContinuedOrSwitched(t *testing.T) {
	w := newFixture(t, false)
	ask := func() (*saml.AuthnRequest, form) {
		req := w.request(acs["canonical"], saml.HTTPRedirectBinding, nil)
		return req, w.redirect(req)
	}
	user := func(req *saml.AuthnRequest, answer form) string { return w.validated(answer, req).Subject.NameID.Value }

	req, page := ask()
	if got := user(req, w.signIn(page, "alice", demoidp.Password, http.StatusOK)); got != "alice@acme.example" {
		t.Fatalf("after signing in: got %s, want alice@acme.example", got)
	}
	req, page = ask()
	if !strings.Contains(page.text, "Continue as Alice") {
		t.Fatalf("got no session, want one of Alice:\n%s", page.text)
	}
	if got := user(req, w.press(page, "continue")); got != "alice@acme.example" {
		t.Errorf("after continuing: got %s, want alice@acme.example", got)
	}
	req, page = ask()
	if got := user(req, w.signIn(w.press(page, "switch"), "mallory", demoidp.Password, http.StatusOK)); got != "mallory@elsewhere.example" {
		t.Errorf("after switching: got %s, want mallory@elsewhere.example", got)
	}
	forced := w.request(acs["canonical"], saml.HTTPRedirectBinding, func(r *saml.AuthnRequest) { yes := true; r.ForceAuthn = &yes })
	if page := w.redirect(forced); strings.Contains(page.text, "Continue as") {
		t.Errorf("got a page to continue for ForceAuthn, want the login page:\n%s", page.text)
	}
	home := w.get(w.url+"/", http.StatusOK)
	if !strings.Contains(home.text, "mallory@elsewhere.example") {
		t.Errorf("got no user on the front page, want mallory:\n%s", home.text)
	}
	_, page = ask()
	w.post(home.action, home.fields, http.StatusOK)
	if page = w.pressExpecting(page, "continue", http.StatusUnauthorized); page.fields.Get("SAMLResponse") != "" {
		t.Errorf("after signing out: got a response to continue, want none:\n%s", page.text)
	}
	if _, page = ask(); strings.Contains(page.text, "Continue as") {
		t.Errorf("after signing out: got a session, want none:\n%s", page.text)
	}
}

func (w *fixture) pressExpecting(page form, action string, status int) form {
	w.t.Helper()
	page.fields.Set("action", action)
	return w.post(page.action, page.fields, status)
}

func TestLoginPageSaysDemo(t *testing.T) {
	w := newFixture(t, false)
	page := w.redirect(w.request(acs["canonical"], saml.HTTPRedirectBinding, nil))
	for _, text := range []string{"alice@acme.example", "bob@acme.example", "mallory@elsewhere.example", "<code>password</code>", "this is a demo"} {
		if !strings.Contains(page.text, text) {
			t.Errorf("got a page without %q, want it:\n%s", text, page.text)
		}
	}
}

func TestPendingRequestsAreBounded(t *testing.T) {
	w := newFixture(t, false)
	for range 1100 {
		w.redirect(w.request(acs["canonical"], saml.HTTPRedirectBinding, nil))
	}
	req := w.request(acs["canonical"], saml.HTTPRedirectBinding, nil)
	w.validated(w.signIn(w.redirect(req), "alice", demoidp.Password, http.StatusOK), req)
}

func TestInvalidConfigurationIsRefused(t *testing.T) {
	for what, cfg := range map[string]demoidp.Config{
		"no URL":             {},
		"a relative URL":     {URL: "/idp"},
		"no metadata":        {URL: "http://127.0.0.1", Service: []byte("x")},
		"another provider's": {URL: "http://127.0.0.1", Service: newFixture(t, false).idp.Metadata()},
		"no callback": {URL: "http://127.0.0.1", Service: []byte(
			`<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="x"><SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"/></EntityDescriptor>`)},
	} {
		if _, err := demoidp.New(cfg); err == nil {
			t.Errorf("New(%s): got no error, want one", what)
		}
	}
}
