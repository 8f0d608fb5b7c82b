package webui

import (
	"context"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-chi/chi/v5"
	"golang.org/x/text/language"

	"github.com/devicegate/devicegate/adapters/edge"
	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/ports"
)

// Pages serves the pages.
type Pages struct {
	requireTyped bool
	brand        string
	support      string
	theme        template.CSS
	assets       assets
	assetNames   map[string]string
	tongues      []tongue
	matcher      language.Matcher
	templates    []map[string]*template.Template
	root         string // path of the first page, as browsers see it

	edge        *edge.Edge
	lookUp      *application.LookUpDevice
	describe    *application.DescribeApproval
	approve     *application.ApproveExternal
	deny        *application.DenyExternal
	connections connection.Directory
	edition     ports.Edition
	now         ports.Clock
	log         *slog.Logger
}

// New makes the pages. What [Config.Check] finds fault with is left out.
func New(cfg Config, e *edge.Edge, lookUp *application.LookUpDevice, describe *application.DescribeApproval, approve *application.ApproveExternal, deny *application.DenyExternal, connections connection.Directory, edition ports.Edition, now ports.Clock, log *slog.Logger) *Pages {
	p := &Pages{
		requireTyped: cfg.RequireTypedCode, brand: cfg.Brand.Name, theme: theme(cfg.Brand.Color),
		root: pathOf(e.Page(nil)),
		edge: e, lookUp: lookUp, describe: describe, approve: approve, deny: deny,
		connections: connections, edition: edition, now: now, log: log,
	}
	if p.brand == "" {
		p.brand = "devicegate"
	}
	if supportLink(cfg.SupportURL) {
		p.support = cfg.SupportURL
	}
	p.assets, p.assetNames = newAssets(cfg.Brand.Logo)
	for _, t := range offered {
		p.tongues = append(p.tongues, t.load())
	}
	p.matcher, p.templates = newMatcher(p.tongues), parseTemplates(p.tongues)
	return p
}

func pathOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Path == "" {
		return "/device"
	}
	return strings.TrimRight(u.Path, "/")
}

// Handler serves /device and everything below it. If the pages live under a
// prefix, whoever mounts the handler strips it.
func (p *Pages) Handler() http.Handler {
	r := chi.NewRouter()
	page := func(path string, h http.HandlerFunc) {
		for _, spelt := range []string{path, path + "/"} { // a redirect would turn a form into a visit
			r.Get(spelt, h)
			r.Head(spelt, h)
		}
	}
	form := func(path string, h http.HandlerFunc) {
		for _, spelt := range []string{path, path + "/"} {
			r.Post(spelt, p.own(h))
		}
	}
	page("/device", p.enterPage)
	form("/device", p.enterForm)
	page("/device/leave", p.leavePage)
	page("/device/sign-in", p.choosePage)
	form("/device/sign-in", p.chooseForm)
	page("/device/decide", p.decidePage)
	form("/device/approve", p.decideForm(approved))
	form("/device/deny", p.decideForm(denied))
	page("/device/approved", p.donePage(approved))
	page("/device/denied", p.donePage(denied))
	page("/device/problem", p.problemPage)
	page("/device/assets/{name}", func(w http.ResponseWriter, r *http.Request) {
		if !p.assets.serve(w, r, chi.URLParam(r, "name")) {
			p.outage(w, r, http.StatusNotFound, "not_found")
		}
	})
	r.NotFound(func(w http.ResponseWriter, r *http.Request) { p.outage(w, r, http.StatusNotFound, "not_found") })
	r.MethodNotAllowed(func(w http.ResponseWriter, r *http.Request) {
		p.outage(w, r, http.StatusMethodNotAllowed, "method_not_allowed")
	})
	return p.guarded(r)
}

// own lets only forms of our own pages through, and reads them.
func (p *Pages) own(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		err := p.edge.FromOwnPage(r)
		if err == nil {
			err = readForm(r)
		}
		if err != nil {
			p.fail(w, r, p.recall(r), err, noAllowance)
			return
		}
		h(w, r)
	}
}

// redirect answers with another of our pages.
func (p *Pages) redirect(w http.ResponseWriter, r *http.Request, below string) {
	http.Redirect(w, r, p.root+below, http.StatusSeeOther)
}

// initiate is the address that takes a browser to its identity provider.
func (p *Pages) initiate(code string, more ...string) string {
	q := url.Values{"user_code": {code}}
	for i := 0; i+1 < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	return p.edge.Public(connection.Canonical.Prefix()+"/oauth/device/sso-initiate") + "?" + q.Encode()
}

// shut shows a page that says so if nobody can sign in here, and reports it.
func (p *Pages) shut(ctx context.Context, w http.ResponseWriter, r *http.Request) bool {
	switch {
	case !p.edition.SSO(ctx):
		p.show(w, r, http.StatusOK, pageProblem, view{
			State: "closed", Problem: "sso_unavailable", Title: "problem.sso_unavailable.title",
			Body: problemBody{Code: "sso_unavailable", Icon: iconOf("sso_unavailable")},
		})
	case len(p.connections.All()) == 0:
		p.show(w, r, http.StatusOK, pageProblem, view{
			State: "closed", Problem: "no_connection", Title: "problem.no_connection.title",
			Body: problemBody{Code: "no_connection", Icon: iconOf("no_connection")},
		})
	default:
		return false
	}
	return true
}
