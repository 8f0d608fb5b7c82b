package bench

import (
	"net/http"
	"sync/atomic"
	"time"

	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/uid"
)

type ceilingStarted struct {
	DeviceCode      string `json:"device_code"`
	UserCode        string `json:"user_code"`
	VerificationURI string `json:"verification_uri"`
	Complete        string `json:"verification_uri_complete"`
	ExpiresIn       int    `json:"expires_in"`
	Interval        int    `json:"interval"`
}

func (c *ceiling) start(w http.ResponseWriter, r *http.Request) { c.startWith(w, r, "") }

// startRecorded also records the event that the audit demands.
func (c *ceiling) startRecorded(w http.ResponseWriter, r *http.Request) {
	c.startWith(w, r, uid.New(time.Now()).String())
}

func (c *ceiling) startWith(w http.ResponseWriter, r *http.Request, eventID string) {
	if _, ok := parsed(w, r); !ok {
		return
	}
	code, userCode := device.NewCode(), device.NewUserCode().String()
	row := newCode{uid.New(time.Now()).String(), hash(code.Reveal()), userCode, r.Header.Get("X-Forwarded-For")}
	if err := c.store.start(r.Context(), row, eventID); err != nil {
		fail(w, err)
		return
	}
	page := "http://127.0.0.1/device"
	replyJSON(w, ceilingStarted{code.Reveal(), userCode, page, page + "?user_code=" + userCode, 900, 5})
}

var minted atomic.Int64

func (c *ceiling) redeem(w http.ResponseWriter, r *http.Request) {
	code, ok := parsed(w, r)
	if !ok {
		return
	}
	secret := accessToken(redeemable + int(minted.Add(1)))
	t, err := c.store.redeem(r.Context(), hash(code), hash(secret), uid.New(time.Now()).String())
	if err != nil {
		fail(w, err)
		return
	}
	t.Secret = secret
	replyJSON(w, t)
}

// lifetime is that of the tokens the ceiling mints.
const lifetime = 14 * 24 * time.Hour
