package conformance

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// metadata is the server's answer at its well-known address (RFC 8414 §3).
type metadata struct{ reply }

func (m *metadata) text(name string) string {
	v, _ := m.object[name].(string)
	return v
}

const wellKnown = "/.well-known/oauth-authorization-server"

// readMetadata asks for the metadata once. It is empty if there is none.
func (r *run) readMetadata(ctx context.Context) (*metadata, error) {
	if r.metadata == nil {
		origin := strings.TrimSuffix(r.base, r.path)
		got, err := r.get(ctx, origin+wellKnown+r.path, "")
		if err != nil {
			return nil, err
		}
		if got.status != http.StatusOK {
			got.object = nil
		}
		r.metadata = &metadata{got}
	}
	return r.metadata, nil
}

// endpoint returns an address that the metadata announces, or skips the rule.
func (r *run) endpoint(ctx context.Context, name string) (string, error) {
	m, err := r.readMetadata(ctx)
	if err == nil && m.text(name) == "" {
		err = notOffered
	}
	if err != nil {
		return "", err
	}
	return m.text(name), nil
}

// announced makes a check that needs the metadata.
func announced(check func(r *run, m *metadata) error) func(context.Context, *run) error {
	return func(ctx context.Context, r *run) error {
		m, err := r.readMetadata(ctx)
		switch {
		case err != nil:
			return err
		case m.status == http.StatusNotFound:
			return notOffered
		case m.object == nil:
			return fmt.Errorf("got %s", m)
		}
		return check(r, m)
	}
}

func metadataRules() []rule {
	const name = "metadata"
	return []rule{
		{"8414-document", "RFC 8414 §3.2", name, "the metadata is one JSON object, between the host and the issuer's path", announced(func(_ *run, m *metadata) error { return m.ok() })},
		{"8414-issuer", "RFC 8414 §3.3", name, "the issuer is the address that was asked", announced(func(r *run, m *metadata) error {
			if got := m.text("issuer"); got != r.base {
				return fmt.Errorf("got %q, want %q", got, r.base)
			}
			return nil
		})},
		{"8414-issuer-form", "RFC 8414 §2", name, "the issuer is an https address without query and fragment", announced(func(_ *run, m *metadata) error {
			u, err := url.Parse(m.text("issuer"))
			local := err == nil && (u.Hostname() == "localhost" || strings.HasPrefix(u.Hostname(), "127.") || u.Hostname() == "::1")
			if err != nil || u.RawQuery != "" || u.Fragment != "" || u.Scheme != "https" && !local {
				return fmt.Errorf("got %q", m.text("issuer"))
			}
			return nil
		})},
		{"8414-required", "RFC 8414 §2", name, "token_endpoint and response_types_supported are there", announced(func(_ *run, m *metadata) error {
			if _, ok := m.object["response_types_supported"].([]any); !ok {
				return fmt.Errorf("response_types_supported is %v, want an array", m.object["response_types_supported"])
			}
			return m.texts("token_endpoint")
		})},
		{"8414-endpoints", "RFC 8414 §2", name, "every endpoint is an absolute address that is there", func(ctx context.Context, r *run) error {
			return announced(func(r *run, m *metadata) error { return r.endpointsAnswer(ctx, m) })(ctx, r)
		}},
		{"8628-metadata", "RFC 8628 §4", name, "the device grant is announced with its endpoint", announced(func(_ *run, m *metadata) error {
			grants, given := m.object["grant_types_supported"].([]any)
			if m.text("device_authorization_endpoint") == "" && !slices.Contains(grants, any(deviceGrant)) {
				return notOffered
			}
			if given && !slices.Contains(grants, any(deviceGrant)) {
				return fmt.Errorf("grant_types_supported is %v, want %s in it", grants, deviceGrant)
			}
			return m.texts("device_authorization_endpoint")
		})},
	}
}

func (r *run) endpointsAnswer(ctx context.Context, m *metadata) error {
	for member := range m.object {
		if !strings.HasSuffix(member, "_endpoint") {
			continue
		}
		u, err := url.Parse(m.text(member))
		if err != nil || u.Host == "" || u.Fragment != "" {
			return fmt.Errorf("%s is %q", member, m.text(member))
		}
		got, err := r.post(ctx, u.String(), nil)
		if err != nil {
			return err
		}
		if got.status == http.StatusNotFound || got.status >= 500 {
			return fmt.Errorf("%s answers %s", member, got)
		}
	}
	return nil
}
