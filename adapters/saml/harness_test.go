package saml_test

import (
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/devicegate/devicegate/adapters/memory"
	"github.com/devicegate/devicegate/adapters/saml"
	"github.com/devicegate/devicegate/adapters/saml/samltest"
	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/spkeys"
	"github.com/devicegate/devicegate/ports"
)

const (
	publicURL = "https://gate.test"
	entityID  = "https://gate.test/saml/metadata"
	idpID     = "https://idp.test/metadata"
	requestID = "_request"
)

func reason(err error) string {
	var r *approval.Refusal
	if errors.As(err, &r) {
		return r.Reason
	}
	return ""
}

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// ourKeys are generated once; certificates are cheap.
func ourKeys(t testing.TB) spkeys.Set {
	t.Helper()
	return keySet(t, pair(t, 0), spkeys.Pair{}, spkeys.Pair{})
}

func keySet(t testing.TB, active, next, previous spkeys.Pair) spkeys.Set {
	t.Helper()
	set, err := spkeys.NewSet(active, next, previous)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func pair(t testing.TB, n int) spkeys.Pair {
	t.Helper()
	key := samltest.RSAKey(t, 10+n)
	cert, err := x509.ParseCertificate(samltest.Certificate(t, key, samltest.Epoch.AddDate(-1, 0, 0), samltest.Epoch.AddDate(10, 0, 0)))
	if err != nil {
		t.Fatal(err)
	}
	pair, err := spkeys.NewPair(key, cert)
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

// bench is one connection of a broker under a frozen clock.
type bench struct {
	broker      *saml.Broker
	keys        *memory.Keys
	via         connection.Connection
	idp         *samltest.IdP
	requestedAt time.Time
	at          time.Time
	on          connection.Mount
}

type change struct {
	settings func(*connection.Settings)
	source   func(*connection.SAMLSettings)
	config   func(*saml.Config)
	keys     spkeys.Set     // zero: ourKeys
	store    ports.KeyStore // nil: one that holds keys
}

func newBench(t testing.TB, idp *samltest.IdP, changes ...change) *bench {
	t.Helper()
	b, err := tryBench(t, idp, changes...)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func tryBench(t testing.TB, idp *samltest.IdP, changes ...change) (*bench, error) {
	t.Helper()
	settings := connection.Settings{Slug: "acme", Domains: []string{"example.com"}}
	source := connection.SAMLSettings{Metadata: idp.Metadata()}
	keys := memory.NewKeys(ourKeys(t))
	cfg := saml.Config{PublicURL: publicURL, ClockSkew: 3 * time.Minute}
	for _, c := range changes {
		if c.settings != nil {
			c.settings(&settings)
		}
		if c.source != nil {
			c.source(&source)
		}
		if !c.keys.IsZero() {
			keys.Replace(c.keys)
		}
	}
	settings.SAML = source
	for _, c := range changes {
		if c.config != nil {
			c.config(&cfg)
		}
	}
	via, err := connection.New(settings)
	if err != nil {
		t.Fatal(err)
	}
	directory, err := connection.NewDirectory(via)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{via: via, idp: idp, requestedAt: samltest.Epoch, at: samltest.Epoch, on: connection.Canonical, keys: keys}
	store := ports.KeyStore(keys)
	for _, c := range changes {
		if c.store != nil {
			store = c.store
		}
	}
	b.broker, err = saml.New(cfg, store, directory, func() time.Time { return b.at }, quiet)
	return b, err
}

func (b *bench) request() samltest.Request {
	return samltest.Request{RequestID: requestID, ACS: publicURL + connection.Canonical.ACSPath(), Audience: entityID, At: samltest.Epoch}
}

func (b *bench) message() samltest.Message {
	m := b.idp.Message(b.request())
	return m
}

func (b *bench) verify(t testing.TB, raw string) (approval.VerifiedAssertion, error) {
	t.Helper()
	return b.judge(t, b.response(raw))
}

func (b *bench) response(raw string) ports.Response {
	return ports.Response{Raw: raw, RequestID: requestID, RequestedAt: b.requestedAt, ReceivedOn: b.on, At: b.at}
}

// judge lets the verifier and the explanation judge a response.
func (b *bench) judge(t testing.TB, what ports.Response) (approval.VerifiedAssertion, error) {
	t.Helper()
	assertion, err := b.broker.Verify(t.Context(), b.via, what)
	if _, measured := t.(*testing.B); !measured {
		b.agrees(t, what, assertion, err)
	}
	return assertion, err
}

// accepts wants the subject alice@example.com.
func (b *bench) accepts(t testing.TB, raw string) approval.VerifiedAssertion {
	t.Helper()
	assertion, err := b.verify(t, raw)
	if err != nil {
		t.Fatalf("got %v, want alice@example.com", err)
	}
	if got := assertion.Subject.Email().String(); got != "alice@example.com" {
		t.Fatalf("got %q, want alice@example.com", got)
	}
	if assertion.Subject.Issuer() != b.idp.EntityID || assertion.ID == "" || assertion.ExpiresAt.Before(b.at) {
		t.Fatalf("got %+v, want issuer %s, an ID and an end after %s", assertion, b.idp.EntityID, b.at)
	}
	return assertion
}

// refuses wants a refusal with that reason, which the browser does not see.
func (b *bench) refuses(t testing.TB, raw, reason string) *approval.Refusal {
	t.Helper()
	_, err := b.verify(t, raw)
	if err == nil {
		t.Fatalf("got no refusal, want %s", reason)
	}
	var r *approval.Refusal
	if !errors.As(err, &r) {
		t.Fatalf("got %v, want a refusal", err)
	}
	if r.Reason != reason {
		t.Fatalf("got %v, want %s", r, reason)
	}
	shown, _ := fault.Of(err)
	if reason != "idp_denied" && (shown == nil || shown.Code != approval.ErrInvalidAssertion.Code) {
		t.Fatalf("got %v for the browser, want %s", shown, approval.ErrInvalidAssertion.Code)
	}
	return r
}

func encrypted(e samltest.Encryption) func(*samltest.Message) {
	return func(m *samltest.Message) { m.Encryption = &e }
}

// with returns the usual message, changed.
func (b *bench) with(t testing.TB, changes ...func(*samltest.Message)) string {
	t.Helper()
	m := b.message()
	m.EncryptTo = &samltest.RSAKey(t, 10).PublicKey
	for _, change := range changes {
		change(&m)
	}
	return m.Encode()
}

func parsed(t testing.TB, der []byte) *x509.Certificate {
	t.Helper()
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}
