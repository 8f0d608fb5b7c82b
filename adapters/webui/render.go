package webui

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"math"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/devicegate/devicegate/adapters/httpserver"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/ports"
)

//go:embed templates
var templateFiles embed.FS

// The pages; each has a template of its name.
const (
	pageEnter    = "enter"
	pageChoose   = "choose"
	pageRedirect = "redirect"
	pageDecide   = "decide"
	pageDone     = "done"
	pageSessions = "sessions"
	pageProblem  = "problem"
)

// What a countdown counts down to.
const (
	endOfCode   = "code"
	endOfSignIn = "sign_in"
)

// view is the content of one page. Which fields are set depends on the page.
type view struct {
	State   string // data-state
	Problem string // data-code
	Title   string // key of the heading
	Invalid bool   // a field was filled in wrongly: the title says so
	Ref     string // request id of the request that failed
	ShowRef bool   // the person can use the reference
	Step    int    // 1 code, 2 sign-in, 3 decision; 0: none of them

	Code        string
	Until       time.Time // end of the countdown; zero: none
	Ends        string    // what ends then
	Body        any
	RedirectURL string          // where the page goes by itself
	Post        *ports.Redirect // or what its form sends there

	at          string     // the page's path below the root, if a GET shows it again
	again       url.Values // parameters of the root that show it again
	awaits      bool       // the script asks for the page again
	noLanguages bool       // the page is the answer to a form: it cannot be shown again
}

// Awaits reports whether the script asks for the page again, until the device has
// its token.
func (v view) Awaits() bool { return v.awaits }

// templateData is everything that a template can use.
type templateData struct {
	view
	PageTitle string
	ShortRef  string
	Seconds   int // until the end of the countdown
	Minutes   int // the same, rounded up
	Root      string
	Assets    map[string]string
	Brand     string
	Theme     template.CSS
	Support   string
	Nonce     string
	Locale    locale
	Languages []languageLink
}

// languageLink shows the same page in another language.
type languageLink struct {
	locale
	Href string
}

// parsedTemplates are all pages in all languages; they are parsed once in a
// process.
var parsedTemplates = sync.OnceValue(func() []map[string]*template.Template { return parseTemplates(loadedLocales()) })

// parseTemplates parses each page in each language: the sentences are bound
// when a template is parsed.
func parseTemplates(all []locale) []map[string]*template.Template {
	parsed := make([]map[string]*template.Template, len(all))
	for i, l := range all {
		parsed[i] = map[string]*template.Template{}
		for _, page := range []string{pageEnter, pageChoose, pageRedirect, pageDecide, pageDone, pageSessions, pageProblem} {
			parsed[i][page] = template.Must(template.New("layout.html").
				Funcs(template.FuncMap{"t": l.html, "has": l.has, "ago": l.ago, "when": timeElement, "link": link, "spell": spell, "where": l.where}).
				ParseFS(templateFiles, "templates/layout.html", "templates/parts.html", "templates/"+page+".html"))
		}
	}
	return parsed
}

// link is an anchor for use inside a sentence.
func link(href string, text template.HTML) template.HTML {
	return template.HTML(`<a href="` + template.HTMLEscapeString(href) + `">` + string(text) + `</a>`)
}

// ago is an element that says how long ago at was. The script keeps it up to
// date while the page stays open.
func (l locale) ago(at time.Time, minutes int) template.HTML {
	text := l.text("ago.now")
	if minutes > 0 {
		text = l.text("ago.minutes", "n", minutes)
	}
	return template.HTML(fmt.Sprintf(`<time datetime="%s" data-ago="%d">%s</time>`,
		at.UTC().Format(time.RFC3339), minutes, template.HTMLEscapeString(text)))
}

// timeElement is a time in UTC, which the script turns into local time.
func timeElement(at time.Time) template.HTML {
	at = at.UTC()
	return template.HTML(`<time datetime="` + at.Format(time.RFC3339) + `" data-local>` + at.Format("2006-01-02 15:04 UTC") + `</time>`)
}

// spell separates the characters of a user code, so that a screen reader spells
// it instead of reading it as a word.
func spell(code string) string {
	groups := strings.Split(code, "-")
	for i, group := range groups {
		groups[i] = strings.Join(strings.Split(group, ""), " ")
	}
	return strings.Join(groups, ", ")
}

// show writes a page.
func (p *base) show(w http.ResponseWriter, r *http.Request, status int, page string, v view) {
	i := p.localeOf(r)
	d := templateData{
		view: v, Root: p.root, Assets: p.assetNames, Brand: p.brand, Theme: p.theme, Support: p.support,
		Nonce: newNonce(), Locale: p.locales[i],
	}
	d.PageTitle = d.Locale.text(v.Title)
	if v.Invalid {
		d.PageTitle = d.Locale.text("error.title", "title", d.PageTitle)
	}
	if v.ShowRef {
		d.ShortRef = request.ShortID(v.Ref)
	}
	if left := v.Until.Sub(p.deps.Now()); !v.Until.IsZero() && left > 0 {
		d.Seconds, d.Minutes = int(math.Ceil(left.Seconds())), int(math.Ceil(left.Minutes()))
	}
	if !v.noLanguages {
		d.Languages = p.languageLinks(v)
	}
	var out bytes.Buffer
	if err := p.templates[i][page].Execute(&out, d); err != nil {
		p.deps.Log.ErrorContext(r.Context(), "page not rendered", "request_id", httpserver.RequestID(r.Context()), "page", page, "error", err)
		http.Error(w, "Something went wrong. Please try again.", http.StatusInternalServerError)
		return
	}
	if !p.hasCookies(r) {
		p.setCookie(w, probeCookie, "1", 0)
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", d.Locale.tag.String())
	h.Set("Content-Security-Policy", contentPolicy(d.Nonce))
	if v.awaits {
		h.Set("Content-Security-Policy", contentPolicy(d.Nonce)+"; connect-src 'self'")
	}
	if v.Post != nil {
		h.Set("Content-Security-Policy", policyWithoutFormAction(d.Nonce))
	}
	h.Set("Vary", "Accept-Language, Cookie")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = out.WriteTo(w)
	}
}

func (p *base) languageLinks(v view) []languageLink {
	links := make([]languageLink, len(p.locales))
	for i, l := range p.locales {
		q := url.Values{"lang": {l.tag.String()}}
		if v.at != "" {
			q.Set("at", v.at)
		}
		for name, values := range v.again {
			q[name] = values
		}
		links[i] = languageLink{l, p.root + "?" + q.Encode()}
	}
	return links
}
