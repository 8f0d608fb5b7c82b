package saml_test

import (
	"compress/flate"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	crewjam "github.com/crewjam/saml"

	"github.com/devicegate/devicegate/adapters/saml/samltest"
	"github.com/devicegate/devicegate/adapters/saml/xmlsec"
	"github.com/devicegate/devicegate/adapters/saml/xmltree"
	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/ports"
)

// relay has everything that hurts in a query.
const relay = "a+b/c=d&SAMLRequest=x y%"

func signInRequest(b *bench) approval.SignInRequest {
	return approval.SignInRequest{RelayState: approval.ParseRelayState(relay), RequestID: requestID, ACS: b.via.Settings().ACSMount, IssuedAt: b.at}
}

func begin(t testing.TB, b *bench) ports.Redirect {
	t.Helper()
	r, err := b.broker.Begin(t.Context(), b.via, signInRequest(b))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (b *bench) cannotBegin(t testing.TB, says string) {
	t.Helper()
	_, err := b.broker.Begin(t.Context(), b.via, signInRequest(b))
	if !errors.Is(err, ports.ErrInitiateFailed) || !strings.Contains(err.Error(), says) {
		t.Fatalf("got %v, want %q", err, says)
	}
}

func inflated(t testing.TB, text string) []byte {
	t.Helper()
	deflated, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	document, err := io.ReadAll(flate.NewReader(strings.NewReader(string(deflated))))
	if err != nil {
		t.Fatal(err)
	}
	return document
}

func TestAuthnRequestFollowsTheProfile(t *testing.T) { // S39
	for _, mount := range []connection.Mount{connection.Canonical, connection.Legacy} {
		b := newBench(t, samltest.NewIdP(t, idpID), change{settings: func(s *connection.Settings) { s.ACSMount = mount }})
		r := begin(t, b)
		if r.Fields != nil || !strings.HasPrefix(r.URL, "https://idp.test/sso?SAMLRequest=") {
			t.Fatalf("got %+v, want a redirect", r)
		}
		u, err := url.Parse(r.URL)
		if err != nil {
			t.Fatal(err)
		}
		query, err := url.ParseQuery(u.RawQuery)
		if err != nil || len(query) != 2 || len(query["SAMLRequest"]) != 1 || query.Get("RelayState") != relay {
			t.Fatalf("got the query %v, %v, want SAMLRequest and RelayState", query, err)
		}
		document := inflated(t, query.Get("SAMLRequest"))
		var got crewjam.AuthnRequest
		if err := xml.Unmarshal(document, &got); err != nil {
			t.Fatal(err)
		}
		if got.ID != requestID || got.Version != "2.0" || !got.IssueInstant.Equal(b.at) || got.Destination != "https://idp.test/sso" ||
			got.AssertionConsumerServiceURL != publicURL+mount.ACSPath() || got.ProtocolBinding != "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" ||
			got.Issuer.Value != entityID || *got.NameIDPolicy.Format != "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress" || !*got.NameIDPolicy.AllowCreate {
			t.Errorf("got the request %s, want the usual one", document)
		}
		for _, unwanted := range []string{"RequestedAuthnContext", "ForceAuthn", "IsPassive", "transient", "Signature", "AssertionConsumerServiceIndex"} {
			if strings.Contains(string(document), unwanted) {
				t.Errorf("got %s in %s, want it left out", unwanted, document)
			}
		}
	}
}

func TestNameIDPolicyFollowsTheConnection(t *testing.T) {
	for format, want := range map[string]string{"none": "", "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent": `NameIDPolicy Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"`} {
		b := newBench(t, samltest.NewIdP(t, idpID), change{source: func(s *connection.SAMLSettings) { s.NameIDFormat = format }})
		u, err := url.Parse(begin(t, b).URL)
		if err != nil {
			t.Fatal(err)
		}
		document := string(inflated(t, u.Query().Get("SAMLRequest")))
		if !strings.Contains(document, want) || want == "" && strings.Contains(document, "NameIDPolicy") {
			t.Errorf("got the request %s, want the NameIDPolicy of the connection", document)
		}
	}
}

func TestForceAuthnIsSent(t *testing.T) {
	b := newBench(t, samltest.NewIdP(t, idpID))
	signIn := signInRequest(b)
	signIn.ForceAuthn = true
	r, err := b.broker.Begin(t.Context(), b.via, signIn)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(r.URL)
	if err != nil {
		t.Fatal(err)
	}
	if document := inflated(t, u.Query().Get("SAMLRequest")); !strings.Contains(string(document), `ForceAuthn="true"`) {
		t.Errorf("got the request %s, want what the connection says", document)
	}
}

func TestAuthnRequestIsSignedAsConfigured(t *testing.T) {
	for _, tc := range []struct {
		sign   connection.SignRequests
		wants  string
		signed bool
	}{
		{connection.SignAuto, "", false},
		{connection.SignAuto, "false", false},
		{connection.SignAuto, "true", true},
		{connection.SignAuto, "1", true},
		{connection.SignAlways, "", true},
		{connection.SignNever, "true", false},
	} {
		for _, binding := range []string{"Redirect", "POST"} {
			t.Run(string(tc.sign)+", "+tc.wants+", "+binding, func(t *testing.T) {
				idp := samltest.NewIdP(t, idpID)
				idp.SSO = "https://idp.test/sso?tenant=1"
				document := strings.Replace(string(idp.Metadata()), `<md:IDPSSODescriptor `, `<md:IDPSSODescriptor WantAuthnRequestsSigned="`+tc.wants+`" `, 1)
				if binding == "POST" {
					document = strings.Replace(document, "bindings:HTTP-Redirect", "bindings:SOAP", 1)
				}
				b := newBench(t, idp, metadata(document), change{settings: func(s *connection.Settings) { s.SignRequests = tc.sign }})
				r := begin(t, b)
				if binding == "POST" {
					checkPosted(t, r, tc.signed)
				} else {
					checkRedirected(t, r, tc.signed)
				}
			})
		}
	}
}

// F46
func TestLoginHintIsPassedOnAsTheConnectionSays(t *testing.T) {
	hint, err := identity.ParseEmail("alice+test@example.com")
	if err != nil {
		t.Fatal(err)
	}
	for _, binding := range []string{"Redirect", "POST"} {
		for _, tc := range []struct {
			setting            connection.LoginHint
			hint               identity.Email
			parameter, subject bool
		}{
			{"", hint, true, false},
			{connection.LoginHintParameter, hint, true, false},
			{connection.LoginHintSubject, hint, false, true},
			{connection.LoginHintNone, hint, false, false},
			{connection.LoginHintParameter, identity.Email{}, false, false},
			{connection.LoginHintSubject, identity.Email{}, false, false},
		} {
			t.Run(fmt.Sprintf("%s, %q, hint %t", binding, tc.setting, !tc.hint.IsZero()), func(t *testing.T) {
				idp := samltest.NewIdP(t, idpID)
				idp.SSO = "https://idp.test/sso?tenant=1"
				document := string(idp.Metadata())
				if binding == "POST" {
					document = strings.Replace(document, "bindings:HTTP-Redirect", "bindings:SOAP", 1)
				}
				b := newBench(t, idp, metadata(document), change{settings: func(s *connection.Settings) {
					s.LoginHint, s.SignRequests = tc.setting, connection.SignAlways
				}})
				signIn := signInRequest(b)
				signIn.LoginHint = tc.hint
				r, err := b.broker.Begin(t.Context(), b.via, signIn)
				if err != nil {
					t.Fatal(err)
				}
				u, err := url.Parse(r.URL)
				if err != nil {
					t.Fatal(err)
				}
				want := ""
				if tc.parameter {
					want = "alice+test@example.com"
				}
				if got := u.Query().Get("login_hint"); got != want || u.Query().Get("tenant") != "1" {
					t.Errorf("got login_hint %q in %s, want %q", got, r.URL, want)
				}
				r.URL = strings.Replace(r.URL, "&login_hint=alice%2Btest%40example.com", "", 1)
				var request []byte
				if binding == "POST" {
					checkPosted(t, r, true)
					if request, err = base64.StdEncoding.DecodeString(r.Fields[0].Value); err != nil {
						t.Fatal(err)
					}
				} else {
					checkRedirected(t, r, true)
					request = inflated(t, u.Query().Get("SAMLRequest"))
				}
				subject := `<saml:Subject><saml:NameID Format="urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress">alice+test@example.com</saml:NameID></saml:Subject><samlp:NameIDPolicy`
				plain := strings.ReplaceAll(string(request), ` xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"`, "")
				if strings.Contains(plain, subject) != tc.subject || strings.Contains(string(request), "Subject") != tc.subject {
					t.Errorf("got request %s, want Subject %t", request, tc.subject)
				}
			})
		}
	}
}

// F16: each cause has a reason of its own.
func TestSignInThatCannotBeginHasAReason(t *testing.T) {
	idp := samltest.NewIdP(t, idpID)
	p, url := published(t, idp)
	p.publish(http.StatusNotFound, "")
	other, err := connection.New(connection.Settings{Slug: "other", Domains: []string{"*"}})
	if err != nil {
		t.Fatal(err)
	}
	ended := until(idp, samltest.Epoch)
	for want, b := range map[string]*bench{
		"metadata_expired":     newBench(t, idp, metadata(ended)),
		"metadata_unavailable": newBench(t, idp, url),
		"no_metadata":          {broker: newBench(t, idp).broker, via: other},
	} {
		_, err := b.broker.Begin(t.Context(), b.via, signInRequest(b))
		if got := reason(err); got != want || !errors.Is(err, ports.ErrInitiateFailed) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func checkRedirected(t *testing.T, r ports.Redirect, signed bool) {
	t.Helper()
	if r.Fields != nil || !strings.HasPrefix(r.URL, "https://idp.test/sso?tenant=1&SAMLRequest=") {
		t.Fatalf("got %+v, want a redirect that keeps the query", r)
	}
	query := strings.TrimPrefix(r.URL, "https://idp.test/sso?tenant=1&")
	octets, signature, found := strings.Cut(query, "&Signature=")
	if found != signed || strings.Contains(query, "&SigAlg=") != signed {
		t.Fatalf("got the query %s, want it signed as the connection says", query)
	}
	if !signed {
		return
	}
	signature, err := url.QueryUnescape(signature)
	if err != nil {
		t.Fatal(err)
	}
	value, err := base64.StdEncoding.DecodeString(signature)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(octets))
	if err := rsa.VerifyPKCS1v15(&samltest.RSAKey(t, 10).PublicKey, crypto.SHA256, sum[:], value); err != nil {
		t.Error(err)
	}
}

func checkPosted(t *testing.T, r ports.Redirect, signed bool) {
	t.Helper()
	if r.URL != "https://idp.test/sso?tenant=1" || len(r.Fields) != 2 || r.Fields[0].Name != "SAMLRequest" || r.Fields[1] != (ports.Field{Name: "RelayState", Value: relay}) {
		t.Fatalf("got %+v, want a form with two fields", r)
	}
	document, err := base64.StdEncoding.DecodeString(r.Fields[0].Value)
	if err != nil {
		t.Fatal(err)
	}
	root, err := xmltree.Parse(document, xmltree.Limits{Bytes: 1 << 20, Depth: 20, Elements: 200, Attributes: 20, Namespaces: 20})
	if err != nil {
		t.Fatal(err)
	}
	_, err = xmlsec.Verify(root, requestID, []crypto.PublicKey{&samltest.RSAKey(t, 10).PublicKey}, xmlsec.Consent{})
	if signed != (err == nil) {
		t.Errorf("Verify(request) = %v, want it signed %t", err, signed)
	}
	if second := root.Elements()[1].Local; signed && second != "Signature" {
		t.Errorf("got %s behind the Issuer, want Signature", second) // the schema's order
	}
}

// signerOf is the key that signs the requests of b, which go by redirect.
func signerOf(t *testing.T, b *bench) *rsa.PublicKey {
	t.Helper()
	octets, signature, _ := strings.Cut(strings.SplitN(begin(t, b).URL, "?", 2)[1], "&Signature=")
	value, err := url.QueryUnescape(signature)
	if err != nil {
		t.Fatal(err)
	}
	made, err := base64.StdEncoding.DecodeString(value)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(octets))
	for n := range 3 {
		if key := &samltest.RSAKey(t, 10+n).PublicKey; rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], made) == nil {
			return key
		}
	}
	t.Fatalf("got the query %s, want it signed by a key of ours", octets)
	return nil
}
