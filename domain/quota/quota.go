// Package quota says how often somebody may try something.
//
// A [Limit] is the rule; a limiter outside counts; an [Allowance] is what is
// left. Counting is by fixed windows that begin with the first try.
package quota

import (
	"net/netip"
	"time"

	"github.com/devicegate/devicegate/domain/fault"
)

// ErrExceeded refuses a try that came too often. Its [Allowance] says when to
// come back.
var ErrExceeded = fault.New(fault.RateLimited, "rate_limited", "Too many attempts. Wait a while, then try again.")

// Limit allows Max tries in each window of length Per. A Max of 0 allows all.
type Limit struct {
	Name string // of the bucket; part of the counter's key
	Max  int
	Per  time.Duration
	// Shared says that one counter stands for everybody, so that a limiter with
	// too little room must not forget it for the sake of others.
	Shared bool
}

// The limits of the wire contract, §2 and §3.
var (
	StartDevice        = Limit{Name: "start_device", Max: 60, Per: time.Hour}
	LookUpDevice       = Limit{Name: "look_up_device", Max: 60, Per: 5 * time.Minute}
	InitiateSSO        = Limit{Name: "initiate_sso", Max: 60, Per: time.Hour}
	Decide             = Limit{Name: "decide", Max: 10, Per: time.Hour}
	StartAccountSignIn = Limit{Name: "begin_visit", Max: 60, Per: time.Hour}
	// FailedSignIns bounds what is kept for auditors of one trip or address.
	FailedSignIns = Limit{Name: "failed_sign_ins", Max: 10, Per: time.Hour}
)

// Configured are the limits that an operator may set.
type Configured struct {
	// WrongUserCodes bounds the guesses of the whole world: 39 bits stand
	// against so many an hour.
	WrongUserCodes Limit
	// PerToken bounds the requests made with one token.
	PerToken Limit
}

// Configure names the configured limits: wrong user codes an hour, requests a
// minute and token (0: any number).
func Configure(wrongUserCodes, perToken int) Configured {
	return Configured{
		WrongUserCodes: Limit{Name: "wrong_user_codes", Max: wrongUserCodes, Per: time.Hour, Shared: true},
		PerToken:       Limit{Name: "per_token", Max: perToken, Per: time.Minute},
	}
}

// Allowance is what is left of a [Limit] after a try.
type Allowance struct {
	Limit     Limit
	Remaining int
	Reset     time.Duration // until the window ends
	Exceeded  bool
}

// Check returns [ErrExceeded] if the try came too often.
func (a Allowance) Check() error {
	if a.Exceeded {
		return ErrExceeded
	}
	return nil
}

// IsZero reports whether nothing was counted.
func (a Allowance) IsZero() bool { return a.Limit.Max == 0 }

// ByAddress is the key by which an address is counted: itself, or the /64 that
// one customer gets of IPv6.
func ByAddress(ip netip.Addr) string {
	ip = ip.Unmap().WithZone("")
	if ip.Is6() {
		p, _ := ip.Prefix(64)
		return p.String()
	}
	return ip.String()
}
