// Package webhook delivers audit events to an address of the operator's, signed as
// Standard Webhooks (https://www.standardwebhooks.com) says.
package webhook

import (
	"encoding/base64"
	"errors"
	"net/netip"
	"net/url"
	"strings"

	"github.com/devicegate/devicegate/adapters/outbound"
	"github.com/devicegate/devicegate/domain/setting"
)

// Config says where events go. Both URL and Secrets are set, or neither.
type Config struct {
	URL string
	// Secrets are whsec_ and base64, separated by commas. Each request is signed
	// with all of them, so that one can replace another.
	Secrets string
	Private bool // the address may be one of this machine or its network, and http
}

// IsZero reports whether nothing is delivered.
func (c Config) IsZero() bool { return c.URL == "" && c.Secrets == "" }

const (
	secretMin = 24 // bytes, as the specification has it
	secretMax = 64
)

// Check lists everything that is wrong, without the secrets in it.
func (c Config) Check() error {
	if c.IsZero() {
		return nil
	}
	_, err1 := c.address()
	_, err2 := c.keys()
	return errors.Join(err1, err2)
}

func (c Config) address() (*url.URL, error) {
	if c.URL == "" {
		return nil, setting.Wrong("URL", "is required where a secret is set")
	}
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" || u.Opaque != "" || u.Fragment != "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, setting.Wrong("URL", "is no address; write https://audit.example.com/devicegate")
	}
	if u.Scheme == "http" && !c.Private {
		return nil, setting.Wrong("URL", "is http, over which others read the events; use https, or set AUDIT_WEBHOOK_PRIVATE=true for a receiver in your network")
	}
	if ip, err := netip.ParseAddr(u.Hostname()); err == nil {
		if err := c.mayReach(ip); err != nil {
			return nil, setting.Wrong("URL", "%v", err)
		}
	}
	return u, nil
}

var (
	errForbidden = errors.New("is a link-local, multicast or unspecified address, to which no event is sent")
	errPrivate   = errors.New("is a private address; set AUDIT_WEBHOOK_PRIVATE=true for a receiver in your network")
)

func (c Config) mayReach(ip netip.Addr) error {
	switch reach, _ := outbound.ReachOf(ip); {
	case reach == outbound.Forbidden:
		return errForbidden
	case reach == outbound.Private && !c.Private:
		return errPrivate
	}
	return nil
}

// keys are the secrets, decoded.
func (c Config) keys() (keys [][]byte, err error) {
	if c.Secrets == "" {
		return nil, setting.Wrong("Secrets", "is required where an address is set; make one: echo whsec_$(openssl rand -base64 32)")
	}
	for i, text := range strings.Split(c.Secrets, ",") {
		encoded, prefixed := strings.CutPrefix(strings.TrimSpace(text), "whsec_")
		key, err := base64.StdEncoding.DecodeString(encoded)
		if !prefixed || err != nil || len(key) < secretMin || len(key) > secretMax {
			return nil, setting.Wrong("Secrets", "entry %d: write whsec_ and %d to %d random bytes in base64, for instance from: echo whsec_$(openssl rand -base64 32)", i+1, secretMin, secretMax)
		}
		keys = append(keys, key)
	}
	return keys, nil
}
