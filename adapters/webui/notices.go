package webui

import (
	"bytes"
	"fmt"
	"html/template"
	"net/url"
	"strings"
	"sync"
	texttemplate "text/template"
	"unicode"

	"golang.org/x/text/language"

	"github.com/devicegate/devicegate/domain/notice"
	"github.com/devicegate/devicegate/ports"
)

// NoticeWriter words the mails that tell people of their devices, with the
// sentences and the brand of the pages. It is a [ports.NoticeWriter].
type NoticeWriter struct {
	brand    string
	sessions string
	locales  []locale
	matcher  language.Matcher
}

// NewNoticeWriter makes a writer whose mails link to the page of one's own
// devices below the public URL.
func NewNoticeWriter(cfg Config, public *url.URL) *NoticeWriter {
	w := &NoticeWriter{brand: cfg.Brand.Name, locales: loadedLocales()}
	if w.brand == "" {
		w.brand = "devicegate"
	}
	if public != nil {
		w.sessions = strings.TrimRight(public.String(), "/") + "/device/sessions"
	}
	w.matcher = newMatcher(w.locales)
	return w
}

// mailTemplates are the two forms of a mail in one language.
type mailTemplates struct {
	html *template.Template
	text *texttemplate.Template
}

// parsedMail are the mails in all languages; they are parsed once in a process.
var parsedMail = sync.OnceValue(func() (parsed []mailTemplates) {
	for _, l := range loadedLocales() {
		parsed = append(parsed, mailTemplates{
			template.Must(template.New("mail.html").Funcs(template.FuncMap{"t": l.html}).ParseFS(templateFiles, "templates/mail.html")),
			texttemplate.Must(texttemplate.New("mail.txt").Funcs(texttemplate.FuncMap{"t": l.text}).ParseFS(templateFiles, "templates/mail.txt")),
		})
	}
	return parsed
})

// mailData is everything that the templates can use.
type mailData struct {
	Locale   locale
	Brand    string
	Title    string
	Lead     string // key
	Ended    bool
	Client   string
	Device   string
	From     string // address; empty: not known
	At       string // in UTC
	Sessions string // URL of the page of one's own devices
}

// Write implements [ports.NoticeWriter]. Nothing that the sender of a request has
// chosen stands in the subject.
func (w *NoticeWriter) Write(n notice.Notice) (ports.Mail, error) {
	_, i := language.MatchStrings(w.matcher, n.Language)
	l, what := w.locales[i], "connected"
	if n.Kind == notice.DeviceEnded {
		what = "ended"
	}
	d := mailData{
		Locale: l, Brand: oneLine(w.brand), Lead: "mail." + what + ".lead", Ended: what == "ended",
		Client: withoutLinks(labelOf(n.Client).Text), Device: withoutLinks(labelOf(n.Label).Text),
		At: n.At.UTC().Format("2006-01-02 15:04 UTC"), Sessions: w.sessions,
	}
	d.Title = l.text("mail." + what + ".title")
	if n.From.IsValid() {
		d.From = n.From.Unmap().String()
		if where := l.whereText(n.Place); where != "" {
			d.From += " (" + withoutLinks(where) + ")"
		}
	}
	var html, text bytes.Buffer
	if err := parsedMail()[i].html.Execute(&html, d); err != nil {
		return ports.Mail{}, fmt.Errorf("mail: %w", err)
	}
	if err := parsedMail()[i].text.Execute(&text, d); err != nil {
		return ports.Mail{}, fmt.Errorf("mail: %w", err)
	}
	return ports.Mail{
		ID: n.Event.String() + "." + string(n.Kind), To: n.To, Language: l.Tag(),
		Subject: l.text("mail.subject", "title", d.Title, "brand", d.Brand), Text: text.String(), HTML: html.String(),
	}, nil
}

// oneLine drops line ends and everything else that no glyph stands for.
func oneLine(text string) string {
	return strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return ' '
		}
		return r
	}, text)), " ")
}

// withoutLinks keeps mail programs from making links of a name that a stranger may
// have chosen: a blank without width follows what links are recognised by. Line
// ends and characters that reorder text are dropped.
func withoutLinks(text string) string {
	var b strings.Builder
	for _, r := range oneLine(text) {
		b.WriteRune(r)
		if strings.ContainsRune(".:/@", r) {
			b.WriteRune('\u200b')
		}
	}
	return b.String()
}
