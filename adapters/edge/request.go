package edge

import (
	"context"
	"net/http"
	"net/netip"
	"regexp"
	"strings"
	"time"

	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/uid"
)

type requestIDKey struct{}

var requestIDForm = regexp.MustCompile(`^[A-Za-z0-9._-]{8,64}$`)

// WithRequestID names each request, so that a person can tell an operator which
// one failed. A trusted proxy's X-Request-Id is kept.
func (e *Edge) WithRequestID(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get("X-Request-Id")
		if !requestIDForm.MatchString(id) || !e.trusts(peer(r)) {
			id = uid.New(time.Now()).String()
		}
		w.Header().Set("X-Request-Id", id)
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), requestIDKey{}, id)))
	})
}

// RequestID is the name of the request that ctx belongs to.
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

const userAgentMax = 255

// Facts are what auditors will want to know about the request.
func (e *Edge) Facts(r *http.Request) request.Origin {
	agent := strings.ToValidUTF8(r.UserAgent(), "")
	if runes := []rune(agent); len(runes) > userAgentMax {
		agent = string(runes[:userAgentMax])
	}
	return request.Origin{ID: RequestID(r.Context()), IP: e.Address(r), UserAgent: agent, BehindUnknownProxy: e.Relayed(r)}
}

// Relayed reports whether there are signs of a proxy that is not among the
// trusted ones: it says whom it speaks for, or it sits on this machine, where
// browsers do not.
func (e *Edge) Relayed(r *http.Request) bool {
	from := peer(r)
	if e.trusts(from) {
		return false
	}
	said := r.Header.Get("X-Forwarded-For") != "" || r.Header.Get("Forwarded") != ""
	return said || from.IsLoopback() && !e.Local()
}

// Address is where the client is: the nearest address that is not a trusted
// proxy's.
func (e *Edge) Address(r *http.Request) netip.Addr {
	at := peer(r)
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && e.trusts(at); i-- {
		hop := parseHop(strings.TrimSpace(hops[i]))
		if !hop.IsValid() {
			break
		}
		at = hop.Unmap().WithZone("")
	}
	return at
}

// parseHop reads an address; some proxies write the port, too.
func parseHop(text string) netip.Addr {
	if hop, err := netip.ParseAddrPort(text); err == nil {
		return hop.Addr()
	}
	hop, _ := netip.ParseAddr(text)
	return hop
}

func peer(r *http.Request) netip.Addr {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap().WithZone("")
}

func (e *Edge) trusts(ip netip.Addr) bool {
	for _, p := range e.cfg.TrustedProxies {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}

// FromOwnPage returns [ErrForeignOrigin] if a page of another site sent the
// request. "null" is foreign; a client that is no browser sends no Origin.
func (e *Edge) FromOwnPage(r *http.Request) error {
	for _, o := range r.Header.Values("Origin") {
		if !e.OwnOrigin(o) {
			return ErrForeignOrigin
		}
	}
	if r.Header.Get("Origin") == "" && r.Header.Get("Sec-Fetch-Site") == "cross-site" {
		return ErrForeignOrigin
	}
	return nil
}
