package acsui

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"net/http"
	"time"

	"github.com/devicegate/devicegate/application"
)

var (
	//go:embed page.html
	pageText string
	//go:embed style.css
	style string
)

var pages = template.Must(template.New("").Funcs(template.FuncMap{
	"style":   func() template.CSS { return template.CSS(style) },
	"time":    moment,
	"refused": refused,
}).Parse(pageText))

// policy allows our own style, and nothing from anywhere. It leaves form-action out
// because browsers apply that to the redirect to the identity provider, too.
var policy = "default-src 'none'; style-src " + hash(style) + "; base-uri 'none'; frame-ancestors 'none'"

func hash(of string) string {
	sum := sha256.Sum256([]byte(of))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

func moment(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.UTC().Format("2006-01-02 15:04 UTC")
}

// refused is the last failure on either callback.
func refused(s application.ACSState) string {
	last := s.Ledger.Legacy.Plus(s.Ledger.Canonical)
	if last.LastFailureAt.IsZero() {
		return "never"
	}
	return moment(last.LastFailureAt) + " (" + last.LastFailureReason + ")"
}

func show(w http.ResponseWriter, status int, page string, view any) error {
	var b bytes.Buffer
	if err := pages.ExecuteTemplate(&b, page, view); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = b.WriteTo(w)
	return nil
}
