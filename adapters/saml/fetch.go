package saml

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/devicegate/devicegate/adapters/outbound"
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
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if len(p.MetadataCA) > 0 {
		config.RootCAs = x509.NewCertPool()
		config.RootCAs.AppendCertsFromPEM(p.MetadataCA) // check refuses what it cannot read
	}
	transport := outbound.NewTransport(p.mayDial, fetchTimeout/2, config)
	transport.DisableKeepAlives = true // it comes once an hour
	return &http.Client{Timeout: fetchTimeout, CheckRedirect: p.checkRedirect, Transport: transport}
}

// errPrivate tells the operator what to do.
var errPrivate = errors.New("set metadata_private: true if the identity provider is inside your network")

// mayDial refuses addresses that only this machine or its network can reach.
func (s policy) mayDial(address string) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%q is no address", sanitized(address))
	}
	switch reach, ip := outbound.ReachOf(to.Addr()); {
	case reach == outbound.Forbidden:
		return fmt.Errorf("%s is an address from which no metadata is fetched", ip)
	case reach == outbound.Private && !s.MetadataPrivate:
		return fmt.Errorf("%s is a private address: %w", ip, errPrivate)
	}
	return nil
}

func (s policy) checkRedirect(next *http.Request, via []*http.Request) error {
	next.Header.Del("Referer") // it holds the query of the address before
	switch {
	case next.URL.Scheme != "https" && next.URL.Scheme != "http":
		return fmt.Errorf("a redirect to %s, which is no web address", address(next.URL))
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
	if late := net.Error(nil); errors.As(err, &late) && late.Timeout() {
		return fmt.Sprintf("the server did not answer in time: all of it has to come within %s", fetchTimeout)
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return "the document was cut off on its way, so that a part is missing"
	}
	var u *url.Error
	for errors.As(err, &u) {
		err = u.Err
	}
	text := private.ReplaceAllString(err.Error(), "$1")
	if unknown := (x509.UnknownAuthorityError{}); errors.As(err, &unknown) {
		text += ": name the authority in metadata_ca_file if it is one of your own"
	}
	return sanitized(text)
}
