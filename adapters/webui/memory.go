package webui

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/devicegate/devicegate/adapters/httpserver"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/identity"
)

// memory is what the pages know of one browser between two requests: which page
// to show, never whether somebody may do something.
type memory struct {
	Code    string `json:"c,omitempty"` // the user code that the browser is about
	Entered bool   `json:"g,omitempty"` // it was sent by the form on the first page
	ByHand  bool   `json:"h,omitempty"` // it was typed, not carried by a link
	Typed   string `json:"t,omitempty"` // what stands in the field
	Until   int64  `json:"u,omitempty"` // when the code runs out
	Hint    string `json:"m,omitempty"` // e-mail address to sign in with
	Fresh   bool   `json:"f,omitempty"` // the person wants to sign in as somebody else
	Leaving bool   `json:"l,omitempty"` // the way to the identity provider is open, once
	Notice  string `json:"n,omitempty"` // what to say above the choice
	Problem string `json:"p,omitempty"` // what went wrong
	Reason  string `json:"s,omitempty"` // what exactly, where that helps
	Ref     string `json:"r,omitempty"` // what the log calls the request in which it did
	Wait    int64  `json:"w,omitempty"` // when to try again
	Outcome string `json:"o,omitempty"` // how it ended
	Visit   bool   `json:"v,omitempty"` // the code is that of a visit: no device shows it
	Ended   int    `json:"e,omitempty"` // how many devices were locked out just now
}

const (
	memoryCookie = "device_page"
	memoryLife   = 15 * time.Minute
	memoryMax    = 2048
	typedMax     = 64
	waitMax      = 24 * time.Hour
)

// The outcomes and notices.
const (
	approved      = "approved"
	denied        = "denied"
	undone        = "undone"
	noMatch       = "no_match"       // nobody is known to speak for that address
	badEmail      = "bad_email"      // it is no address
	otherAccount  = "other_account"  // the person wants to be somebody else
	tooLate       = "too_late"       // the minutes in which an approval can be taken back are over
	typedMismatch = "typed_mismatch" // what was typed at the decision is another code
)

var (
	problemForm = regexp.MustCompile(`^[a-z][a-z_]{0,63}$`)
	// referenceForm is what request ids look like. A link that somebody sends
	// could carry anything, so there is no room in it for words or a telephone
	// number.
	referenceForm = regexp.MustCompile(`^([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{16,64})$`)
)

// recall reads what the browser holds. Whatever is not as it was written is
// forgotten.
func (p *Pages) recall(r *http.Request) (m memory) {
	value := p.readCookie(r, memoryCookie)
	if value == "" || len(value) > memoryMax {
		return memory{}
	}
	raw, err := base64.RawURLEncoding.DecodeString(value)
	if err != nil || json.Unmarshal(raw, &m) != nil {
		return memory{}
	}
	return m.valid(p.deps.Now())
}

// valid keeps of m what can be.
func (m memory) valid(at time.Time) memory {
	if code, err := device.ParseUserCode(m.Code); err == nil {
		m.Code = code.String()
	} else {
		m.Code, m.Entered, m.ByHand, m.Until, m.Leaving, m.Outcome, m.Visit, m.Fresh = "", false, false, 0, false, "", false, false
	}
	m.Typed = clean(m.Typed)
	if email, err := identity.ParseEmail(m.Hint); err == nil {
		m.Hint = email.String()
	} else {
		m.Hint = ""
	}
	if !problemForm.MatchString(m.Problem) {
		m.Problem = ""
	}
	if !problemForm.MatchString(m.Reason) {
		m.Reason = ""
	}
	if !referenceForm.MatchString(m.Ref) {
		m.Ref = ""
	}
	m.Ended = min(max(m.Ended, 0), 1_000_000)
	m.Until = bounded(m.Until, at)
	m.Wait = bounded(m.Wait, at)
	return m
}

// clean bounds what goes back into a field.
func clean(text string) string {
	text = strings.Map(func(r rune) rune {
		if unprintable(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	if runes := []rune(text); len(runes) > typedMax {
		return string(runes[:typedMax])
	}
	return text
}

func bounded(unix int64, at time.Time) int64 {
	if t := time.Unix(unix, 0); t.Before(at.Add(-waitMax)) || t.After(at.Add(waitMax)) {
		return 0
	}
	return unix
}

// remember writes the cookie. It is Lax, for the browser comes back from the
// identity provider's site, and goes to no other path.
func (p *Pages) remember(w http.ResponseWriter, m memory) {
	raw, err := json.Marshal(m)
	if err != nil {
		return // it has only strings, numbers and truths
	}
	p.setCookie(w, memoryCookie, base64.RawURLEncoding.EncodeToString(raw), memoryLife)
}

func (p *Pages) cookie(name string, life time.Duration) httpserver.Cookie {
	return httpserver.Cookie{Name: name, Path: p.root, Life: life}
}

func (p *Pages) readCookie(r *http.Request, name string) string {
	return p.deps.Cookies.Read(r, p.cookie(name, 0))
}

func (p *Pages) setCookie(w http.ResponseWriter, name, value string, life time.Duration) {
	p.deps.Cookies.Set(w, p.cookie(name, life), value)
}
