package applicationtest

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/ports"
)

// Broker is a [ports.Broker] whose connections behave as they are called:
//
//	post     takes requests by a form
//	down     cannot be reached
//	nowhere  names no place to go to
//	panics   has a defect
//
// Any other sends the browser to https://idp.example/sso. What comes back reads
//
//	ok <id> <e-mail> [<user code>]   a person signed in
//	denied                           the identity provider said no
//	anything else                    is refused
type Broker struct {
	Begun      []approval.SignInRequest
	SignedInAt time.Time     // what responses say of it; zero: nothing
	Behind     time.Duration // what the identity provider's clock lacks
}

// Begin implements [ports.Broker].
func (b *Broker) Begin(_ context.Context, via connection.Connection, signIn approval.SignInRequest) (ports.Redirect, error) {
	b.Begun = append(b.Begun, signIn)
	switch via.Slug() {
	case "post":
		return ports.Redirect{URL: "https://idp.example/sso", Fields: []ports.Field{{Name: "RelayState", Value: signIn.RelayState.Reveal()}}}, nil
	case "down":
		return ports.Redirect{}, ports.ErrInitiateFailed
	case "nowhere":
		return ports.Redirect{}, ports.ErrInitiateMissingURL
	case "panics":
		panic(errors.New("a defect of the broker"))
	}
	to := url.Values{"RelayState": {signIn.RelayState.Reveal()}, "SAMLRequest": {signIn.RequestID}}
	return ports.Redirect{URL: "https://idp.example/sso?" + to.Encode()}, nil
}

// Last is the sign-in that was begun last.
func (b *Broker) Last() approval.SignInRequest { return b.Begun[len(b.Begun)-1] }

// Claim implements [ports.Broker]. The e-mail address of a response names the
// connection, as "ok a1 ann@acme.example" names acme.
func (b *Broker) Claim(raw string) ports.Claim {
	words := strings.Fields(raw)
	if len(words) < 3 {
		return ports.Claim{}
	}
	_, domain, isAddress := strings.Cut(words[2], "@")
	if !isAddress {
		return ports.Claim{}
	}
	slug, _, _ := strings.Cut(domain, ".")
	return ports.Claim{Issuer: Issuer(slug), Connection: slug}
}

// Issuer is the entity ID that a connection asserts with.
func Issuer(slug string) string { return "https://idp.example/" + slug }

// Verify implements [ports.Broker].
func (b *Broker) Verify(_ context.Context, via connection.Connection, what ports.Response) (out approval.VerifiedAssertion, err error) {
	words := strings.Fields(what.Raw)
	switch {
	case what.Raw == "denied":
		return out, approval.RefuseAs(approval.ErrDeniedByIdP, "denied_by_idp", "", "RequestDenied")
	case len(words) < 3 || words[0] != "ok":
		return out, approval.Refuse("bad_signature", "the key of "+via.Slug(), "another")
	}
	email, err := identity.ParseEmail(words[2])
	if err != nil {
		return out, approval.Refuse("invalid_email", "an address", words[2])
	}
	subject, err := identity.NewSubject(email, Issuer(via.Slug()), "id of "+words[2])
	if err != nil {
		return out, err
	}
	out = approval.VerifiedAssertion{Subject: subject, ID: words[1], ExpiresAt: what.At.Add(5 * time.Minute), IssuedAt: what.At.Add(-b.Behind)}
	if !b.SignedInAt.IsZero() {
		out.SignedInAt = b.SignedInAt.Add(-b.Behind)
	}
	if len(words) > 3 {
		out.UserCode, err = device.ParseUserCode(words[3])
	}
	return out, err
}
