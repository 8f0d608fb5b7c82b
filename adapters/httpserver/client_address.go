package httpserver

import (
	"net/http"
	"net/netip"
	"strings"
	"unicode/utf8"

	"github.com/devicegate/devicegate/domain/request"
)

// ClientAddress finds out from where a request was sent.
type ClientAddress struct {
	trusted []netip.Prefix
	local   bool // browsers reach us on this machine only
}

// NewClientAddress trusts the configured proxies.
func NewClientAddress(cfg Config) *ClientAddress {
	return &ClientAddress{cfg.TrustedProxies, IsLocal(cfg.PublicURL.Hostname())}
}

const userAgentMax = 255

// Origin describes the sender of a request for audit events and limits.
func (c *ClientAddress) Origin(r *http.Request) request.Origin {
	ip, unknown := c.find(r)
	return request.Origin{ID: RequestID(r.Context()), IP: ip, UserAgent: userAgent(r), BehindUnknownProxy: unknown}
}

func userAgent(r *http.Request) string {
	agent := strings.ToValidUTF8(r.UserAgent(), "")
	if len(agent) <= userAgentMax || utf8.RuneCountInString(agent) <= userAgentMax {
		return agent
	}
	return string([]rune(agent)[:userAgentMax])
}

// Of is the address of the client: the nearest one that is not a trusted
// proxy's.
func (c *ClientAddress) Of(r *http.Request) netip.Addr {
	ip, _ := c.find(r)
	return ip
}

// BehindUnknownProxy reports whether [ClientAddress.Of] may be the address of a
// proxy: one that is not trusted says for whom it speaks, one on this machine
// does not, or a trusted one says something that is no address.
func (c *ClientAddress) BehindUnknownProxy(r *http.Request) bool {
	_, unknown := c.find(r)
	return unknown
}

// IsTrusted reports whether a trusted proxy sends the request.
func (c *ClientAddress) IsTrusted(r *http.Request) bool { return c.trusts(peer(r)) }

func (c *ClientAddress) find(r *http.Request) (at netip.Addr, behindUnknownProxy bool) {
	at = peer(r)
	forwarded := r.Header["X-Forwarded-For"]
	if !c.trusts(at) {
		return at, len(forwarded) > 0 && forwarded[0] != "" || speaksForAnother(r) || at.IsLoopback() && !c.local
	}
	if len(forwarded) == 0 {
		return at, speaksForAnother(r)
	}
	for hops, more := strings.Join(forwarded, ","), true; more && c.trusts(at); {
		var text string
		hops, text, more = cutLast(hops)
		text = strings.TrimSpace(text)
		hop := parseHop(text)
		if !hop.IsValid() {
			return at, text != ""
		}
		at = normal(hop)
	}
	return at, false
}

// cutLast cuts the last hop from the others, if there are any.
func cutLast(hops string) (others, last string, more bool) {
	comma := strings.LastIndexByte(hops, ',')
	if comma < 0 {
		return "", hops, false
	}
	return hops[:comma], hops[comma+1:], true
}

// speaksForAnother looks for a header, besides X-Forwarded-For, that only proxies
// add. None is believed; that one is there says that the peer is a proxy.
func speaksForAnother(r *http.Request) bool {
	for name, values := range r.Header { // a request has few
		switch name {
		case "Forwarded", "X-Real-Ip", "X-Forwarded-Host", "X-Forwarded-Proto", "Via",
			"Cf-Connecting-Ip", "True-Client-Ip", "X-Client-Ip", "Fly-Client-Ip", "X-Envoy-External-Address":
			if values[0] != "" {
				return true
			}
		}
	}
	return false
}

// parseHop reads an address; some proxies write the port as well.
func parseHop(text string) netip.Addr {
	hop, err := netip.ParseAddr(text)
	if err == nil {
		return hop
	}
	withPort, _ := netip.ParseAddrPort(text)
	return withPort.Addr()
}

func peer(r *http.Request) netip.Addr {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return normal(ap.Addr())
}

// normal leaves out what is no part of the client's address: the IPv6 form of an
// IPv4 address, and the zone.
func normal(ip netip.Addr) netip.Addr { return ip.Unmap().WithZone("") }

func (c *ClientAddress) trusts(ip netip.Addr) bool {
	for _, p := range c.trusted {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}
