package outbound

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/url"
	"sync"
	"syscall"
	"time"
)

// NewTransport makes a transport that dials only what mayDial allows, and the
// proxies of the environment (HTTPS_PROXY and its kin): those are usually in the
// operator's network, and resolve the names that they are asked for.
func NewTransport(mayDial func(address string) error, dialTime time.Duration, config *tls.Config) *http.Transport {
	proxies := new(proxies)
	dialer := &net.Dialer{Timeout: dialTime}
	guarded := &net.Dialer{Timeout: dialTime, Control: func(_, address string, _ syscall.RawConn) error {
		return mayDial(address)
	}}
	return &http.Transport{
		Proxy: proxies.of,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			if proxies.known(address) { // the operator's own
				return dialer.DialContext(ctx, network, address)
			}
			return guarded.DialContext(ctx, network, address)
		},
		TLSClientConfig:        config,
		ForceAttemptHTTP2:      true,
		MaxResponseHeaderBytes: 64 << 10,
		TLSHandshakeTimeout:    dialTime,
	}
}

// proxies are those that were asked for.
type proxies struct{ seen sync.Map }

func (p *proxies) of(r *http.Request) (*url.URL, error) {
	proxy, err := http.ProxyFromEnvironment(r)
	if proxy != nil && err == nil {
		port := proxy.Port()
		if port == "" {
			port = map[string]string{"https": "443", "socks5": "1080", "socks5h": "1080"}[proxy.Scheme]
		}
		if port == "" {
			port = "80"
		}
		p.seen.Store(net.JoinHostPort(proxy.Hostname(), port), true)
	}
	return proxy, err
}

func (p *proxies) known(address string) bool {
	_, ok := p.seen.Load(address)
	return ok
}
