package saml

import (
	"bytes"
	"compress/flate"
	"context"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"

	"github.com/beevik/etree"
	crewjam "github.com/crewjam/saml"

	"github.com/devicegate/devicegate/adapters/saml/xmlsec"
	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/spkeys"
	"github.com/devicegate/devicegate/ports"
)

// authnRequest asks for a sign-in (SAML core §3.4.1, profiles §4.1.4.1). It
// asks for no authentication context: the identity provider decides whether a
// password or a passkey is enough, and a fixed context locks people out.
func (b *Broker) authnRequest(signIn approval.SignInRequest, destination string, policy policy) *crewjam.AuthnRequest {
	request := &crewjam.AuthnRequest{
		ID:                          signIn.RequestID,
		Version:                     "2.0",
		IssueInstant:                signIn.IssuedAt.UTC(),
		Destination:                 destination,
		Issuer:                      &crewjam.Issuer{Value: b.cfg.EntityID},
		ProtocolBinding:             bindingPOST,
		AssertionConsumerServiceURL: b.acs(signIn.ACS),
	}
	if signIn.ForceAuthn {
		request.ForceAuthn = &signIn.ForceAuthn
	}
	if format, create := policy.nameIDFormat(), true; format != "" {
		request.NameIDPolicy = &crewjam.NameIDPolicy{Format: &format, AllowCreate: &create}
	}
	return request
}

// withSubject adds the Subject of the request (SAML core §3.4.1.4) for connections
// that ask for it. It is not the default: Entra ID refuses a Subject.
func withSubject(request *crewjam.AuthnRequest, signIn approval.SignInRequest, via connection.Connection) *crewjam.AuthnRequest {
	if via.Settings().LoginHint == connection.LoginHintSubject && !signIn.LoginHint.IsZero() {
		request.Subject = &crewjam.Subject{NameID: &crewjam.NameID{Format: formatEmail, Value: signIn.LoginHint.String()}}
	}
	return request
}

// withHint adds login_hint to the address that the request is sent to: Entra ID,
// Okta and others fill their form with it. No signature covers it.
func withHint(to string, signIn approval.SignInRequest, via connection.Connection) string {
	if via.Settings().LoginHint != connection.LoginHintParameter || signIn.LoginHint.IsZero() {
		return to
	}
	separator := "?"
	if strings.Contains(to, "?") {
		separator = "&"
	}
	return to + separator + "login_hint=" + url.QueryEscape(signIn.LoginHint.String())
}

// redirect sends the request by HTTP-Redirect or, where the identity provider
// has only that, by HTTP-POST.
func (b *Broker) redirect(ctx context.Context, signIn approval.SignInRequest, to *idp, via connection.Connection, policy policy) (ports.Redirect, error) {
	send, destination := b.byRedirect, to.redirectURL
	if destination == "" {
		send, destination = b.byPOST, to.postURL
	}
	request := withSubject(b.authnRequest(signIn, destination, policy), signIn, via)
	signer := spkeys.Pair{}
	if wantsSigned(via, to) {
		ours, err := b.keys.Keys(ctx)
		if err != nil {
			return ports.Redirect{}, err
		}
		signer = policy.signer(ours)
	}
	redirect, err := send(request, signIn.RelayState, signer)
	redirect.URL = withHint(redirect.URL, signIn, via)
	return redirect, err
}

func wantsSigned(via connection.Connection, to *idp) bool {
	switch via.Settings().SignRequests {
	case connection.SignAlways:
		return true
	case connection.SignNever:
		return false
	}
	return to != nil && to.wantsSigned
}

// byRedirect is SAML bindings §3.4.4.1: what is signed is the query itself, in
// this order and exactly as it is sent.
func (b *Broker) byRedirect(request *crewjam.AuthnRequest, relay approval.RelayState, signer spkeys.Pair) (ports.Redirect, error) {
	document, err := documentOf(request)
	if err != nil {
		return ports.Redirect{}, err
	}
	var deflated bytes.Buffer
	w, err := flate.NewWriter(&deflated, flate.DefaultCompression)
	if err != nil {
		return ports.Redirect{}, err
	}
	if _, err := w.Write(document); err != nil {
		return ports.Redirect{}, err
	}
	if err := w.Close(); err != nil {
		return ports.Redirect{}, err
	}
	query := "SAMLRequest=" + url.QueryEscape(base64.StdEncoding.EncodeToString(deflated.Bytes())) +
		"&RelayState=" + url.QueryEscape(relay.Reveal())
	if !signer.IsZero() {
		query += "&SigAlg=" + url.QueryEscape(xmlsec.RSASHA256)
		signature, _, err := xmlsec.SignOctets(signer.Key(), []byte(query))
		if err != nil {
			return ports.Redirect{}, err
		}
		query += "&Signature=" + url.QueryEscape(base64.StdEncoding.EncodeToString(signature))
	}
	separator := "?"
	if strings.Contains(request.Destination, "?") {
		separator = "&"
	}
	return ports.Redirect{URL: request.Destination + separator + query}, nil
}

// byPOST is SAML bindings §3.5.4: an enveloped signature, base64, no deflating.
func (b *Broker) byPOST(request *crewjam.AuthnRequest, relay approval.RelayState, signer spkeys.Pair) (ports.Redirect, error) {
	document, err := documentOf(request)
	if err != nil {
		return ports.Redirect{}, err
	}
	if !signer.IsZero() {
		document, err = xmlsec.Sign(document, request.ID, signer.Key(), signer.Certificate().Raw)
		if err != nil {
			return ports.Redirect{}, err
		}
	}
	return ports.Redirect{URL: request.Destination, Fields: []ports.Field{
		{Name: "SAMLRequest", Value: base64.StdEncoding.EncodeToString(document)},
		{Name: "RelayState", Value: relay.Reveal()},
	}}, nil
}

func documentOf(request *crewjam.AuthnRequest) ([]byte, error) {
	doc := etree.NewDocument()
	doc.SetRoot(request.Element())
	document, err := doc.WriteToBytes()
	if err != nil {
		return nil, fmt.Errorf("write AuthnRequest: %w", err)
	}
	return document, nil
}

func certificateText(c *x509.Certificate) string { return base64.StdEncoding.EncodeToString(c.Raw) }
