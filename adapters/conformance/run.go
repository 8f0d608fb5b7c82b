package conformance

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// run is the state of one run: what rules share, so that the server is asked
// for few codes and a person for few decisions.
type run struct {
	Options
	base, path string // the target, and its path
	http       *http.Client

	metadata            *metadata
	canonical, standard *mount
}

// mount is one pair of endpoints.
type mount struct {
	name          string
	device, token string
	json          bool // speaks JSON, as Dify's clients do
	find          func(ctx context.Context) (bool, error)
	found         *bool // what find said

	pending *Login // a login that stays pending
	access  string // an approved login's token
}

func newRun(o Options, target *url.URL) *run {
	r := &run{Options: o, base: strings.TrimSuffix(target.String(), "/"), path: strings.TrimSuffix(target.Path, "/")}
	once := *o.HTTP
	once.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	r.http = &once
	r.canonical = &mount{name: "canonical", json: true, device: r.api("/oauth/device/code"), token: r.api("/oauth/device/token")}
	r.canonical.find = r.findCanonical
	r.standard = &mount{name: "standard"}
	r.standard.find = r.findStandard
	return r
}

func (r *run) api(path string) string { return r.base + "/openapi/v1" + path }

// offered reports whether the server has the mount; it looks once.
func (m *mount) offered(ctx context.Context) (bool, error) {
	if m.found == nil {
		found, err := m.find(ctx)
		if err != nil {
			return false, err
		}
		m.found = &found
	}
	return *m.found, nil
}

// findCanonical asks for a poll without parameters, which costs nothing.
func (r *run) findCanonical(ctx context.Context) (bool, error) {
	got, err := r.ask(ctx, http.MethodPost, r.canonical.token, "{}", "Content-Type", "application/json")
	return err == nil && got.status != http.StatusNotFound, err
}

func (r *run) findStandard(ctx context.Context) (bool, error) {
	m, err := r.readMetadata(ctx)
	if err != nil || m.text("device_authorization_endpoint") == "" {
		return false, err
	}
	r.standard.device, r.standard.token = m.text("device_authorization_endpoint"), m.text("token_endpoint")
	return true, nil
}

// on returns a check that a mount that is not there skips.
func on(which func(*run) *mount, check func(ctx context.Context, r *run, m *mount) error) func(context.Context, *run) error {
	return func(ctx context.Context, r *run) error {
		m := which(r)
		if offered, err := m.offered(ctx); err != nil || !offered {
			return first(err, notOffered)
		}
		return check(ctx, r, m)
	}
}

func canonical(r *run) *mount { return r.canonical }
func standard(r *run) *mount  { return r.standard }

// begin asks a mount for codes, with more parameters.
func (r *run) begin(ctx context.Context, m *mount, more url.Values) (reply, error) {
	form := url.Values{"client_id": {r.ClientID}}
	for name, values := range more {
		form[name] = values
	}
	return r.post(ctx, m.device, form)
}

// login begins one of its own.
func (r *run) login(ctx context.Context, m *mount) (*Login, error) {
	// Logins of one label replace each other.
	got, err := r.begin(ctx, m, url.Values{"device_label": {"conformance " + m.name}})
	if err := first(err, got.ok(), got.texts("device_code", "user_code", "verification_uri"), got.positive("expires_in")); err != nil {
		return nil, fmt.Errorf("no codes: %w", err)
	}
	l := &Login{mount: m, interval: 5 * time.Second} // RFC 8628 §3.2
	l.deviceCode, _ = got.object["device_code"].(string)
	l.UserCode, _ = got.object["user_code"].(string)
	l.VerificationURI, _ = got.object["verification_uri"].(string)
	l.Complete, _ = got.object["verification_uri_complete"].(string)
	expires, _ := got.object["expires_in"].(float64)
	l.ExpiresIn = time.Duration(expires) * time.Second
	if interval, ok := got.object["interval"].(float64); ok {
		l.interval = time.Duration(interval) * time.Second
	}
	return l, nil
}

// waiting returns the login that the mount's rules share.
func (r *run) waiting(ctx context.Context, m *mount) (*Login, error) {
	if m.pending != nil {
		return m.pending, nil
	}
	l, err := r.login(ctx, m)
	m.pending = l
	return l, err
}

func (r *run) poll(ctx context.Context, l *Login) (reply, error) {
	return r.pollAs(ctx, l.mount, r.ClientID, l.deviceCode)
}

func (r *run) pollAs(ctx context.Context, m *mount, client, deviceCode string) (reply, error) {
	form := url.Values{"client_id": {client}, "device_code": {deviceCode}}
	if !m.json {
		form.Set("grant_type", deviceGrant)
	}
	return r.post(ctx, m.token, form)
}

const deviceGrant = "urn:ietf:params:oauth:grant-type:device_code"

// decided lets a person decide, and polls until the answer is another one than
// "not yet".
func (r *run) decided(ctx context.Context, m *mount, approve bool) (*Login, reply, error) {
	if r.Decide == nil {
		return nil, reply{}, noPerson
	}
	l, err := r.login(ctx, m)
	if err != nil {
		return nil, reply{}, err
	}
	if err := r.Decide(ctx, *l, approve); err != nil {
		return nil, reply{}, skipped("the person could not decide: " + err.Error())
	}
	for end := r.Now().Add(l.ExpiresIn); r.Now().Before(end); {
		got, err := r.poll(ctx, l)
		if err != nil {
			return nil, got, err
		}
		if word := got.object["error"]; word != "authorization_pending" && word != "slow_down" {
			return l, got, nil
		}
		if err := r.Wait(ctx, l.interval); err != nil {
			return nil, got, err
		}
	}
	return nil, reply{}, skipped("the person did not decide in time")
}

// tokenOf returns the token of the mount's approved login.
func (r *run) tokenOf(m *mount) (string, error) {
	switch {
	case m.access != "":
		return m.access, nil
	case r.Decide == nil:
		return "", noPerson
	}
	return "", skipped("no login was approved")
}

// liveToken returns a token of any mount.
func (r *run) liveToken() (string, error) {
	if r.standard.access != "" {
		return r.standard.access, nil
	}
	return r.tokenOf(r.canonical)
}
