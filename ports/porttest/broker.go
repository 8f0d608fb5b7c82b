package porttest

import (
	"context"
	"errors"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/ports"
)

// BrokerUnderTest is an adapter with one connection, and what a test must be
// able to do with the identity provider behind it.
type BrokerUnderTest struct {
	ports.Broker
	Connection connection.Connection
	SignIn     approval.SignInRequest
	// Response is what the identity provider answers to SignIn for a person
	// whom the connection may assert, as it is received a moment later.
	Response func(email string) ports.Response
	Email    string // of such a person
	Down     func() // from now on no sign-in can begin
}

var reasonForm = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// Broker tests a [ports.Broker]. Open returns one that can begin a sign-in; it
// is called once for each subtest.
func Broker(t *testing.T, open func(t *testing.T) BrokerUnderTest) {
	refused := func(t *testing.T, err error, as ...error) {
		t.Helper()
		var r *approval.Refusal
		if !errors.As(err, &r) || !reasonForm.MatchString(r.Reason) {
			t.Fatalf("got %v, want a refusal with a reason in snake case", err)
		}
		for _, want := range as {
			if errors.Is(err, want) {
				return
			}
		}
		t.Errorf("got %v, want one of %v", err, as)
	}
	verify := func(t *testing.T, b BrokerUnderTest, what ports.Response) (approval.VerifiedAssertion, error) {
		t.Helper()
		got, err := b.Verify(t.Context(), b.Connection, what)
		if err != nil && got != (approval.VerifiedAssertion{}) {
			t.Errorf("got %+v beside the refusal, want nothing", got)
		}
		return got, err
	}
	// Refusals of responses: what the browser gets may be finer.
	response := []error{approval.ErrInvalidAssertion, approval.ErrDeniedByIdP, approval.ErrNoEmail, connection.ErrForeignDomain}

	t.Run("a sign-in begins at a web address", func(t *testing.T) {
		b := open(t)
		to, err := b.Begin(t.Context(), b.Connection, b.SignIn)
		if err != nil {
			t.Fatal(err)
		}
		u, err := url.Parse(to.URL)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
			t.Errorf("got %q, want an http or https URL without credentials", to.URL)
		}
	})
	t.Run("a sign-in that cannot begin is refused for a reason", func(t *testing.T) {
		b := open(t)
		b.Down()
		to, err := b.Begin(t.Context(), b.Connection, b.SignIn)
		refused(t, err, ports.ErrInitiateFailed, ports.ErrInitiateMissingURL)
		if to.URL != "" || to.Fields != nil {
			t.Errorf("got %+v beside the refusal, want nothing", to)
		}
	})
	t.Run("a request that has ended begins nothing or is refused", func(t *testing.T) {
		b := open(t)
		b.Down()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := b.Begin(ctx, b.Connection, b.SignIn)
		refused(t, err, ports.ErrInitiateFailed, ports.ErrInitiateMissingURL)
	})
	t.Run("a response names the person, as often as it is verified", func(t *testing.T) {
		b := open(t)
		what := b.Response(b.Email)
		first, err := verify(t, b, what)
		if err != nil {
			t.Fatal(err)
		}
		if got := first.Subject.Email().String(); got != b.Email {
			t.Errorf("got %q, want %q", got, b.Email)
		}
		if first.ID == "" || first.Subject.Issuer() == "" || !first.ExpiresAt.After(what.At) {
			t.Errorf("got %+v, want an ID, an issuer and an end after %s", first, what.At)
		}
		if again, err := verify(t, b, what); err != nil || again != first {
			t.Errorf("got %+v, %v the second time, want %+v", again, err, first)
		}
	})
	t.Run("a response is refused from its end on", func(t *testing.T) {
		b := open(t)
		what := b.Response(b.Email)
		got, err := verify(t, b, what)
		if err != nil {
			t.Fatal(err)
		}
		for _, after := range []time.Duration{0, time.Second, 1000 * time.Hour} {
			what.At = got.ExpiresAt.Add(after)
			_, err := verify(t, b, what)
			refused(t, err, response...)
		}
	})
	t.Run("a response from far ahead is refused", func(t *testing.T) {
		b := open(t)
		what := b.Response(b.Email)
		what.At = what.At.Add(-time.Hour)
		what.RequestedAt = what.At
		_, err := verify(t, b, what)
		refused(t, err, response...)
	})
	t.Run("what is no response is refused", func(t *testing.T) {
		b := open(t)
		for _, raw := range []string{
			"", " ", "x", "..", "a.b.c", "PGE+", "PGEvPg==", "\x00\xff", "<samlp:Response/>", "{}",
			strings.Repeat("A", 1<<20), strings.Repeat(".", 1<<16), strings.Repeat("PGE+", 1<<16),
		} {
			what := b.Response(b.Email)
			what.Raw = raw
			_, err := verify(t, b, what)
			refused(t, err, response...)
			if got := b.Claim(raw); got != (ports.Claim{}) {
				t.Errorf("%.20q: got the claim %+v, want none", raw, got)
			}
		}
	})
	t.Run("a response that is cut or changed signs no other person in", func(t *testing.T) {
		b := open(t)
		good := b.Response(b.Email)
		want, err := verify(t, b, good)
		if err != nil {
			t.Fatal(err)
		}
		step := max(1, len(good.Raw)/100)
		for i := 0; i < len(good.Raw); i += step {
			what := good
			what.Raw = good.Raw[:i]
			_, err := verify(t, b, what)
			refused(t, err, response...)
			_ = b.Claim(what.Raw) // must not panic
			other := byte('A')
			if good.Raw[i] == other {
				other = 'B'
			}
			what.Raw = good.Raw[:i] + string(other) + good.Raw[i+1:]
			if got, err := verify(t, b, what); err != nil {
				refused(t, err, response...)
			} else if got != want {
				t.Errorf("got %+v with octet %d changed, want %+v or a refusal", got, i, want)
			}
		}
	})
}
