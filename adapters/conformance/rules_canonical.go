package conformance

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

var (
	deviceCodeForm = regexp.MustCompile(`^dc_[A-Za-z0-9_-]{32}$`)
	userCodeForm   = regexp.MustCompile(`^[ABCDEFGHJKLMNPQRSTUVWXY3-9]{4}-[ABCDEFGHJKLMNPQRSTUVWXY3-9]{4}$`)
)

// canonicalRules are those of the API under /openapi/v1, on which Dify's
// clients depend.
func canonicalRules() []rule {
	add := maker(canonical, "canonical")
	send := func(body, media string, words ...string) func(context.Context, *run, *mount) error {
		return func(ctx context.Context, r *run, m *mount) error {
			got, err := r.ask(ctx, http.MethodPost, m.device, body, "Content-Type", media)
			return first(err, got.refuses(http.StatusBadRequest, words...), got.envelope())
		}
	}
	return []rule{
		add("codes", "API, device login", "codes have the forms that Dify's page accepts", canonicalCodes),
		add("form", "API, device login", "a form starts a login as JSON does", codes),
		add("unlike", "RFC 8628 §5.2, §6.1", "device codes cannot be guessed, and no two logins share one", unlike),
		add("unknown-client", "API, device login", "an unknown client is refused as unsupported_client", send(`{"client_id":"conformance-unknown"}`, "application/json", "unsupported_client")),
		add("no-client", "API, device login", "a request without client_id is refused", send(`{"client_id":""}`, "application/json", "invalid_request")),
		add("not-json", "API, device login", "a body that is not JSON is refused", send(`{"client_id"`, "application/json", "invalid_request")),
		add("repeated", "API, device login", "a repeated parameter is refused", send("client_id=a&client_id=a", formType, "invalid_request")),
		add("scope", "API, device login", "an unknown scope is refused", func(ctx context.Context, r *run, m *mount) error {
			got, err := r.begin(ctx, m, url.Values{"scope": {"conformance:unknown"}})
			return first(err, got.refuses(http.StatusBadRequest, "invalid_scope"))
		}),
		add("large", "API, every answer", "a body over 64 KiB is refused", func(ctx context.Context, r *run, m *mount) error {
			got, err := r.ask(ctx, http.MethodPost, m.device, `{"client_id":"`+strings.Repeat("x", 65<<10)+`"}`, "Content-Type", "application/json")
			return first(err, got.is(http.StatusRequestEntityTooLarge))
		}),
		add("slash", "API, every answer", "a slash at the end is served or 404, never a redirect", func(ctx context.Context, r *run, m *mount) error {
			got, err := r.ask(ctx, http.MethodPost, m.token+"/", "{}", "Content-Type", "application/json")
			if err == nil && got.status/100 == 3 {
				err = fmt.Errorf("got %s", got)
			}
			return err
		}),
		add("method", "API, every answer", "another method is 405 with Allow", func(ctx context.Context, r *run, m *mount) error {
			got, err := r.get(ctx, m.device, "")
			if err := first(err, got.is(http.StatusMethodNotAllowed)); err != nil {
				return err
			}
			if !strings.Contains(got.header.Get("Allow"), "POST") {
				return fmt.Errorf("the Allow header is %q", got.header.Get("Allow"))
			}
			return nil
		}),
		add("frames", "API, every answer", "no answer can be framed, errors included", func(ctx context.Context, r *run, _ *mount) error {
			for _, path := range []string{"/oauth/device/lookup", "/oauth/device/code", "/conformance-unknown"} {
				got, err := r.get(ctx, r.api(path), "")
				if err := first(err, got.unframed()); err != nil {
					return fmt.Errorf("%s: %w", path, err)
				}
			}
			return nil
		}),
		add("current", "API, every answer", "canonical answers are not marked as deprecated", func(ctx context.Context, r *run, _ *mount) error {
			got, err := r.get(ctx, r.api("/oauth/device/lookup"), "")
			if err == nil && got.header.Get("Deprecation") != "" {
				err = fmt.Errorf("the Deprecation header is %q", got.header.Get("Deprecation"))
			}
			return err
		}),
		add("pending", "API, device login", "the first poll is answered authorization_pending and nothing else", func(ctx context.Context, r *run, m *mount) error {
			l, err := r.waiting(ctx, m)
			if err != nil {
				return err
			}
			got, err := r.poll(ctx, l)
			return first(err, got.only("authorization_pending"), got.noStore())
		}),
		add("early", "API, device login", "a poll within the interval is answered slow_down", early("slow_down")),
		add("interval", "API, device login", "an early poll raises no demand: the interval is enough again", patient),
		add("unknown-code", "API, device login", "an unknown device code is answered expired_token and nothing else", func(ctx context.Context, r *run, m *mount) error {
			got, err := r.pollAs(ctx, m, r.ClientID, "dc_"+strings.Repeat("x", 32))
			return first(err, got.only("expired_token"))
		}),
		add("foreign-code", "API, device login", "the device code of another client is answered expired_token and stays alive", foreign("expired_token")),
		add("no-code", "API, device login", "a poll without device_code is refused", func(ctx context.Context, r *run, m *mount) error {
			got, err := r.ask(ctx, http.MethodPost, m.token, `{}`, "Content-Type", "application/json")
			return first(err, got.refuses(http.StatusBadRequest, "invalid_request"))
		}),
		add("lookup", "API, device login", "a code is found however it is typed", lookUp),
		add("lookup-unknown", "API, device login", "a code that is not there is answered false, 0, null", func(ctx context.Context, r *run, _ *mount) error {
			got, err := r.get(ctx, r.api("/oauth/device/lookup?user_code=AAAA-3333"), "")
			if err := first(err, got.ok(), got.has("valid", "expires_in_remaining", "client_id")); err != nil {
				return err
			}
			if got.object["valid"] != false || got.object["expires_in_remaining"] != 0.0 || got.object["client_id"] != nil {
				return fmt.Errorf("got %v", got.object)
			}
			return nil
		}),
		add("version", "API, sessions", "_version and _health answer without a token", func(ctx context.Context, r *run, _ *mount) error {
			version, err := r.get(ctx, r.api("/_version"), "")
			if err := first(err, version.ok(), version.texts("version", "edition")); err != nil {
				return err
			}
			health, err := r.get(ctx, r.api("/_health"), "")
			return first(err, health.is(http.StatusOK))
		}),
		add("denied", "API, device login", "a denial is answered access_denied", denied),
		add("expired", "API, device login", "a code whose time has run out is answered expired_token", expired),
		add("token", "API, device login", "the token answer holds what Dify's clients read", func(ctx context.Context, r *run, m *mount) error {
			_, got, err := r.decided(ctx, m, true)
			if err := first(err, got.ok(), got.texts("token", "access_token", "token_type", "token_id", "subject_type", "subject_email", "subject_issuer", "expires_at"),
				got.has("account", "workspaces", "default_workspace_id"), got.positive("expires_in"), got.noStore()); err != nil {
				return err
			}
			m.access, _ = got.object["token"].(string)
			return nil
		}),
	}
}

func canonicalCodes(ctx context.Context, r *run, m *mount) error {
	got, err := r.ask(ctx, http.MethodPost, m.device, fmt.Sprintf(`{"client_id":%q,"conformance_unknown":1}`, r.ClientID), "Content-Type", "application/json")
	if err := first(err, got.ok(), got.texts("device_code", "user_code", "verification_uri"), got.positive("expires_in", "interval"), got.noStore()); err != nil {
		return err
	}
	if !deviceCodeForm.MatchString(got.object["device_code"].(string)) {
		return fmt.Errorf("device_code is not %s", deviceCodeForm)
	}
	if code := got.object["user_code"].(string); !userCodeForm.MatchString(code) {
		return fmt.Errorf("user_code is %s, want %s", code, userCodeForm)
	}
	return nil
}

func lookUp(ctx context.Context, r *run, m *mount) error {
	l, err := r.waiting(ctx, m)
	if err != nil {
		return err
	}
	for _, typed := range []string{l.UserCode, strings.ToLower(l.UserCode), strings.ReplaceAll(l.UserCode, "-", " "), strings.ReplaceAll(l.UserCode, "-", "")} {
		got, err := r.get(ctx, r.api("/oauth/device/lookup?"+url.Values{"user_code": {typed}}.Encode()), "")
		if err := first(err, got.ok(), got.positive("expires_in_remaining")); err != nil {
			return err
		}
		if got.object["valid"] != true || got.object["client_id"] != r.ClientID {
			return fmt.Errorf("%q: got %v", typed, got.object)
		}
	}
	return nil
}

// envelope checks an error of the API for what each kind of client reads.
func (a reply) envelope() error {
	if err := a.texts("error", "error_description", "code", "message", "request_id"); err != nil {
		return err
	}
	if a.object["status"] != float64(a.status) {
		return fmt.Errorf("status is %v in the body, want %d", a.object["status"], a.status)
	}
	return nil
}

func (a reply) unframed() error {
	if a.header.Get("X-Frame-Options") != "DENY" || !strings.Contains(a.header.Get("Content-Security-Policy"), "frame-ancestors 'none'") {
		return fmt.Errorf("the X-Frame-Options header is %q, Content-Security-Policy %q", a.header.Get("X-Frame-Options"), a.header.Get("Content-Security-Policy"))
	}
	return nil
}
