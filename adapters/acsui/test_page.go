package acsui

import (
	"log/slog"
	"net/http"
	"net/url"

	"github.com/devicegate/devicegate/adapters/httpserver"
	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/acsmove"
	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/ports"
)

// Path is where the page lies below PUBLIC_URL.
const Path = "/saml/test"

// linkParameter carries the link in the address that an operator is given.
const linkParameter = "link"

// LinkURL is the address of the page below public that opens link.
func LinkURL(public string, link acsmove.Link) string {
	return public + Path + "?" + url.Values{linkParameter: {link.Reveal()}}.Encode()
}

// PostToIdP shows the page from which a form goes to an identity provider that
// takes no redirect.
type PostToIdP func(w http.ResponseWriter, r *http.Request, to ports.Redirect)

// TestPage serves the page of a test link: the button that starts the test, and its
// result.
type TestPage struct {
	addresses *httpserver.Addresses
	cookies   *httpserver.Cookies
	client    *httpserver.ClientAddress
	cross     *httpserver.CrossOrigin
	headers   httpserver.SecurityHeaders
	edition   ports.Edition
	post      PostToIdP
	open      *application.OpenTestLink
	describe  *application.DescribeTest
	log       *slog.Logger
}

// NewTestPage makes the page.
func NewTestPage(addresses *httpserver.Addresses, cookies *httpserver.Cookies, client *httpserver.ClientAddress, cross *httpserver.CrossOrigin,
	headers httpserver.SecurityHeaders, edition ports.Edition, post PostToIdP, open *application.OpenTestLink, describe *application.DescribeTest, log *slog.Logger,
) *TestPage {
	return &TestPage{addresses, cookies, client, cross, headers, edition, post, open, describe, log}
}

// ServeHTTP serves the page. Opening the address spends nothing: mail programs
// follow links, too. The button does.
func (p *TestPage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.headers.SetPage(w.Header(), policy)
	r.Body = http.MaxBytesReader(w, r.Body, bodyMax)
	err := httpserver.Recover(p.serve, w, r)
	if err == nil {
		return
	}
	f, expected := fault.Of(err)
	if !expected {
		p.log.ErrorContext(r.Context(), "test page failed", "request_id", httpserver.RequestID(r.Context()), "error", err)
		f = fault.New(fault.Internal, "server_error", "Something went wrong on our side. Try again.")
	} else {
		p.log.InfoContext(r.Context(), "test page refused", "request_id", httpserver.RequestID(r.Context()), "code", f.PageCode(), "error", err)
	}
	_ = show(w, httpserver.Status(f.Kind), "problem", view{Title: "This did not work", Message: f.Message})
}

const bodyMax = 4 << 10

// view is what the pages show.
type view struct {
	Title, Message     string
	Name, Link, Action string
	Result             application.TestResult
}

func (p *TestPage) serve(w http.ResponseWriter, r *http.Request) error {
	if err := p.edition.SSO(r.Context()); err != nil {
		return fault.ErrNotFound
	}
	switch r.Method {
	case http.MethodPost:
		return p.start(w, r)
	case http.MethodGet, http.MethodHead:
	default:
		w.Header().Set("Allow", "GET, HEAD, POST")
		return fault.New(fault.MethodNotAllowed, "method_not_allowed", "Open this address in a browser.")
	}
	if r.URL.Query().Has(linkParameter) {
		return p.look(w, r)
	}
	result, err := p.describe.Execute(r.Context(), p.cookies.BrowserBinding(r))
	if err != nil {
		return err
	}
	return show(w, http.StatusOK, "result", view{Title: titles[result.Outcome], Result: result})
}

var titles = map[acsmove.Outcome]string{
	acsmove.TestPassed: "The test has passed", acsmove.TestFailed: "The test has failed",
	acsmove.TestOpened: "No answer yet", acsmove.TestUnanswered: "No answer",
}

func (p *TestPage) look(w http.ResponseWriter, r *http.Request) error {
	link := acsmove.ParseLink(r.URL.Query().Get(linkParameter))
	via, err := p.open.Look(r.Context(), link, p.client.Origin(r))
	if err != nil {
		return err
	}
	name := via.Settings().Name
	return show(w, http.StatusOK, "start", view{Title: "Test the sign-in of " + name, Name: name, Link: link.Reveal(), Action: p.addresses.Prefix() + Path})
}

func (p *TestPage) start(w http.ResponseWriter, r *http.Request) error {
	if err := p.cross.Check(r); err != nil {
		return err
	}
	if err := r.ParseForm(); err != nil {
		return fault.InvalidRequest("The form cannot be read. Open the link again.")
	}
	begun, err := p.open.Execute(r.Context(), acsmove.ParseLink(r.PostForm.Get(linkParameter)), p.cookies.BrowserBinding(r), p.client.Origin(r))
	if err != nil {
		return err
	}
	p.cookies.SetBrowserBinding(w, begun.Browser)
	if len(begun.Redirect.Fields) > 0 {
		p.post(w, r, begun.Redirect)
		return nil
	}
	http.Redirect(w, r, begun.Redirect.URL, http.StatusSeeOther)
	return nil
}
