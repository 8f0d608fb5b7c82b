// Package syslog delivers audit events to a syslog server (RFC 5424): over TLS
// (RFC 5425), over TCP with the same framing (RFC 6587 §3.4.1), or over UDP (RFC
// 5426).
//
// The protocol has no answer. What the system took for a connection that then
// breaks may be lost: where that matters, use the webhook.
package syslog

import (
	"net"
	"net/url"

	"github.com/devicegate/devicegate/domain/setting"
)

// Config says where events go.
type Config struct {
	URL  string // tls://host:6514, tcp://host:601 or udp://host:514; empty: nowhere
	Host string // what is sent as the name of this host
}

// IsZero reports whether nothing is delivered.
func (c Config) IsZero() bool { return c.URL == "" }

// Check returns what is wrong.
func (c Config) Check() error {
	if c.IsZero() {
		return nil
	}
	_, _, err := c.place()
	return err
}

var defaultPorts = map[string]string{"tls": "6514", "tcp": "601", "udp": "514"}

func (c Config) place() (scheme, address string, err error) {
	u, err := url.Parse(c.URL)
	if err != nil || defaultPorts[u.Scheme] == "" || u.User != nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "" || !setting.IsHost(u.Hostname()) {
		return "", "", setting.Wrong("URL", "write tls://host:6514, tcp://host:601 or udp://host:514")
	}
	port := u.Port()
	if port == "" {
		port = defaultPorts[u.Scheme]
	}
	if !setting.IsPort(port) {
		return "", "", setting.Wrong("URL", "has no port that can be right; write one from 1 to 65535")
	}
	return u.Scheme, net.JoinHostPort(u.Hostname(), port), nil
}
