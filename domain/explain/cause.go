package explain

import (
	"fmt"
	"strings"
)

// Causes are the likely causes of what failed, a sentence or two each, in the
// order of the checks.
func (t Trace) Causes(s Situation) []string {
	var out []string
	listed := map[string]bool{}
	for _, c := range t.Checks {
		if c.Outcome != Failed {
			continue
		}
		if text := t.cause(c, s); !listed[text] {
			listed[text] = true
			out = append(out, text)
		}
	}
	return out
}

func (t Trace) cause(c Check, s Situation) string {
	w := wordsOf(s.Product)
	in := func(setting string) string {
		if w.name == wordsOf("").name {
			return "In the identity provider, look at " + setting + "."
		}
		return "In " + w.name + ", look at " + setting + "."
	}
	if of := t.Metadata.EntityID; of != "" && s.Claim.Issuer != "" && s.Claim.Issuer != of && (c.Reason == "unknown_key" || c.Reason == "signature_invalid") {
		return "By its Issuer, the response comes from " + clean(s.Claim.Issuer) + ", and connection " + s.Via.Slug() + " is " + of + ": another tenant or application, or the wrong connection. " + in(w.certificate)
	}
	switch c.Reason {
	case "recipient_is_legacy_acs", "destination_is_legacy_acs":
		return c.Name + " is the legacy URL, but the response was posted to the canonical one. The identity provider still has " + c.Received + " registered. " + in(w.acs)
	case "recipient_is_canonical_acs", "destination_is_canonical_acs":
		return c.Name + " is the canonical URL, but the response was posted to the legacy one: the identity provider takes the two from different settings. " + in(w.acs)
	case "recipient_mismatch", "destination_mismatch", "recipient_missing", "destination_missing":
		return "The response is not made for our callback " + c.Expected + ". Another address, host or scheme (http for https) is registered, or PUBLIC_URL is not what people use. " + in(w.acs)
	case "audience_mismatch", "audience_missing":
		return "The identity provider knows us by another entity ID than " + c.Expected + ". " + in(w.audience) + " Or SAML_ENTITY_ID was changed here."
	case "issuer_mismatch", "issuer_missing", "issuer_format", "invalid_issuer":
		return "The response comes from another identity provider, tenant or application than the metadata of connection " + s.Via.Slug() + ": some products have an entity ID for each application. " + in(w.certificate)
	case "unknown_key":
		return "It is signed with a certificate that is not in " + s.metadata(t.Metadata) + ". " + newKey(t.Metadata, s) + " " + in(w.certificate)
	case "signature_invalid":
		return "No key in " + s.metadata(t.Metadata) + " made this signature. Either the identity provider signs with a new key, or the response was changed on its way. " + newKey(t.Metadata, s) + " " + in(w.certificate)
	case "digest_mismatch":
		return "A key of the metadata has signed, but another content: the response was changed after it was signed, for example by a proxy, a web application firewall or an editor that this copy went through."
	case "clock_ahead", "issued_before_request", "expired", "session_expired":
		return s.clock(c)
	case "unsolicited":
		return "The response answers no request of ours: the person began at the identity provider, from its tile or bookmark. Sign-ins begin at the device; hide the tile, or let it lead to our page. " + in(w.assignment)
	case "in_response_to_mismatch":
		return "The response answers another sign-in than the one that the browser came back with: two tabs, the back button, or a response that was sent a second time."
	case "replayed":
		return "This assertion was accepted once already: the page was reloaded, or the response was sent a second time."
	}
	return t.furtherCause(c, s, w, in)
}

// furtherCause continues [Trace.cause] with the reasons that are met less often.
func (t Trace) furtherCause(c Check, s Situation, w words, in func(string) string) string {
	switch c.Reason {
	case "email_missing":
		return "No e-mail address came. Attribute names that came: " + names(t.Verified.Attributes) + ". If one of them holds the address, run devicegate connections edit " + s.Via.Slug() + " --email-attribute NAME; otherwise let it be sent. " + in(w.attributes)
	case "domain_not_allowed":
		return "The address lies in " + c.Received + ", which connection " + s.Via.Slug() + " may not speak for: a guest or an alias, or a domain that is missing in the connection (devicegate connections edit " + s.Via.Slug() + " --domain …, each domain once). " + in(w.attributes)
	case "name_id_missing", "name_id_blank", "invalid_subject":
		return "The person has no usable NameID: often an empty field in the directory. " + in(w.nameID)
	case "idp_denied":
		return s.denied(c, w, in)
	case "decryption_failed", "encryption_malformed":
		return "It is encrypted for another certificate than ours: the identity provider has an old one. Let it read our metadata again, or give it the certificate of devicegate keys list. " + in(w.encryption)
	case "weak_signature_algorithm", "weak_digest_algorithm", "signature_algorithm_not_allowed", "digest_algorithm_not_allowed":
		return "It is signed with an algorithm that is not accepted (" + c.Received + "). Choose RSA with SHA-256. " + in(w.signing) + weak(c, s)
	case "weak_encryption_algorithm", "encryption_algorithm_not_allowed":
		return "It is encrypted with an algorithm that is not accepted (" + c.Received + "). Choose AES with RSA-OAEP. " + in(w.encryption) + weak(c, s)
	case "unsigned":
		return "Neither the assertion nor the response has the signature that this connection wants. " + in(w.signing)
	case "not_encrypted":
		return "The connection has require_encryption, and the assertion came in the clear. " + in(w.encryption)
	case "no_metadata", "metadata_expired", "metadata_not_fetched":
		return "There is no metadata to check the response with: " + c.Received + ". Run devicegate connections test " + s.Via.Slug() + "."
	case "not_base64", "xml_malformed", "xml_encoding", "xml_dtd", "not_a_response", "xml_too_large", "xml_text_after_root", "xml_two_roots":
		return "This is no SAML response as HTTP-POST carries it. Perhaps it was copied in part, or is the request, or comes from the Redirect binding, whose messages are compressed."
	case "version_mismatch":
		return "It is a message of SAML 1.1 or of WS-Federation. Choose SAML 2.0. " + in(w.signing)
	case "internal_error":
		return "This is a fault of devicegate or of its store; the log has more."
	}
	return "The response does not keep the Web Browser SSO profile of SAML 2.0 in this: ask the vendor, or change the setting that causes it. " + in(w.acs)
}

// weak names the setting that allows a weak algorithm, for a product that has no
// other.
func weak(c Check, s Situation) string {
	if !strings.HasPrefix(c.Reason, "weak_") {
		return ""
	}
	return " If it has no other, run devicegate connections edit " + s.Via.Slug() + " --allow-weak."
}

func newKey(m Metadata, s Situation) string {
	if m.FromURL {
		return "If it has rolled its certificate over, run devicegate connections refresh " + s.Via.Slug() + "."
	}
	return "If it has rolled its certificate over, replace the metadata of connection " + s.Via.Slug() + "."
}

func names(all []Attribute) string {
	if len(all) == 0 {
		return "none"
	}
	out := make([]string, 0, len(all))
	for i, a := range all {
		if i == 20 {
			out = append(out, fmt.Sprintf("%d more", len(all)-i))
			break
		}
		out = append(out, clean(a.Name))
	}
	return strings.Join(out, ", ")
}

// clock compares the clocks where that explains a time that does not fit.
func (s Situation) clock(c Check) string {
	const advice = " Set the clock of that server by NTP, or raise SAML_CLOCK_SKEW (up to 10m) meanwhile."
	issued := s.Claim.IssuedAt
	switch {
	case issued.IsZero():
	case c.Reason == "clock_ahead" && issued.After(s.At):
		return "The identity provider's clock is " + spell(issued.Sub(s.At)) + " ahead of ours." + advice
	case issued.Before(s.RequestedAt):
		return "The identity provider's clock is " + spell(s.RequestedAt.Sub(issued)) + " behind ours." + advice
	case c.Reason == "expired" || c.Reason == "session_expired":
		return "The response came " + spell(s.At.Sub(issued)) + " after it was issued, when it was not valid any more: the browser was kept waiting, the page was reloaded, or the clocks differ."
	}
	return "A time in the response does not fit to ours: the clocks differ, or the identity provider dates it in advance." + advice
}

// denied words a status other than Success.
func (s Situation) denied(c Check, w words, in func(string) string) string {
	said := "The identity provider refused by itself: " + c.Received + ". "
	switch {
	case strings.Contains(c.Received, "InvalidNameIDPolicy"):
		return said + "It does not offer the NameID format that our request asks for: set name_id_format of the connection to one that it has, or to none. " + in(w.nameID)
	case strings.Contains(c.Received, "AADSTS50105"), strings.Contains(c.Received, "not assigned"), strings.Contains(c.Received, "RequestDenied"):
		return said + "The person may not use our application. " + in(w.assignment)
	case strings.Contains(c.Received, "NoPassive"), strings.Contains(c.Received, "AuthnFailed"), strings.Contains(c.Received, "NoAuthnContext"):
		return said + "The person was not signed in there as the request or a rule demands. " + in(w.assignment)
	case strings.Contains(c.Received, "Requester"):
		return said + "It did not like our request: an unknown entity ID or callback, or a signature that it wants or cannot check. " + in(w.acs)
	}
	return said + "Its own log says why. " + in(w.assignment)
}
