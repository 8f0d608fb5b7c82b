package httpserver

import (
	"net/http"
	"net/netip"
	"slices"
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
	f := c.find(r)
	return request.Origin{ID: RequestID(r.Context()), IP: f.at, UserAgent: userAgent(r), BehindUnknownProxy: f.behindUnknown, OfProxy: f.ofProxy}
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
func (c *ClientAddress) Of(r *http.Request) netip.Addr { return c.find(r).at }

// BehindUnknownProxy reports whether [ClientAddress.Of] may be the address of a
// proxy: one that is not trusted says for whom it speaks, one on this machine
// does not, or a trusted one passes no address of a client on.
func (c *ClientAddress) BehindUnknownProxy(r *http.Request) bool { return c.find(r).behindUnknown }

// IsTrusted reports whether a trusted proxy sends the request.
func (c *ClientAddress) IsTrusted(r *http.Request) bool { return c.trusts(peer(r)) }

// found is the nearest address that is not a trusted proxy's, or that of the trusted
// proxy which passes none on.
type found struct {
	at                     netip.Addr
	behindUnknown, ofProxy bool
}

func (c *ClientAddress) find(r *http.Request) found {
	at := peer(r)
	forwarded := r.Header["X-Forwarded-For"]
	if !c.trusts(at) {
		return found{at, len(forwarded) > 0 && forwarded[0] != "" || speaksForAnother(r) || at.IsLoopback() && !c.local, false}
	}
	for hops, more := strings.Join(forwarded, ","), true; more && c.trusts(at); {
		var text string
		hops, text, more = cutLast(hops)
		text = strings.TrimSpace(text)
		hop := parseHop(text)
		if !hop.IsValid() {
			hidden := text != "" || speaksForAnother(r) || !c.isBrowserHere(at)
			return found{at, hidden, hidden}
		}
		at = normal(hop)
	}
	return found{at, c.isProxy(at), c.isProxy(at)}
}

// isBrowserHere reports whether a request without any header of a proxy comes from a
// browser on this machine.
func (c *ClientAddress) isBrowserHere(at netip.Addr) bool { return c.local && at.IsLoopback() }

// isProxy reports whether an address is trusted by itself. In a trusted network there
// may be clients, too.
func (c *ClientAddress) isProxy(ip netip.Addr) bool {
	return slices.ContainsFunc(c.trusted, func(p netip.Prefix) bool { return p.IsSingleIP() && p.Addr() == ip }) && !c.isBrowserHere(ip)
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
