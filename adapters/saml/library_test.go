package saml_test

import (
	"encoding/xml"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"testing"

	crewjam "github.com/crewjam/saml"
	dsig "github.com/russellhaering/goxmldsig"

	"github.com/devicegate/devicegate/adapters/saml"
	"github.com/devicegate/devicegate/adapters/saml/samltest"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/ports"
)

// onlyService is a directory with one service provider: us.
type onlyService struct{ sp *crewjam.EntityDescriptor }

func (e onlyService) GetServiceProvider(*http.Request, string) (*crewjam.EntityDescriptor, error) {
	return e.sp, nil
}

func (e onlyService) GetSession(http.ResponseWriter, *http.Request, *crewjam.IdpAuthnRequest) *crewjam.Session {
	return &crewjam.Session{ID: "s", Index: "i", NameID: "alice", UserName: "alice", UserEmail: "alice@example.com", CreateTime: crewjam.TimeNow(), ExpireTime: crewjam.TimeNow().Add(crewjam.MaxIssueDelay)}
}

// The demo and the end-to-end tests have crewjam's identity provider. It has to
// understand our requests and metadata, and we what it encrypts to us.
func TestSignInAtCrewjamsIdentityProvider(t *testing.T) {
	for _, sign := range []connection.SignRequests{connection.SignNever, connection.SignAlways} {
		for _, mount := range []connection.Mount{connection.Canonical, connection.Legacy} {
			t.Run(string(sign)+", "+string(mount), func(t *testing.T) {
				key := samltest.RSAKey(t, 0)
				theirs := &crewjam.IdentityProvider{
					Key: key, Certificate: parsed(t, samltest.NewIdP(t, idpID).Certificate),
					SignatureMethod: dsig.RSASHA256SignatureMethod, // its default is SHA-1
					MetadataURL:     url.URL{Scheme: "https", Host: "idp.test", Path: "/metadata"}, SSOURL: url.URL{Scheme: "https", Host: "idp.test", Path: "/sso"},
				}
				document, err := xml.Marshal(theirs.Metadata())
				if err != nil {
					t.Fatal(err)
				}
				b := newBench(t, &samltest.IdP{EntityID: "https://idp.test/metadata"}, metadata(string(document)), change{settings: func(s *connection.Settings) { s.SignRequests, s.ACSMount = sign, mount }})
				b.at = ports.SystemClock() // their clock is a variable of the package; leave it alone
				b.on = mount
				ours, err := b.broker.Metadata(t.Context(), "acme", bothMounts)
				if err != nil {
					t.Fatal(err)
				}
				var sp crewjam.EntityDescriptor
				if err := xml.Unmarshal(ours, &sp); err != nil {
					t.Fatal(err)
				}
				theirs.ServiceProviderProvider, theirs.SessionProvider = onlyService{&sp}, onlyService{&sp}
				w := httptest.NewRecorder()
				theirs.ServeSSO(w, httptest.NewRequest(http.MethodGet, begin(t, b).URL, nil))
				form := regexp.MustCompile(`name="SAMLResponse" value="([^"]+)"`).FindStringSubmatch(w.Body.String())
				if form == nil {
					t.Fatalf("got %d %s, want a form", w.Code, w.Body)
				}
				b.accepts(t, html.UnescapeString(form[1]))
			})
		}
	}
}

func TestGoxmldsigIsNewerThanCVE202633487(t *testing.T) { // S27, CVE-2026-33487
	text, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`russellhaering/goxmldsig v(\d+)\.(\d+)\.(\d+)`).FindSubmatch(text)
	if m == nil {
		t.Fatal("got no goxmldsig in go.mod, want it")
	}
	var version int
	for _, part := range m[1:] {
		n, err := strconv.Atoi(string(part))
		if err != nil {
			t.Fatal(err)
		}
		version = version*1000 + n
	}
	if version < 1_006_001 {
		t.Errorf("got %s in go.mod, want at least 1.6.1", m[0])
	}
}

var _ ports.Broker = (*saml.Broker)(nil)
