package conformance

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
)

// at makes a check of an endpoint that the metadata announces.
func at(endpoint string, check func(ctx context.Context, r *run, address string) error) func(context.Context, *run) error {
	return func(ctx context.Context, r *run) error {
		address, err := r.endpoint(ctx, endpoint)
		if err != nil {
			return err
		}
		return check(ctx, r, address)
	}
}

// revocationRules are those of RFC 7009. They end the standard login's token.
func revocationRules() []rule {
	const name, endpoint = "revocation", "revocation_endpoint"
	revoke := func(ctx context.Context, r *run, address, token, hint string) error {
		form := url.Values{"client_id": {r.ClientID}, "token": {token}}
		if hint != "" {
			form.Set("token_type_hint", hint)
		}
		got, err := r.post(ctx, address, form)
		return first(err, got.is(http.StatusOK))
	}
	return []rule{
		{"7009-unknown", "RFC 7009 §2.2", name, "an unknown token is answered 200", at(endpoint, func(ctx context.Context, r *run, address string) error {
			return revoke(ctx, r, address, deadToken, "")
		})},
		{"7009-hint", "RFC 7009 §2.1", name, "an unknown hint is ignored", at(endpoint, func(ctx context.Context, r *run, address string) error {
			return revoke(ctx, r, address, deadToken, "conformance_unknown")
		})},
		{"7009-missing", "RFC 7009 §2.1", name, "a request without a token is refused", at(endpoint, func(ctx context.Context, r *run, address string) error {
			got, err := r.post(ctx, address, url.Values{"client_id": {r.ClientID}})
			return first(err, got.refuses(http.StatusBadRequest, "invalid_request"))
		})},
		{"7009-get", "RFC 7009 §2", name, "the endpoint answers POST alone", at(endpoint, func(ctx context.Context, r *run, address string) error {
			got, err := r.get(ctx, address, "")
			return first(err, got.is(http.StatusBadRequest, http.StatusNotFound, http.StatusMethodNotAllowed))
		})},
		{"7009-live", "RFC 7009 §2", name, "a revoked token is dead at once, and revoking it again is no error", at(endpoint, func(ctx context.Context, r *run, address string) error {
			token, err := r.liveToken()
			if err != nil {
				return err
			}
			r.standard.access, r.canonical.access = "", ""
			for range 2 {
				if err := revoke(ctx, r, address, token, "access_token"); err != nil {
					return err
				}
			}
			return first(r.dead(ctx, token), r.inactive(ctx, token))
		})},
	}
}

// introspectionRules are those of RFC 7662.
func introspectionRules() []rule {
	const name, endpoint = "introspection", "introspection_endpoint"
	refused := func(headers ...string) func(context.Context, *run) error {
		return at(endpoint, func(ctx context.Context, r *run, address string) error {
			got, err := r.post(ctx, address, url.Values{"token": {deadToken}}, headers...)
			return first(err, got.is(http.StatusUnauthorized))
		})
	}
	return []rule{
		{"7662-anonymous", "RFC 7662 §2.1", name, "a request without credentials is refused", refused()},
		{"7662-credentials", "RFC 7662 §2.3", name, "wrong credentials are refused", refused("Authorization", basic("conformance-unknown", "wrong"))},
		{"7662-unknown", "RFC 7662 §2.2", name, "an unknown token is inactive, and nothing else is said", at(endpoint, func(ctx context.Context, r *run, _ string) error {
			got, err := r.introspect(ctx, deadToken)
			return first(err, got.saysInactive())
		})},
		{"7662-missing", "RFC 7662 §2.1", name, "a request without a token is refused", at(endpoint, func(ctx context.Context, r *run, _ string) error {
			got, err := r.introspect(ctx, "")
			return first(err, got.is(http.StatusBadRequest))
		})},
		{"7662-live", "RFC 7662 §2.2", name, "a live token is active, with members of the right kinds", at(endpoint, func(ctx context.Context, r *run, _ string) error {
			token, err := r.liveToken()
			if err != nil {
				return err
			}
			got, err := r.introspect(ctx, token)
			if err := first(err, got.ok()); err != nil {
				return err
			}
			if got.object["active"] != true {
				return fmt.Errorf("active is %v", got.object["active"])
			}
			return got.kinds()
		})},
	}
}

func basic(id, secret string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(id)+":"+url.QueryEscape(secret)))
}

func (r *run) introspect(ctx context.Context, token string) (reply, error) {
	address, err := r.endpoint(ctx, "introspection_endpoint")
	if err != nil {
		return reply{}, err
	}
	if r.IntrospectionID == "" {
		return reply{}, skipped("needs the credentials of a resource server")
	}
	form := url.Values{}
	if token != "" {
		form.Set("token", token)
	}
	return r.post(ctx, address, form, "Authorization", basic(r.IntrospectionID, r.IntrospectionSecret))
}

// inactive asks about a token that has ended, where that can be asked.
func (r *run) inactive(ctx context.Context, token string) error {
	if m, err := r.readMetadata(ctx); err != nil || m.text("introspection_endpoint") == "" || r.IntrospectionID == "" {
		return err
	}
	got, err := r.introspect(ctx, token)
	return first(err, got.saysInactive())
}

func (a reply) saysInactive() error {
	if err := a.ok(); err != nil {
		return err
	}
	if a.object["active"] != false || len(a.object) != 1 {
		return fmt.Errorf(`got %s, want {"active": false}`, a)
	}
	return nil
}

// kinds checks the optional members of RFC 7662 §2.2 that are there.
func (a reply) kinds() error {
	for _, name := range []string{"exp", "iat", "nbf"} {
		if _, given := a.object[name]; given {
			if err := a.positive(name); err != nil {
				return err
			}
		}
	}
	for _, name := range []string{"scope", "client_id", "username", "token_type", "sub", "iss", "jti"} {
		if _, given := a.object[name]; given {
			if err := a.texts(name); err != nil {
				return err
			}
		}
	}
	return nil
}

var deprecation = regexp.MustCompile(`^@-?[0-9]+$`)

// legacyRules are those of the alias under /v1.
func legacyRules() []rule {
	const name = "legacy"
	offered := func(check func(ctx context.Context, r *run, got reply) error) func(context.Context, *run) error {
		return func(ctx context.Context, r *run) error {
			got, err := r.get(ctx, r.base+"/v1/oauth/device/approval-context", "")
			switch {
			case err != nil:
				return err
			case got.status == http.StatusGone, got.status == http.StatusNotFound && got.header.Get("Deprecation") == "":
				return notOffered
			}
			return check(ctx, r, got)
		}
	}
	return []rule{
		{"legacy-deprecated", "RFC 9745 §2, API", name, "legacy answers are marked as deprecated and name their successor", offered(func(_ context.Context, r *run, got reply) error {
			if !deprecation.MatchString(got.header.Get("Deprecation")) {
				return fmt.Errorf("the Deprecation header is %q, want @ and seconds", got.header.Get("Deprecation"))
			}
			if want := "<" + r.api("/oauth/device/approval-context") + `>; rel="successor-version"`; got.header.Get("Link") != want {
				return fmt.Errorf("the Link header is %q, want %q", got.header.Get("Link"), want)
			}
			return got.is(http.StatusUnauthorized, http.StatusNotFound)
		})},
		{"legacy-same", "API, every answer", name, "a legacy answer is the canonical one", offered(func(ctx context.Context, r *run, got reply) error {
			canonical, err := r.get(ctx, r.api("/oauth/device/approval-context"), "")
			if err == nil && (canonical.status != got.status || canonical.object["code"] != got.object["code"]) {
				err = fmt.Errorf("got %s, canonical %s", got, canonical)
			}
			return first(err, got.unframed())
		})},
		{"legacy-shrinks", "API, every answer", name, "the alias has no device flow of its own", offered(func(ctx context.Context, r *run, _ reply) error {
			got, err := r.ask(ctx, http.MethodPost, r.base+"/v1/oauth/device/code", "{}", "Content-Type", "application/json")
			return first(err, got.is(http.StatusNotFound), got.unframed())
		})},
	}
}
