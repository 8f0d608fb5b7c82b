package idps

import (
	"compress/flate"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/html"
)

// browser signs a person in: it fills in forms and sends on what has none to fill in,
// as the script of a page would.
type browser struct {
	client    http.Client
	requestID string // of the last AuthnRequest that passed
	response  []byte // the last one that passed
}

func newBrowser(g *gate) *browser {
	b := new(browser)
	jar, _ := cookiejar.New(nil) // never fails
	b.client = http.Client{Jar: jar, Transport: g, Timeout: 30 * time.Second, CheckRedirect: func(r *http.Request, _ []*http.Request) error { return b.see(r.URL.Query()) }}
	return b
}

// see keeps what passes in a form or an address.
func (b *browser) see(values url.Values) (err error) {
	if text := values.Get("SAMLResponse"); text != "" {
		b.response, err = base64.StdEncoding.DecodeString(text)
	}
	if text := values.Get("SAMLRequest"); text != "" {
		packed, bad := base64.StdEncoding.DecodeString(text)
		var request struct {
			ID string `xml:"ID,attr"`
		}
		err = errors.Join(err, bad, xml.NewDecoder(flate.NewReader(strings.NewReader(string(packed)))).Decode(&request))
		b.requestID = request.ID
	}
	return err
}

// page is where the browser is.
type page struct {
	at     *url.URL
	status int
	text   string
}

const mostSteps = 10

// signIn goes through a connection as a person whose password is her name, and says
// where that ends.
func (b *browser) signIn(connection, person string) (page, error) {
	at, err := b.send(http.MethodGet, public+"/device/sessions/sign-in?connection="+connection, nil)
	for range mostSteps {
		if err != nil || "https://"+at.at.Host == public {
			return at, err
		}
		to, values, found := form(at, person)
		if !found {
			return at, fmt.Errorf("no form at %s%s (%d): %s", at.at.Host, at.at.Path, at.status, at.text)
		}
		if err = b.see(values); err == nil {
			at, err = b.send(http.MethodPost, to, values)
		}
	}
	return at, errors.Join(err, errors.New("there is no end of forms"))
}

func (b *browser) send(method, address string, values url.Values) (page, error) {
	r, err := http.NewRequest(method, address, strings.NewReader(values.Encode()))
	if err != nil {
		return page{}, err
	}
	r.Header.Set("Accept", "text/html")
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	answer, err := b.client.Do(r)
	if err != nil {
		return page{}, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return page{answer.Request.URL, answer.StatusCode, string(text)}, err
}

// form is the first form of a page that is posted, filled in.
func form(p page, person string) (to string, values url.Values, found bool) {
	document, err := html.Parse(strings.NewReader(p.text))
	if err != nil {
		return "", nil, false
	}
	for n := range document.Descendants() {
		if n.Data != "form" || !strings.EqualFold(attribute(n, "method"), http.MethodPost) {
			continue
		}
		action, err := p.at.Parse(attribute(n, "action"))
		if err != nil {
			continue
		}
		values := url.Values{}
		for field := range n.Descendants() {
			name := attribute(field, "name")
			if field.Data != "input" || name == "" {
				continue
			}
			switch attribute(field, "type") {
			case "hidden":
				values.Set(name, attribute(field, "value"))
			case "", "text", "password":
				values.Set(name, person)
			}
		}
		return action.String(), values, true
	}
	return "", nil, false
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}
