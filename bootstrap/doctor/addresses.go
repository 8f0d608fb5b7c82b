package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/publicsuffix"

	"github.com/devicegate/devicegate/adapters/httpserver"
)

// cookies checks that browsers keep our cookies and send them to both hosts.
func (x *examination) cookies(context.Context) {
	public, web := x.PublicURL, x.WebURL
	before := len(x.found)
	if public.Scheme == "http" && !httpserver.IsLocal(public.Hostname()) {
		x.warn("cookies", "PUBLIC_URL is http: cookies and tokens can be read on the way", "put a proxy with TLS in front and set PUBLIC_URL=https://…")
	}
	if suffix, known := publicsuffix.PublicSuffix(x.CookieDomain); x.CookieDomain != "" && suffix == x.CookieDomain && (known || strings.Contains(suffix, ".")) {
		x.fail("cookies", "browsers take no cookies for "+x.CookieDomain+": anyone can register a name below it", "set COOKIE_DOMAIN to the domain that PUBLIC_URL and WEB_URL share, for instance example.com")
	}
	switch {
	case public.Host == web.Host:
	case registrable(public) != registrable(web):
		x.fail("cookies", fmt.Sprintf("%s and %s share no domain: the page cannot have the API's cookies", public.Hostname(), web.Hostname()), "serve both below one domain, and set COOKIE_DOMAIN to it")
	case x.CookieDomain == "":
		x.fail("cookies", fmt.Sprintf("COOKIE_DOMAIN is not set: cookies of %s do not reach %s", public.Hostname(), web.Hostname()), "set COOKIE_DOMAIN="+registrable(public))
	}
	if public.Scheme != web.Scheme {
		x.warn("cookies", "PUBLIC_URL and WEB_URL have different schemes: browsers take them for different sites", "use https for both")
	}
	if len(x.found) == before {
		x.ok("cookies", "browsers keep them")
	}
}

// registrable is the domain below a public suffix; of an IP address or a name
// without dots it is the host itself.
func registrable(u *url.URL) string {
	domain, err := publicsuffix.EffectiveTLDPlusOne(u.Hostname())
	if _, ip := netip.ParseAddr(u.Hostname()); ip == nil || err != nil {
		return u.Hostname()
	}
	return domain
}

func (x *examination) proxies(context.Context) {
	for _, network := range x.TrustedProxies {
		if network.Bits() == 0 {
			x.fail("proxies", "TRUSTED_PROXIES has "+network.String()+": every client can claim any address and escape the limits", "name the networks of the proxies only")
			return
		}
	}
	if len(x.TrustedProxies) == 0 && x.PublicURL.Scheme == "https" {
		x.warn("proxies", "PUBLIC_URL is https, which a proxy in front has to speak, and TRUSTED_PROXIES is empty: every client seems to sit at the proxy's address and shares its limits", "set TRUSTED_PROXIES to the proxy's address or network")
		return
	}
	x.ok("proxies", fmt.Sprintf("%d trusted networks", len(x.TrustedProxies)))
}

// publicURL asks the service as a client on the Internet would.
func (x *examination) publicURL(ctx context.Context) {
	const check = "public URL"
	if x.Offline {
		x.skip(check, "not asked", "leave out --offline")
		return
	}
	version := x.PublicURL.JoinPath("/openapi/v1/_version")
	answer, err := x.get(ctx, version)
	if err != nil {
		found, do := explain(err, x.PublicURL)
		x.fail(check, found, do)
		return
	}
	var body struct{ Version, Edition string }
	switch to := answer.header.Get("Location"); {
	case answer.status >= 300 && answer.status < 400:
		x.fail(check, "answers with a redirect to "+withoutQuery(to), "set PUBLIC_URL to the address that does not redirect")
		return
	case answer.status != http.StatusOK:
		x.fail(check, fmt.Sprintf("%s answers %d", version, answer.status), "502 to 504: start devicegate serve, or mend the proxy's address of it; 404: let the proxy pass all paths below PUBLIC_URL")
		return
	case json.Unmarshal(answer.body, &body) != nil || body.Version == "":
		x.fail(check, "something else than devicegate answers", "check DNS and the proxy: all paths below PUBLIC_URL have to reach devicegate")
		return
	}
	x.issuer(ctx)
	if ends := answer.certificate; !ends.IsZero() && time.Until(ends) < 14*24*time.Hour {
		x.warn(check, "its certificate ends on "+ends.UTC().Format(time.DateOnly), "renew it")
	}
}

// issuer compares what clients discover with PUBLIC_URL.
func (x *examination) issuer(ctx context.Context) {
	const check = "public URL"
	at := &url.URL{Scheme: x.PublicURL.Scheme, Host: x.PublicURL.Host, Path: "/.well-known/oauth-authorization-server" + x.PublicURL.Path}
	answer, err := x.get(ctx, at)
	var body struct{ Issuer string }
	switch {
	case err != nil || answer.status != http.StatusOK || json.Unmarshal(answer.body, &body) != nil:
		x.warn(check, "clients find no metadata at "+at.String(), "let the proxy pass /.well-known/oauth-authorization-server, too")
	case body.Issuer != x.PublicURL.String():
		x.fail(check, "the service there has another PUBLIC_URL: "+body.Issuer, "give all processes the same, and restart them")
	default:
		x.ok(check, "devicegate answers at "+x.PublicURL.String())
	}
}

// reply is as much of an answer as the checks need.
type reply struct {
	status      int
	header      http.Header
	body        []byte
	certificate time.Time // when it ends
}

func (x *examination) get(ctx context.Context, at *url.URL) (reply, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
	if err != nil {
		return reply{}, err
	}
	response, err := x.http.Do(request)
	if err != nil {
		return reply{}, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, 64<<10))
	out := reply{response.StatusCode, response.Header, body, time.Time{}}
	if response.TLS != nil && len(response.TLS.PeerCertificates) > 0 {
		out.certificate = response.TLS.PeerCertificates[0].NotAfter
	}
	return out, err
}

func withoutQuery(address string) string {
	address, _, _ = strings.Cut(address, "?")
	return address
}

// explain says why nothing answered, and what helps.
func explain(err error, at *url.URL) (found, do string) {
	var (
		name    *net.DNSError
		unknown x509.UnknownAuthorityError
		host    x509.HostnameError
		invalid x509.CertificateInvalidError
		network net.Error
		record  tls.RecordHeaderError
	)
	switch {
	case errors.As(err, &name):
		return "the name " + at.Hostname() + " cannot be resolved", "add it to DNS; without a network here, use --offline"
	case errors.As(err, &unknown):
		return "its certificate is of an unknown authority", "serve the whole chain, or install the authority's certificate on this machine and on those of the users"
	case errors.As(err, &host):
		return "its certificate is for another name than " + at.Hostname(), "get one for it"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "its certificate has expired or is not valid yet", "renew it; check the clock"
	case errors.As(err, &record), strings.Contains(err.Error(), "HTTP response to HTTPS client"):
		return "answers without TLS", "put a proxy with TLS in front, or set PUBLIC_URL=http://…"
	case errors.As(err, &network) && network.Timeout():
		return fmt.Sprintf("nothing answers within %s", askTime), "check firewall and proxy; some networks do not lead back in: ask from elsewhere, or use --offline"
	}
	return "nothing answers at " + at.Host, "start devicegate serve, and check the proxy; without a network here, use --offline"
}
