package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"

	"golang.org/x/net/html"
)

// Person plays a person whose browser has no scripts. They sign in with the
// name and password they have, and press the button they want to.
type Person struct {
	User, Password string
	Press          string    // id of the button on the decision page: approve or deny
	RequestLog     io.Writer // one line a request, with its status

	// Steps counts what the decision page asked for first.
	Steps Steps

	jar     *cookiejar.Jar
	client  *http.Client
	page    *url.URL
	visited []string
}

// Steps are what a page asks for before a decision.
type Steps struct {
	Typed       int // the user code
	SignedAgain int
}

// Blocked is how [Person.Decide] ends if the page offers no approval.
const Blocked = "blocked"

// NewPerson makes a person with a fresh browser.
func NewPerson(user, password, press string, requestLog io.Writer) *Person {
	jar, _ := cookiejar.New(nil) // never fails
	return &Person{
		User: user, Password: password, Press: press, RequestLog: requestLog, jar: jar,
		client: &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}
}

// Through sends the person's requests by a transport of their own.
func (p *Person) Through(t http.RoundTripper) *Person {
	p.client.Transport = t
	return p
}

// Visited lists the addresses the browser was at.
func (p *Person) Visited() []string { return p.visited }

// stepsMax is more than any journey takes.
const stepsMax = 30

// Decide opens the address that the device shows and goes on until the page
// says how it ended: the state of its last page, "approved" or "denied" or, for
// an error, its code.
func (p *Person) Decide(ctx context.Context, address, userCode string) (string, error) {
	doc, err := p.open(ctx, address)
	for range stepsMax {
		if err != nil {
			return "", err
		}
		main := find(doc, func(n *html.Node) bool { return n.Data == "main" && attr(n, "data-state") != "" })
		switch state := attr(main, "data-state"); state {
		case "enter":
			doc, err = p.submit(ctx, doc, "continue", map[string]string{"user_code": userCode})
		case "choose":
			doc, err = p.follow(ctx, doc, "sign-in")
		case "decide":
			if typedCode(main) == nil && !strings.Contains(textOf(main), userCode) {
				return "", fmt.Errorf("the page asks about another code than %s", userCode)
			}
			fill, button := p.firstStep(main, userCode)
			if button == "" {
				return Blocked, nil
			}
			doc, err = p.submit(ctx, doc, button, fill)
		case "approved", "denied":
			return state, nil
		case "":
			doc, err = p.signIn(ctx, doc)
		default:
			return attr(main, "data-code"), nil
		}
	}
	return "", errors.New("the journey does not end")
}

// firstStep is what the decision page asks for before the button that the person
// wants to press, or that button; empty: there is none.
func (p *Person) firstStep(main *html.Node, userCode string) (fill map[string]string, button string) {
	named := func(id string) *html.Node { return find(main, func(n *html.Node) bool { return attr(n, "id") == id }) }
	if named(p.Press) == nil {
		if named("sign-in-again") == nil {
			return nil, ""
		}
		p.Steps.SignedAgain++
		return nil, "sign-in-again"
	}
	if typedCode(main) != nil && p.Press == "approve" {
		p.Steps.Typed++
		fill = map[string]string{"typed_code": userCode}
	}
	return fill, p.Press
}

// typedCode is the field of a page that does not show the code.
func typedCode(main *html.Node) *html.Node {
	return find(main, func(n *html.Node) bool { return attr(n, "name") == "typed_code" })
}

// signIn fills in the identity provider's form, or sends its answer on.
func (p *Person) signIn(ctx context.Context, doc *html.Node) (*html.Node, error) {
	password := find(doc, func(n *html.Node) bool { return n.Data == "input" && attr(n, "type") == "password" })
	if password == nil {
		return p.submit(ctx, doc, "", nil)
	}
	fill := map[string]string{attr(password, "name"): p.Password}
	name := find(doc, func(n *html.Node) bool {
		return n.Data == "input" && (attr(n, "type") == "" || attr(n, "type") == "text" || attr(n, "type") == "email")
	})
	fill[attr(name, "name")] = p.User
	return p.submit(ctx, doc, "", fill)
}

// submit sends the form that the button with the given id belongs to, or the
// page's first form, as that button would.
func (p *Person) submit(ctx context.Context, doc *html.Node, button string, fill map[string]string) (*html.Node, error) {
	isForm := func(n *html.Node) bool { return n.Data == "form" }
	form := find(doc, isForm)
	var pressed *html.Node
	if button != "" {
		form = find(doc, func(n *html.Node) bool {
			return isForm(n) && find(n, func(b *html.Node) bool { return attr(b, "id") == button }) != nil
		})
		pressed = find(form, func(n *html.Node) bool { return attr(n, "id") == button })
	}
	if form == nil {
		return nil, fmt.Errorf("%s: no form with a button %q", p.page.Redacted(), button)
	}
	values := url.Values{}
	walk(form, func(n *html.Node) {
		kind := attr(n, "type")
		if n.Data == "input" && attr(n, "name") != "" && kind != "submit" && kind != "checkbox" && kind != "radio" {
			values.Set(attr(n, "name"), attr(n, "value"))
		}
	})
	for name, value := range fill {
		values.Set(name, value)
	}
	if pressed == nil {
		pressed = find(form, func(n *html.Node) bool { return n.Data == "button" })
	}
	if name := attr(pressed, "name"); name != "" {
		values.Set(name, attr(pressed, "value"))
	}
	action := attr(form, "action")
	if to := attr(pressed, "formaction"); to != "" {
		action = to
	}
	target, err := p.page.Parse(action)
	if err != nil {
		return nil, err
	}
	if !strings.EqualFold(attr(form, "method"), "post") {
		target.RawQuery = values.Encode()
		return p.open(ctx, target.String())
	}
	return p.send(ctx, http.MethodPost, target, values)
}

// follow goes where the element with the given id leads: a link, or a form.
func (p *Person) follow(ctx context.Context, doc *html.Node, id string) (*html.Node, error) {
	link := find(doc, func(n *html.Node) bool { return n.Data == "a" && attr(n, "id") == id })
	if link == nil {
		return p.submit(ctx, doc, id, nil)
	}
	target, err := p.page.Parse(attr(link, "href"))
	if err != nil {
		return nil, err
	}
	return p.send(ctx, http.MethodGet, target, nil)
}

func (p *Person) open(ctx context.Context, address string) (*html.Node, error) {
	target, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	return p.send(ctx, http.MethodGet, target, nil)
}

// send requests a page and follows redirects one by one. As in a browser, a
// POST from another site's page takes no Lax cookies along.
func (p *Person) send(ctx context.Context, method string, target *url.URL, values url.Values) (*html.Node, error) {
	from := p.page
	for range stepsMax {
		req, err := http.NewRequestWithContext(ctx, method, target.String(), strings.NewReader(values.Encode()))
		if err != nil {
			return nil, err
		}
		req.Header.Set("Accept", "text/html")
		if method == http.MethodPost {
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			req.Header.Set("Origin", from.Scheme+"://"+from.Host)
		}
		if crossSite := from != nil && from.Hostname() != target.Hostname(); method != http.MethodPost || !crossSite {
			for _, c := range p.jar.Cookies(target) {
				req.AddCookie(c)
			}
		}
		resp, err := p.client.Do(req)
		if err != nil {
			return nil, err
		}
		p.jar.SetCookies(target, resp.Cookies())
		p.visited = append(p.visited, target.String())
		fmt.Fprintf(p.RequestLog, "  %-4s %-70s %d\n", method, short(target), resp.StatusCode)
		if resp.StatusCode/100 != 3 {
			p.page = target
			doc, err := html.Parse(resp.Body)
			resp.Body.Close()
			return doc, err
		}
		resp.Body.Close()
		if target, err = target.Parse(resp.Header.Get("Location")); err != nil {
			return nil, err
		}
		method, values = http.MethodGet, nil
	}
	return nil, errors.New("the redirects do not end")
}

// short leaves the values of parameters out.
func short(u *url.URL) string {
	text := u.Scheme + "://" + u.Host + u.Path
	for i, name := range sortedNames(u.Query()) {
		text += map[bool]string{true: "?", false: "&"}[i == 0] + name + "=…"
	}
	return text
}
