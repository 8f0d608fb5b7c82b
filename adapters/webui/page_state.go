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

// pageState is what one browser keeps between two requests. It decides which
// page is shown, never whether something is allowed.
type pageState struct {
	Code     string `json:"c,omitempty"` // the user code that the browser is about
	Client   string `json:"a,omitempty"` // client_id of the device, if the code was looked up
	Entered  bool   `json:"g,omitempty"` // it was sent by the form on the first page
	ByHand   bool   `json:"h,omitempty"` // it was typed, not carried by a link
	Typed    string `json:"t,omitempty"` // content of the code field
	Linked   bool   `json:"k,omitempty"` // a link put it there
	Until    int64  `json:"u,omitempty"` // when the code expires
	Hint     string `json:"m,omitempty"` // e-mail address to sign in with
	Fresh    bool   `json:"f,omitempty"` // the identity provider should ask again
	Redirect bool   `json:"l,omitempty"` // the next visit to /redirect goes on by itself, once
	Notice   string `json:"n,omitempty"` // what to say on the next page
	Problem  string `json:"p,omitempty"` // code of the refusal
	Reason   string `json:"s,omitempty"` // finer code of the refusal, if any
	Ref      string `json:"r,omitempty"` // request id of the refused request
	Wait     int64  `json:"w,omitempty"` // when to try again
	Retry    string `json:"y,omitempty"` // page, below the root, on which to try again
	Outcome  string `json:"o,omitempty"` // approved, denied or undone
	Managing bool   `json:"v,omitempty"` // the sign-in is for the sessions page: there is no code
	Ended    int    `json:"e,omitempty"` // number of devices whose access was ended just now
}

const (
	pageStateCookie = "device_page"
	pageStateLife   = 15 * time.Minute
	pageStateMax    = 2048
	typedMax        = 64
	waitMax         = 24 * time.Hour
	// probeCookie comes with the first page. A browser that follows a link on
	// that page without any cookie of ours accepts none.
	probeCookie = "device_cookies"
)

// The outcomes and notices.
const (
	approved      = "approved"
	denied        = "denied"
	undone        = "undone"
	left          = "left"           // the person signed out of this browser
	noMatch       = "no_match"       // no connection speaks for that e-mail address
	badEmail      = "bad_email"      // it is no e-mail address
	noCode        = "no_code"        // the link held a user code that is none
	otherAccount  = "other_account"  // the person wants to use another account
	sameAccount   = "same_account"   // the person signs in anew with the same account
	tooLate       = "too_late"       // to undo the approval
	typedMismatch = "typed_mismatch" // another code was typed at the decision
	typedMissing  = "typed_missing"  // none was
	confirmAll    = "confirm_all"    // ask before the access of all devices is ended
)

var (
	problemForm = regexp.MustCompile(`^[a-z][a-z_]{0,63}$`)
	// referenceForm is the form of request ids. A forged link could carry
	// anything, so the form leaves no room for words or a telephone number.
	referenceForm = regexp.MustCompile(`^([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{16,64})$`)
)

// readState reads the browser's state. A field that was not written by
// [base.writeState] is dropped.
func (p *base) readState(r *http.Request) (state pageState) {
	value := p.readCookie(r, pageStateCookie)
	if value == "" || len(value) > pageStateMax {
		return pageState{}
	}
	raw, err := base64.RawURLEncoding.DecodeString(value)
	if err != nil || json.Unmarshal(raw, &state) != nil {
		return pageState{}
	}
	return state.valid(p.deps.Now())
}

// valid keeps the fields of the state that have a possible value.
func (state pageState) valid(at time.Time) pageState {
	if code, err := device.ParseUserCode(state.Code); err == nil {
		state.Code, state.Managing = code.String(), false
	} else {
		state.Code, state.Entered, state.ByHand, state.Until, state.Outcome = "", false, false, 0, ""
		state.Redirect, state.Fresh = state.Redirect && state.Managing, state.Fresh && state.Managing
	}
	state.Typed = clean(state.Typed)
	if email, err := identity.ParseEmail(state.Hint); err == nil {
		state.Hint = email.String()
	} else {
		state.Hint = ""
	}
	if !problemForm.MatchString(state.Problem) {
		state.Problem = ""
	}
	if !problemForm.MatchString(state.Reason) {
		state.Reason = ""
	}
	if !referenceForm.MatchString(state.Ref) {
		state.Ref = ""
	}
	if pagePath(state.Retry) == "" {
		state.Retry = ""
	}
	state.Ended = min(max(state.Ended, 0), 1_000_000)
	state.Until = bounded(state.Until, at)
	state.Wait = bounded(state.Wait, at)
	return state
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

// writeState writes the cookie. It is Lax, because the browser comes back from
// the identity provider's site, and is sent to the pages only.
func (p *base) writeState(w http.ResponseWriter, state pageState) {
	raw, err := json.Marshal(state)
	if err != nil {
		return // it has only strings, numbers and booleans
	}
	p.setCookie(w, pageStateCookie, base64.RawURLEncoding.EncodeToString(raw), pageStateLife)
}

// setCookie writes a cookie for the path at which the pages are served. A life
// of zero ends with the browser's session.
func (p *base) setCookie(w http.ResponseWriter, name, value string, life time.Duration) {
	p.deps.Cookies.Set(w, p.cookie(name, life), value)
}

func (p *base) readCookie(r *http.Request, name string) string {
	return p.deps.Cookies.Read(r, p.cookie(name, 0))
}

func (p *base) cookie(name string, life time.Duration) httpserver.Cookie {
	return httpserver.Cookie{Name: name, Path: p.root, Life: life}
}
