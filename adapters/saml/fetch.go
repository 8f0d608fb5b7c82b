package saml

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	mostRedirects = 5
	fetchTimeout  = 10 * time.Second // from the first packet to the last byte
)

// newClient fetches metadata. The document is the trust anchor: it comes over
// https, from an address that others can reach too, unless the connection allows
// otherwise. The address is checked when it is dialled: after name resolution,
// and after each redirect.
func newClient(p policy) *http.Client {
	proxies := new(proxies)
	dialer := &net.Dialer{Timeout: fetchTimeout / 2}
	guarded := &net.Dialer{Timeout: fetchTimeout / 2, Control: func(_, address string, _ syscall.RawConn) error {
		return p.mayDial(address)
	}}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if len(p.MetadataCA) > 0 {
		config.RootCAs = x509.NewCertPool()
		config.RootCAs.AppendCertsFromPEM(p.MetadataCA) // check refuses what it cannot read
	}
	return &http.Client{
		Timeout:       fetchTimeout,
		CheckRedirect: p.checkRedirect,
		Transport: &http.Transport{
			Proxy: proxies.of,
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				if proxies.known(address) { // the operator's own
					return dialer.DialContext(ctx, network, address)
				}
				return guarded.DialContext(ctx, network, address)
			},
			TLSClientConfig:        config,
			ForceAttemptHTTP2:      true,
			DisableKeepAlives:      true, // it comes once an hour
			MaxResponseHeaderBytes: 64 << 10,
			TLSHandshakeTimeout:    fetchTimeout / 2,
		},
	}
}

// proxies are those of the environment (HTTPS_PROXY and its kin). They are
// usually in the operator's network, and resolve the names that they are asked for.
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

// errPrivate tells the operator what to do.
var errPrivate = errors.New("set metadata_private: true if the identity provider is inside your network")

// mayDial refuses addresses that only this machine or its network can reach.
func (s policy) mayDial(address string) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%q is no address", sanitized(address))
	}
	ip := embedded(to.Addr().Unmap().WithZone(""))
	switch {
	case ip.IsLinkLocalUnicast(), ip.IsMulticast(), ip.IsUnspecified(), ip == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return fmt.Errorf("%s is an address from which no metadata is fetched", ip) // clouds tell their secrets on link-local ones
	case !s.MetadataPrivate && isPrivate(ip):
		return fmt.Errorf("%s is a private address: %w", ip, errPrivate)
	}
	return nil
}

var sharedSpace = netip.MustParsePrefix("100.64.0.0/10") // RFC 6598

func isPrivate(ip netip.Addr) bool {
	return ip.IsPrivate() || ip.IsLoopback() || sharedSpace.Contains(ip) || ip.Is4() && ip.As4()[0] == 0
}

var (
	nat64 = netip.MustParsePrefix("64:ff9b::/96")
	sixTo = netip.MustParsePrefix("2002::/16")
)

// embedded is the IPv4 address that an IPv6 address leads to.
func embedded(ip netip.Addr) netip.Addr {
	b := ip.As16()
	switch {
	case nat64.Contains(ip):
		return netip.AddrFrom4([4]byte(b[12:16]))
	case sixTo.Contains(ip):
		return netip.AddrFrom4([4]byte(b[2:6]))
	}
	return ip
}

func (s policy) checkRedirect(next *http.Request, via []*http.Request) error {
	next.Header.Del("Referer") // it holds the query of the address before
	switch {
	case next.URL.Scheme != "https" && via[len(via)-1].URL.Scheme == "https":
		return fmt.Errorf("a redirect from https to %s", address(next.URL))
	case len(via) > mostRedirects:
		return fmt.Errorf("more than %d redirects", mostRedirects)
	}
	return s.mayAsk(next.URL)
}

// mayAsk refuses http unless the metadata is signed or its server inside the
// operator's network, and addresses that need no name resolution.
func (s policy) mayAsk(u *url.URL) error {
	if !strings.EqualFold(u.Scheme, "https") && !s.MetadataPrivate && len(s.MetadataSigners) == 0 {
		return fmt.Errorf("%s comes over http, and another host on the way can replace its keys: use https, or name who signs it (metadata_signers), or %w", address(u), errPrivate)
	}
	if ip, err := netip.ParseAddr(u.Hostname()); err == nil {
		return s.mayDial(netip.AddrPortFrom(ip, 443).String())
	}
	return nil
}

// address is as much of a URL as may be shown: metadata URLs carry secrets in
// their userinfo and query.
func address(u *url.URL) string {
	if u == nil {
		return ""
	}
	plain := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}
	return sanitized(plain.String())
}

// private is what the texts of net/http's errors may quote of URLs, and the
// local port, which differs each time.
var private = regexp.MustCompile(`[?#][^\s"]*|(//)[^/\s"]*@|\S+->`)

// cause is the text of an error of [http.Client.Do] without the URL. It is a text
// so that unwrapping the error does not bring the URL back.
func cause(err error) string {
	var u *url.Error
	for errors.As(err, &u) {
		err = u.Err
	}
	return sanitized(private.ReplaceAllString(err.Error(), "$1"))
}
