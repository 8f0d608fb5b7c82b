package conformance

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// deadToken has the form of a token and was never one.
const deadToken = "dfoe_conformanceconformanceconformanceconforma"

// bearer makes a check that needs the canonical mount and a live token.
func bearer(check func(ctx context.Context, r *run, token string) error) func(context.Context, *run) error {
	return on(canonical, func(ctx context.Context, r *run, _ *mount) error {
		token, err := r.liveToken()
		if err != nil {
			return err
		}
		return check(ctx, r, token)
	})
}

// challenge checks a refusal for RFC 6750 §3. An error attribute is wanted by a
// SHOULD only, so it may be missing, but not be another one.
func (a reply) challenge(word string) error {
	if err := a.is(http.StatusUnauthorized); err != nil {
		return err
	}
	header := a.header.Get("WWW-Authenticate")
	if !strings.HasPrefix(strings.ToLower(header), "bearer") {
		return fmt.Errorf("the WWW-Authenticate header is %q, want Bearer", header)
	}
	if strings.Contains(header, "error=") && (word == "" || !strings.Contains(header, `error="`+word+`"`)) {
		return fmt.Errorf("the WWW-Authenticate header is %q, want error %q", header, word)
	}
	return nil
}

// bearerRules are about showing a token (RFC 6750) at /openapi/v1/account.
func bearerRules() []rule {
	const name = "bearer"
	account := func(r *run) string { return r.api("/account") }
	without := func(headers []string, word string) func(context.Context, *run) error {
		return on(canonical, func(ctx context.Context, r *run, _ *mount) error {
			got, err := r.get(ctx, account(r), "", headers...)
			return first(err, got.challenge(word), got.envelope())
		})
	}
	return []rule{
		{"bearer-none", "RFC 6750 §3.1", name, "a request without a token gets a challenge without an error", without(nil, "")},
		{"bearer-unknown", "RFC 6750 §3.1", name, "an unknown token gets a challenge, as invalid_token", without([]string{"Authorization", "Bearer " + deadToken}, "invalid_token")},
		{"bearer-malformed", "RFC 6750 §3.1", name, "what is no token gets a challenge", without([]string{"Authorization", "Bearer a b"}, "invalid_token")},
		{"bearer-account", "API, sessions", name, "a token says whom it acts for", bearer(func(ctx context.Context, r *run, token string) error {
			got, err := r.get(ctx, account(r), token)
			return first(err, got.ok(), got.texts("subject_type", "subject_email", "subject_issuer"), got.has("account", "workspaces", "default_workspace_id"))
		})},
		{"bearer-case", "RFC 9110 §11.1", name, "the scheme counts in any case", bearer(func(ctx context.Context, r *run, token string) error {
			got, err := r.get(ctx, account(r), "", "Authorization", "bEARER "+token)
			return first(err, got.ok())
		})},
		{"bearer-query", "RFC 6750 §2.3, §5.3", name, "a token in the address is refused", bearer(func(ctx context.Context, r *run, token string) error {
			got, err := r.get(ctx, account(r)+"?"+url.Values{"access_token": {token}}.Encode(), "")
			return first(err, got.is(http.StatusUnauthorized))
		})},
		{"bearer-body", "RFC 6750 §2.2", name, "a token in the body is refused", bearer(func(ctx context.Context, r *run, token string) error {
			got, err := r.ask(ctx, http.MethodDelete, r.api("/account/sessions/self"), url.Values{"access_token": {token}}.Encode(), "Content-Type", formType)
			return first(err, got.is(http.StatusUnauthorized))
		})},
	}
}

// sessionRules end the canonical login's token.
func sessionRules() []rule {
	const name = "canonical"
	return []rule{
		{"sessions-list", "API, sessions", name, "the sessions are a page", bearer(func(ctx context.Context, r *run, token string) error {
			got, err := r.get(ctx, r.api("/account/sessions?page=1&limit=200"), token)
			if err := first(err, got.ok(), got.has("has_more"), got.positive("page", "limit", "total")); err != nil {
				return err
			}
			list, _ := got.object["data"].([]any)
			if len(list) == 0 {
				return fmt.Errorf("data is %v", got.object["data"])
			}
			row, _ := list[0].(map[string]any)
			return reply{status: 200, object: row}.texts("id", "prefix", "client_id", "created_at", "expires_at")
		})},
		{"sessions-page", "API, sessions", name, "a page that cannot be is 422 invalid_param", bearer(func(ctx context.Context, r *run, token string) error {
			got, err := r.get(ctx, r.api("/account/sessions?limit=201"), token)
			return first(err, got.refuses(http.StatusUnprocessableEntity, "invalid_param"))
		})},
		{"sessions-foreign", "API, sessions", name, "ending an unknown session is 404", bearer(func(ctx context.Context, r *run, token string) error {
			got, err := r.ask(ctx, http.MethodDelete, r.api("/account/sessions/00000000-0000-7000-8000-000000000000"), "", "Authorization", "Bearer "+token)
			return first(err, got.is(http.StatusNotFound))
		})},
		{"sessions-self", "API, sessions", name, "a token that ends itself is dead at once", on(canonical, func(ctx context.Context, r *run, m *mount) error {
			token, err := r.tokenOf(m)
			if err != nil {
				return err
			}
			m.access = ""
			got, err := r.ask(ctx, http.MethodDelete, r.api("/account/sessions/self"), "", "Authorization", "Bearer "+token)
			if err := first(err, got.ok()); err != nil {
				return err
			}
			return r.dead(ctx, token)
		})},
	}
}

// dead checks that a token is refused.
func (r *run) dead(ctx context.Context, token string) error {
	if offered, err := r.canonical.offered(ctx); err != nil || !offered {
		return err
	}
	got, err := r.get(ctx, r.api("/account"), token)
	if err := first(err, got.challenge("invalid_token")); err != nil {
		return fmt.Errorf("after its end the token gets: %w", err)
	}
	return nil
}
