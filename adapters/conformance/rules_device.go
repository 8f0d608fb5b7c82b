package conformance

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// ruleMaker makes a rule from a check on a mount.
type ruleMaker func(id, clause, text string, check func(ctx context.Context, r *run, m *mount) error) rule

func maker(which func(*run) *mount, name string) ruleMaker {
	return func(id, clause, text string, check func(ctx context.Context, r *run, m *mount) error) rule {
		return rule{id: name + "-" + id, clause: clause, mount: name, text: text, check: on(which, check)}
	}
}

// standardRules are those of RFC 8628 on the endpoints of the metadata.
func standardRules() []rule {
	add := maker(standard, "standard")
	word := func(more url.Values, statuses []int, words ...string) func(context.Context, *run, *mount) error {
		return func(ctx context.Context, r *run, m *mount) error {
			got, err := r.begin(ctx, m, more)
			return first(err, got.refusesWith(statuses, words...))
		}
	}
	grant := func(form url.Values, words ...string) func(context.Context, *run, *mount) error {
		return func(ctx context.Context, r *run, m *mount) error {
			with := url.Values{"client_id": {r.ClientID}}
			for name, values := range form {
				with[name] = values
			}
			got, err := r.post(ctx, m.token, with)
			return first(err, got.refuses(http.StatusBadRequest, words...))
		}
	}
	either := []int{http.StatusBadRequest, http.StatusUnauthorized}
	return []rule{
		add("codes", "RFC 8628 §3.2", "the answer holds codes, an address and how long they are good for", codes),
		add("unlike", "RFC 8628 §5.2, §6.1", "device codes cannot be guessed, and no two logins share one", unlike),
		add("complete", "RFC 8628 §3.3.1", "verification_uri_complete, where it is given, carries the code", func(ctx context.Context, r *run, m *mount) error {
			l, err := r.waiting(ctx, m)
			if err != nil {
				return err
			}
			if l.Complete != "" && !strings.Contains(l.Complete, l.UserCode) && !strings.Contains(l.Complete, strings.ReplaceAll(l.UserCode, "-", "")) {
				return errors.New("it does not")
			}
			return nil
		}),
		add("no-client", "RFC 8628 §3.1", "a request without client_id is refused", word(url.Values{"client_id": nil}, either, "invalid_request", "invalid_client")),
		add("unknown-client", "RFC 6749 §5.2", "an unknown client is refused", word(url.Values{"client_id": {"conformance-unknown"}}, either, "invalid_client", "unauthorized_client")),
		add("repeated", "RFC 8628 §3.1", "a repeated parameter is refused", word(url.Values{"scope": {"a", "a"}}, []int{http.StatusBadRequest}, "invalid_request")),
		add("tolerant", "RFC 8628 §3.1", "empty parameters count as absent and unknown ones are ignored", func(ctx context.Context, r *run, m *mount) error {
			got, err := r.begin(ctx, m, url.Values{"scope": {""}, "conformance_unknown": {"x"}})
			return first(err, got.ok())
		}),
		add("pending", "RFC 8628 §3.5", "a poll before the decision is answered authorization_pending", pending),
		add("early", "RFC 8628 §3.5", "a poll within the interval is answered slow_down or authorization_pending", early("slow_down", "authorization_pending")),
		add("unknown-code", "RFC 8628 §3.5", "an unknown device code is refused", func(ctx context.Context, r *run, m *mount) error {
			got, err := r.pollAs(ctx, m, r.ClientID, "conformance-unknown")
			return first(err, got.refuses(http.StatusBadRequest, "invalid_grant", "expired_token"))
		}),
		add("foreign-code", "RFC 8628 §3.4", "the device code of another client is refused", foreign("invalid_grant")),
		add("no-code", "RFC 8628 §3.4", "a poll without device_code is refused", grant(url.Values{"grant_type": {deviceGrant}}, "invalid_request")),
		add("no-grant", "RFC 6749 §5.2", "a token request without grant_type is refused", grant(nil, "invalid_request", "unsupported_grant_type")),
		add("unknown-grant", "RFC 6749 §5.2", "an unknown grant is refused", grant(url.Values{"grant_type": {"conformance-unknown"}}, "unsupported_grant_type")),
		add("repeated-code", "RFC 8628 §3.1", "a repeated parameter of the token request is refused", grant(url.Values{"grant_type": {deviceGrant}, "device_code": {"a", "a"}}, "invalid_request")),
		add("get", "RFC 6749 §3.2", "the token endpoint answers POST alone", func(ctx context.Context, r *run, m *mount) error {
			got, err := r.get(ctx, m.token, "")
			return first(err, got.is(http.StatusBadRequest, http.StatusNotFound, http.StatusMethodNotAllowed))
		}),
		add("interval", "RFC 8628 §3.5", "a client that keeps the interval is never slowed down", patient),
		add("denied", "RFC 8628 §3.5", "a denial is answered access_denied", denied),
		add("expired", "RFC 8628 §3.5", "a code whose time has run out is answered expired_token", expired),
		add("token", "RFC 6749 §5.1", "the token answer holds access_token and token_type, and no cache keeps it", func(ctx context.Context, r *run, m *mount) error {
			_, got, err := r.decided(ctx, m, true)
			if err := first(err, got.ok(), got.texts("access_token", "token_type"), got.noStore()); err != nil {
				return err
			}
			m.access, _ = got.object["access_token"].(string)
			if kind, _ := got.object["token_type"].(string); !strings.EqualFold(kind, "Bearer") {
				return fmt.Errorf("token_type is %q", kind)
			}
			if _, given := got.object["expires_in"]; given {
				return got.positive("expires_in")
			}
			return nil
		}),
	}
}

func codes(ctx context.Context, r *run, m *mount) error {
	got, err := r.begin(ctx, m, nil)
	if err := first(err, got.ok(), got.texts("device_code", "user_code", "verification_uri"), got.positive("expires_in")); err != nil {
		return err
	}
	if uri, err := url.Parse(got.object["verification_uri"].(string)); err != nil || uri.Host == "" {
		return fmt.Errorf("verification_uri is %v, want an absolute address", got.object["verification_uri"])
	}
	if _, given := got.object["interval"]; given {
		return got.positive("interval")
	}
	return nil
}

// codeMin is how many characters of base64 hold 128 bits.
const codeMin = 22

func unlike(ctx context.Context, r *run, m *mount) error {
	one, err := r.login(ctx, m)
	if err != nil {
		return err
	}
	two, err := r.waiting(ctx, m)
	switch {
	case err != nil:
		return err
	case one.deviceCode == two.deviceCode || one.UserCode == two.UserCode:
		return errors.New("two logins have the same code")
	case len(one.deviceCode) < codeMin:
		return fmt.Errorf("a device code has %d characters, want at least %d", len(one.deviceCode), codeMin)
	}
	return nil
}

func pending(ctx context.Context, r *run, m *mount) error {
	l, err := r.waiting(ctx, m)
	if err != nil {
		return err
	}
	got, err := r.poll(ctx, l)
	return first(err, got.refuses(http.StatusBadRequest, "authorization_pending"))
}

// early polls right after pending.
func early(words ...string) func(context.Context, *run, *mount) error {
	return func(ctx context.Context, r *run, m *mount) error {
		l, err := r.waiting(ctx, m)
		if err != nil {
			return err
		}
		got, err := r.poll(ctx, l)
		return first(err, got.refuses(http.StatusBadRequest, words...))
	}
}

// patient keeps the interval after a demand to slow down, five seconds more of
// which RFC 8628 lets a server want.
func patient(ctx context.Context, r *run, m *mount) error {
	l, err := r.waiting(ctx, m)
	if err != nil {
		return err
	}
	pause := l.interval
	if !m.json {
		pause *= 2
	}
	for range 2 {
		if err := r.Wait(ctx, pause); err != nil {
			return err
		}
		got, err := r.poll(ctx, l)
		if err := first(err, got.refuses(http.StatusBadRequest, "authorization_pending")); err != nil {
			return err
		}
	}
	return nil
}

func foreign(words ...string) func(context.Context, *run, *mount) error {
	return func(ctx context.Context, r *run, m *mount) error {
		if r.OtherClientID == "" {
			return skipped("needs a second client")
		}
		l, err := r.login(ctx, m)
		if err != nil {
			return err
		}
		got, err := r.pollAs(ctx, m, r.OtherClientID, l.deviceCode)
		if err := first(err, got.refuses(http.StatusBadRequest, words...)); err != nil {
			return err
		}
		got, err = r.poll(ctx, l)
		if word, _ := got.object["error"].(string); err == nil && !slices.Contains([]string{"authorization_pending", "slow_down"}, word) {
			return fmt.Errorf("after that its owner got %s, want authorization_pending", got)
		}
		return err
	}
}

func denied(ctx context.Context, r *run, m *mount) error {
	_, got, err := r.decided(ctx, m, false)
	return first(err, got.refuses(http.StatusBadRequest, "access_denied"))
}

func expired(ctx context.Context, r *run, m *mount) error {
	if r.Expire == nil {
		return skipped("needs a clock that can be moved")
	}
	l, err := r.login(ctx, m)
	if err != nil {
		return err
	}
	if err := r.Expire(ctx, *l); err != nil {
		return skipped("the time could not be moved: " + err.Error())
	}
	m.pending = nil // it has run out, too
	got, err := r.poll(ctx, l)
	return first(err, got.refuses(http.StatusBadRequest, "expired_token"))
}
