package enterprise

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/golang-jwt/jwt/v5"

	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/ports"
)

const (
	assertionAudience = "api.device_flow.external_subject_assertion"
	assertionLife     = 10 * time.Minute
	assertionMax      = 16 << 10
	// leeway is by how much the clock of a signer may be ahead of ours.
	leeway = 30 * time.Second
)

// Verify implements [ports.Broker] for an sso_assertion. Nothing of the payload is
// read before the signature is verified.
func (b *Broker) Verify(_ context.Context, via connection.Connection, what ports.Response) (approval.VerifiedAssertion, error) {
	claimed, err := b.open(what.Raw)
	if err != nil {
		return approval.VerifiedAssertion{}, err
	}
	expires, err := checkValidity(claimed, what.At)
	if err != nil {
		return approval.VerifiedAssertion{}, err
	}
	return verifiedAssertion(claimed, via, expires)
}

// Claim implements [ports.Broker]: an assertion comes with a transaction or not at
// all, so that there is nothing to find out.
func (b *Broker) Claim(string) ports.Claim { return ports.Claim{} }

// payload keeps the octets of a JWS until its signature has been checked. The
// library checks none of its claims: it accepts an audience among several, and
// times of other types.
type payload struct {
	jwt.Claims
	octets []byte
}

// UnmarshalJSON is how the library hands the payload over.
func (p *payload) UnmarshalJSON(octets []byte) error {
	p.octets = slices.Clone(octets)
	return nil
}

// compact is the form of a JWS (RFC 7515 §7.1). The decoder alone would skip
// line breaks.
var compact = regexp.MustCompile(`^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*$`)

// open returns the claims of a JWS that one of our keys has signed.
func (b *Broker) open(raw string) (claims, error) {
	if len(raw) > assertionMax {
		return nil, approval.Refuse("assertion_too_large", fmt.Sprintf("at most %d characters", assertionMax), strconv.Itoa(len(raw)))
	}
	malformed := approval.Refuse("assertion_malformed", "a JWS in compact form", "something else")
	if !compact.MatchString(raw) {
		return nil, malformed
	}
	var sealed payload
	_, err := jwt.NewParser(jwt.WithStrictDecoding(), jwt.WithoutClaimsValidation()).ParseWithClaims(raw, &sealed, b.keys)
	var refusal *approval.Refusal
	switch {
	case err == nil:
		return readClaims(sealed.octets)
	case errors.As(err, &refusal):
		return nil, refusal
	case errors.Is(err, jwt.ErrTokenSignatureInvalid):
		return nil, approval.Refuse("signature_invalid", "", "")
	case errors.Is(err, jwt.ErrTokenUnverifiable):
		return nil, approval.Refuse("alg_not_allowed", jwt.SigningMethodHS256.Name, "another")
	}
	return nil, malformed
}

// keys looks at the protected header and returns the keys that its kid stands
// for. There is one kid, before and after a rotation, hence several keys; a kid
// that is not known is tried with none (RFC 7515 §4.1.4, RFC 8725 §3.1).
func (b *Broker) keys(t *jwt.Token) (any, error) {
	if t.Method != jwt.SigningMethodHS256 {
		return nil, approval.Refuse("alg_not_allowed", jwt.SigningMethodHS256.Name, t.Method.Alg())
	}
	if _, there := t.Header["crit"]; there {
		return nil, approval.Refuse("crit_not_supported", "no crit header", "one")
	}
	if kid, _ := t.Header["kid"].(string); kid != keyID {
		return nil, approval.Refuse("unknown_kid", keyID, excerpt(t.Header["kid"]))
	}
	if typ, _ := t.Header["typ"].(string); !strings.EqualFold(typ, "JWT") {
		return nil, approval.Refuse("typ_not_allowed", "JWT", excerpt(t.Header["typ"]))
	}
	if _, there := t.Header["cty"]; there {
		return nil, approval.Refuse("nested_token", "no cty header", excerpt(t.Header["cty"]))
	}
	set := jwt.VerificationKeySet{Keys: []jwt.VerificationKey{b.cfg.SigningKey}}
	for _, key := range b.cfg.PreviousKeys {
		set.Keys = append(set.Keys, key)
	}
	return set, nil
}

// claims are the members of a verified payload, each still undecoded.
type claims map[string]json.RawMessage

// readClaims refuses repeated members, of which parsers take the first or the last
// (RFC 7519 §4).
func readClaims(octets []byte) (claims, error) {
	d := json.NewDecoder(bytes.NewReader(octets))
	if start, err := d.Token(); err != nil || start != json.Delim('{') || !utf8.Valid(octets) {
		return nil, approval.Refuse("claims_malformed", "a JSON object", "something else")
	}
	all := claims{}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, approval.Refuse("claims_malformed", "a JSON object", "something else")
		}
		if _, twice := all[name.(string)]; twice {
			return nil, approval.Refuse("claim_repeated", "each claim once", excerpt(name))
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, approval.Refuse("claims_malformed", "a JSON object", "something else")
		}
		all[name.(string)] = value
	}
	return all, nil
}

// checkValidity checks the audience and the times of the assertion, and returns
// when it ends.
func checkValidity(claimed claims, at time.Time) (expires time.Time, err error) {
	if to := claimed.audiences(); !slices.Equal(to, []string{assertionAudience}) {
		return expires, approval.Refuse("audience_mismatch", assertionAudience, excerpt(strings.Join(to, " ")))
	}
	issued, err := claimed.time("iat")
	if err != nil {
		return expires, err
	}
	if expires, err = claimed.time("exp"); err != nil {
		return expires, err
	}
	begins := issued
	if _, there := claimed["nbf"]; there {
		if begins, err = claimed.time("nbf"); err != nil {
			return expires, err
		}
	}
	// A signer whose clock is ahead within the leeway counts from its own now.
	latest := at.Add(assertionLife)
	if issued.After(at) {
		latest = issued.Add(assertionLife)
	}
	switch {
	case issued.After(at.Add(leeway)):
		return expires, approval.Refuse("clock_ahead", "iat until "+timestamp(at.Add(leeway)), timestamp(issued))
	case begins.After(at.Add(leeway)):
		return expires, approval.Refuse("not_yet_valid", "nbf until "+timestamp(at.Add(leeway)), timestamp(begins))
	case !at.Before(expires):
		return expires, approval.Refuse("expired", "exp after "+timestamp(at), timestamp(expires))
	case expires.After(latest):
		return expires, approval.Refuse("exp_too_far", "exp until "+timestamp(latest), timestamp(expires))
	}
	return expires, nil
}

// verifiedAssertion reads the person and the one-time ID.
func verifiedAssertion(claimed claims, via connection.Connection, expires time.Time) (none approval.VerifiedAssertion, err error) {
	nonce, ok := claimed.text("nonce", 1, 128)
	if !ok {
		return none, approval.Refuse("nonce_invalid", "1 to 128 characters", "")
	}
	typed, ok := claimed.text("user_code", 1, 32)
	if !ok {
		return none, approval.Refuse("user_code_invalid", "1 to 32 characters", "")
	}
	code, err := device.ParseUserCode(typed)
	if err != nil {
		return none, approval.Refuse("user_code_invalid", "a code issued here", "another text")
	}
	address, ok := claimed.text("email", 3, 255)
	if !ok {
		return none, approval.Refuse("email_invalid", "3 to 255 characters", "")
	}
	email, err := identity.ParseEmail(address)
	if err != nil {
		return none, approval.Refuse("email_invalid", "a plain e-mail address", "another text")
	}
	issuer, _ := claimed.text("issuer", 1, 255)
	subject, err := identity.NewSubject(email, issuer, "")
	if err != nil {
		return none, approval.Refuse("issuer_invalid", "1 to 255 characters, no blanks around them", "")
	}
	if want := via.Settings().EntityID; want != "" && issuer != want {
		return none, approval.Refuse("issuer_mismatch", want, excerpt(issuer))
	}
	return approval.VerifiedAssertion{Subject: subject, ID: nonce, ExpiresAt: expires, UserCode: code}, nil
}

// text is the claim called name, if it is a string of min to max characters.
func (c claims) text(name string, min, max int) (string, bool) {
	var value any
	if json.Unmarshal(c[name], &value) != nil {
		return "", false
	}
	text, ok := value.(string)
	n := utf8.RuneCountInString(text)
	return text, ok && n >= min && n <= max
}

// audiences reads aud in both of its forms (RFC 7519 §4.1.3).
func (c claims) audiences() []string {
	var one string
	if json.Unmarshal(c["aud"], &one) == nil {
		return []string{one}
	}
	var several []string
	if json.Unmarshal(c["aud"], &several) == nil {
		return several
	}
	return nil
}

// endOfTime keeps what time.Time can print; no assertion lives until then.
const endOfTime = 253402300800 // year 10000

// time reads a NumericDate (RFC 7519 §2), whose fraction does not matter here.
func (c claims) time(name string) (time.Time, error) {
	value, there := c[name]
	if !there {
		return time.Time{}, approval.Refuse(name+"_missing", "a "+name+" claim", "none")
	}
	seconds, err := strconv.ParseFloat(string(value), 64)
	if err != nil || seconds < 0 || seconds >= endOfTime {
		return time.Time{}, approval.Refuse(name+"_malformed", "seconds since 1970", excerpt(string(value)))
	}
	return time.Unix(int64(seconds), 0).UTC(), nil
}

func timestamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// excerpt is as much of a text from outside as a log may hold.
func excerpt(of any) string {
	text := fmt.Sprint(of)
	if r := []rune(text); len(r) > 100 {
		text = string(r[:100]) + "…"
	}
	return strconv.Quote(text)
}
