package config

import (
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/devicegate/devicegate/adapters/files"
	"github.com/devicegate/devicegate/domain/administrator"
	"github.com/devicegate/devicegate/domain/fault"
)

// loadAdministration reads what concerns the operations listener.
func (c *Config) loadAdministration(e environment, wrong *problems) {
	c.OpsTLS = files.CertificateConfig{Cert: e.OpsTLSCert, Key: e.OpsTLSKey}
	if c.OpsTLS != (files.CertificateConfig{}) {
		wrong.named(names{"Cert": "OPS_TLS_CERT_FILE", "Key": "OPS_TLS_KEY_FILE"}, c.OpsTLS.Check())
	}
	c.Admins = wrong.administrators("ADMIN_TOKENS", e.AdminTokens)
	switch {
	case c.Admins.IsZero():
	case e.OpsAddr == "":
		wrong.warn("ADMIN_TOKENS", "the administrators' API is served on OPS_ADDR, which is not set")
	case e.OpsTLSCert == "" && !isLoopback(e.OpsAddr):
		wrong.warn("OPS_ADDR", "administrators' tokens arrive here without TLS; set OPS_TLS_CERT_FILE and OPS_TLS_KEY_FILE, or listen on 127.0.0.1 behind a proxy")
	}
}

// administrators reads name:hash pairs. Nothing of a pair that is wrong is
// repeated, because it may be a token.
func (p *problems) administrators(setting, text string) administrator.Credentials {
	var known []administrator.Credential
	if text == "" {
		return administrator.Credentials{}
	}
	for i, entry := range strings.Split(text, ",") {
		read, err := administrator.ParseCredential(strings.TrimSpace(entry))
		if err != nil {
			f, _ := fault.Of(err)
			p.add(setting, "entry %d: %s", i+1, f.Message)
			continue
		}
		if before := slices.IndexFunc(known, read.SameToken); before >= 0 {
			p.add(setting, "entry %d: has the token of %s; each administrator needs one of their own", i+1, known[before].Name)
			continue
		}
		known = append(known, read)
	}
	return administrator.NewCredentials(known...)
}

func isLoopback(listener string) bool {
	host, _, _ := net.SplitHostPort(listener)
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}
