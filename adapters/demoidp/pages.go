package demoidp

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"net/http"

	"github.com/crewjam/saml"
)

var (
	//go:embed pages.html
	pagesText string
	//go:embed style.css
	style string
)

// submitScript sends the answer on; without scripts there is the button.
const submitScript = `document.forms[0].submit()`

var pages = template.Must(template.New("").Funcs(template.FuncMap{
	"style":  func() template.CSS { return template.CSS(style) },
	"script": func() template.JS { return submitScript },
}).Parse(pagesText))

// policy allows the page's own style and script, and nothing from anywhere. It
// leaves form-action out: the answer goes to another site.
var policy = "default-src 'none'; style-src " + hash(style) + "; script-src " + hash(submitScript) +
	"; base-uri 'none'; frame-ancestors 'none'"

func hash(of string) string {
	sum := sha256.Sum256([]byte(of))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// view is what a page shows.
type view struct {
	Base      string // path of the identity provider
	Users     []User
	Password  string
	Request   string // name of the pending request
	Service   string // that asks
	User      User   // with a session; zero: none
	Complaint string
	Form      saml.IdpAuthnRequestForm
}

func (idp *IdP) show(w http.ResponseWriter, status int, page string, v view) {
	v.Base, v.Users, v.Password = idp.base.Path, idp.users, Password
	var b bytes.Buffer
	if err := pages.ExecuteTemplate(&b, page, v); err != nil {
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = b.WriteTo(w)
}
