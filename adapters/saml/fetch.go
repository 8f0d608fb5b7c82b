package saml

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
)

const mostRedirects = 5

// newClient fetches metadata. The document is the trust anchor: a redirect from
// https to http would let others change it, and is refused.
func newClient() *http.Client {
	return &http.Client{Timeout: fetchTimeout, CheckRedirect: func(next *http.Request, via []*http.Request) error {
		next.Header.Del("Referer") // it holds the query of the address before
		switch {
		case next.URL.Scheme != "https" && via[len(via)-1].URL.Scheme == "https":
			return fmt.Errorf("a redirect from https to %s", address(next.URL))
		case len(via) > mostRedirects:
			return fmt.Errorf("more than %d redirects", mostRedirects)
		}
		return nil
	}}
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
