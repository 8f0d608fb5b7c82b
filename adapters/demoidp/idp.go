package demoidp

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/xml"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/crewjam/saml"
	dsig "github.com/russellhaering/goxmldsig"
)

// Password is that of every user.
const Password = "password"

// User can sign in, by the whole address or the part before the at sign.
type User struct {
	Email string
	Name  string
	About string // a sentence part that the login page shows
}

// People are the users unless others are configured.
var People = []User{
	{"alice@acme.example", "Alice Adams", "works at ACME"},
	{"bob@acme.example", "Bob Brown", "works at ACME too"},
	{"mallory@elsewhere.example", "Mallory Moss", "belongs to another domain, and is refused"},
}

// Config says where the identity provider is and which users it has.
type Config struct {
	URL     string // its own, absolute
	Service []byte // metadata of a service provider; more by [IdP.Register]
	Users   []User // empty: People
	Now     func() time.Time
	Key     *rsa.PrivateKey // nil: a new one
}

// IdP is a running identity provider.
type IdP struct {
	base  *url.URL
	users []User
	now   func() time.Time

	saml saml.IdentityProvider
	keys dsig.TLSCertKeyStore

	requests *expiringStore[pending]
	sessions *expiringStore[signedIn]

	mu       sync.RWMutex
	services map[string]*saml.EntityDescriptor
}

const (
	requestLife = 15 * time.Minute
	sessionLife = time.Hour
)

// New makes an identity provider.
func New(cfg Config) (*IdP, error) {
	base, err := url.Parse(strings.TrimRight(cfg.URL, "/"))
	if err != nil || base.Host == "" {
		return nil, fmt.Errorf("demoidp: %q is not an absolute URL", cfg.URL)
	}
	idp := &IdP{base: base, users: cfg.Users, now: cfg.Now, services: map[string]*saml.EntityDescriptor{}}
	if len(idp.users) == 0 {
		idp.users = People
	}
	if idp.now == nil {
		idp.now = time.Now
	}
	idp.requests, idp.sessions = newExpiringStore[pending](requestLife, idp.now), newExpiringStore[signedIn](sessionLife, idp.now)
	key := cfg.Key
	if key == nil {
		if key, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
			return nil, fmt.Errorf("demoidp: make a key: %w", err)
		}
	}
	certificate, err := newCertificate(key)
	if err != nil {
		return nil, fmt.Errorf("demoidp: make a certificate: %w", err)
	}
	idp.keys = dsig.TLSCertKeyStore{Certificate: [][]byte{certificate.Raw}, PrivateKey: key}
	idp.saml = saml.IdentityProvider{
		Key: key, Certificate: certificate, SignatureMethod: dsig.RSASHA256SignatureMethod,
		MetadataURL: *base.JoinPath("metadata"), SSOURL: *base.JoinPath("sso"), ServiceProviderProvider: idp,
	}
	if cfg.Service != nil {
		if err := idp.Register(cfg.Service); err != nil {
			return nil, err
		}
	}
	return idp, nil
}

// newCertificate makes a certificate that only carries the key: in SAML the
// metadata is the trust anchor.
func newCertificate(key *rsa.PrivateKey) (*x509.Certificate, error) {
	form := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "devicegate demo identity provider"},
		NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: time.Now().AddDate(10, 0, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, form, form, key.Public(), key)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

// Register accepts the requests of a service provider from now on. Registering it
// again replaces its metadata.
func (idp *IdP) Register(metadata []byte) error {
	service := new(saml.EntityDescriptor)
	if err := xml.Unmarshal(metadata, service); err != nil {
		return fmt.Errorf("demoidp: read the service provider's metadata: %w", err)
	}
	if len(service.SPSSODescriptors) == 0 {
		return errors.New("demoidp: the metadata describes no service provider")
	}
	for _, role := range service.SPSSODescriptors {
		if len(role.AssertionConsumerServices) == 0 {
			return errors.New("demoidp: the service provider has no AssertionConsumerService")
		}
	}
	idp.mu.Lock()
	defer idp.mu.Unlock()
	idp.services[service.EntityID] = service
	return nil
}

// GetServiceProvider is how the library asks for what [IdP.Register] took.
func (idp *IdP) GetServiceProvider(_ *http.Request, entityID string) (*saml.EntityDescriptor, error) {
	idp.mu.RLock()
	defer idp.mu.RUnlock()
	if service, known := idp.services[entityID]; known {
		return service, nil
	}
	return nil, os.ErrNotExist
}

// Metadata describes the identity provider. Unlike the library's it does not
// expire after two days, and it names the format of the NameIDs that are sent.
func (idp *IdP) Metadata() []byte {
	library := idp.saml.Metadata()
	role := library.IDPSSODescriptors[0]
	role.KeyDescriptors = role.KeyDescriptors[:1] // the second one is for encryption, and nothing is encrypted to us
	role.NameIDFormats = []saml.NameIDFormat{saml.EmailAddressNameIDFormat}
	text, err := xml.MarshalIndent(struct {
		XMLName  xml.Name `xml:"urn:oasis:names:tc:SAML:2.0:metadata EntityDescriptor"`
		EntityID string   `xml:"entityID,attr"`
		Role     saml.IDPSSODescriptor
	}{EntityID: library.EntityID, Role: role}, "", "  ")
	if err != nil {
		panic(err) // only if the struct above cannot be marshalled at all
	}
	return text
}
