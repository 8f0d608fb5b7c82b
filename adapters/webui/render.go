package webui

import (
	"bytes"
	"embed"
	"html/template"
	"math"
	"net/http"
	"time"

	"github.com/devicegate/devicegate/adapters/httpserver"
	"github.com/devicegate/devicegate/ports"
)

//go:embed templates
var templateFiles embed.FS

// The pages; each has a template of its name.
const (
	pageEnter   = "enter"
	pageChoose  = "choose"
	pageLeave   = "leave"
	pageDecide  = "decide"
	pageDone    = "done"
	pageOwn     = "sessions"
	pageProblem = "problem"
)

// view is what a template shows. Which fields are set depends on the page.
type view struct {
	State   string // data-state
	Problem string // data-code
	Title   string // key of the heading
	Ref     string // what the log calls the request that failed
	At      string // below the root, if it can be visited again
	Step    int    // 1 code, 2 sign-in, 3 decision; 0: none of them

	Code   string
	Until  time.Time // the page has lost its worth, or the wait is over; zero: unknown
	Body   any
	Leave  string          // where the page goes by itself
	Post   *ports.Redirect // or what its form sends there
	frozen bool            // no language to choose: the page is the answer to a form
}

// letter is everything a template sees.
type letter struct {
	view
	Seconds  int // until then
	Minutes  int // the same, rounded up
	Root     string
	Assets   map[string]string
	Brand    string
	Theme    template.CSS
	Support  string
	Nonce    string
	Language tongue
	Others   []tongue
}

// parseTemplates makes each page in each language: the sentences are bound when
// a template is parsed.
func parseTemplates(tongues []tongue) []map[string]*template.Template {
	all := make([]map[string]*template.Template, len(tongues))
	for i, t := range tongues {
		all[i] = map[string]*template.Template{}
		for _, page := range []string{pageEnter, pageChoose, pageLeave, pageDecide, pageDone, pageOwn, pageProblem} {
			all[i][page] = template.Must(template.New("layout.html").
				Funcs(template.FuncMap{"t": t.say, "has": t.has, "tame": tame}).
				ParseFS(templateFiles, "templates/layout.html", "templates/parts.html", "templates/"+page+".html"))
		}
	}
	return all
}

// theme is the accent, as the style sheet knows it. Colours are three numbers
// by the time they come here, so nothing can be smuggled into the style.
func theme(brand string) template.CSS {
	light, err := parseColor(brand)
	if err != nil || light.readable() != nil {
		light = defaultAccent
	}
	dark := light.onDark()
	return template.CSS(":root{--accent-light:" + light.String() + ";--on-accent-light:" + light.ink().String() +
		";--accent-dark:" + dark.String() + ";--on-accent-dark:" + dark.ink().String() + "}")
}

// show writes a page.
func (p *Pages) show(w http.ResponseWriter, r *http.Request, status int, page string, v view) {
	i := p.languageOf(r)
	l := letter{
		view: v, Root: p.root, Assets: p.assetNames, Brand: p.brand, Theme: p.theme, Support: p.support,
		Nonce: newNonce(), Language: p.tongues[i],
	}
	if left := v.Until.Sub(p.deps.Now()); !v.Until.IsZero() && left > 0 {
		l.Seconds, l.Minutes = int(math.Ceil(left.Seconds())), int(math.Ceil(left.Minutes()))
	}
	if !v.frozen {
		l.Others = p.tongues
	}
	var out bytes.Buffer
	if err := p.templates[i][page].Execute(&out, l); err != nil {
		p.deps.Log.ErrorContext(r.Context(), "page not rendered", "request_id", httpserver.RequestID(r.Context()), "page", page, "error", err)
		http.Error(w, "Something went wrong. Please try again.", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", l.Language.tag.String())
	h.Set("Content-Security-Policy", policy(l.Nonce))
	if v.Post != nil {
		h.Set("Content-Security-Policy", leavingPolicy(l.Nonce))
	}
	h.Set("Vary", "Accept-Language, Cookie")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = out.WriteTo(w)
	}
}
