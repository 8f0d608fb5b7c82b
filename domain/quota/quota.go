// Package quota says how often something may be tried.
//
// A [Limit] is the rule, a limiter outside counts, and an [Allowance] is what is
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
	// Shared says that all callers share one counter. A limiter that runs out of
	// room drops other counters first.
	Shared bool
}

// The limits of the wire contract, §2 and §3.
var (
	StartDevice  = Limit{Name: "start_device", Max: 60, Per: time.Hour}
	LookUpDevice = Limit{Name: "look_up_device", Max: 60, Per: 5 * time.Minute}
	InitiateSSO  = Limit{Name: "initiate_sso", Max: 60, Per: time.Hour}
	// Approve bounds the approvals of one person. Denying has no limit.
	Approve            = Limit{Name: "decide", Max: 10, Per: time.Hour}
	StartAccountSignIn = Limit{Name: "account_sign_in", Max: 60, Per: time.Hour}
	// EnterCode bounds the wrong user codes of one person who has signed in.
	EnterCode = Limit{Name: "enter_code", Max: 20, Per: time.Hour}
	// FailedSignIns bounds the audit rows of one SSO transaction or address.
	FailedSignIns = Limit{Name: "failed_sign_ins", Max: 10, Per: time.Hour}
	// AdminRequests bounds the requests of one administrator.
	AdminRequests = Limit{Name: "admin_requests", Max: 600, Per: time.Minute}
	// AdminRefusals bounds the requests without an administrator's token of one
	// address. A valid token is never refused by it.
	AdminRefusals = Limit{Name: "admin_refusals", Max: 60, Per: time.Minute}
)

// Configured are the limits that an operator may set.
type Configured struct {
	// WrongUserCodes bounds the wrong user codes of all addresses together, in an
	// hour. A user code has 39 random bits.
	WrongUserCodes Limit
	// WrongUserCodesPerNetwork is the share of WrongUserCodes that one customer's
	// network ([ByNetwork]) can use up.
	WrongUserCodesPerNetwork Limit
	// StartsOfNetwork is how many codes started in one network are a burst. It
	// refuses nothing.
	StartsOfNetwork Limit
	// PerToken bounds the requests made with one token.
	PerToken Limit
	// Introspections bounds the introspections of one resource server.
	Introspections Limit
}

// Introspections allows each resource server max introspections in a minute; 0
// allows any number.
func Introspections(max int) Limit {
	return Limit{Name: "introspections", Max: max, Per: time.Minute}
}

// StartsOfNetwork takes more than max starts of one network in ten minutes for a
// burst; 0 takes none for one.
func StartsOfNetwork(max int) Limit {
	return Limit{Name: "starts_of_network", Max: max, Per: 10 * time.Minute}
}

const (
	// networkShare is the part of the budget that one network can use up.
	networkShare = 10
	// leastShare is the least share of a network: as many codes as one address may
	// look up within one window anyway.
	leastShare = 60
)

// Configure makes the limits of an installation that allows wrongUserCodes in an
// hour and perToken requests with one token in a minute; 0 allows any number.
func Configure(wrongUserCodes, perToken int) Configured {
	share := min(wrongUserCodes, max(wrongUserCodes/networkShare, leastShare))
	return Configured{
		WrongUserCodes:           Limit{Name: "wrong_user_codes", Max: wrongUserCodes, Per: time.Hour, Shared: true},
		WrongUserCodesPerNetwork: Limit{Name: "wrong_user_codes_network", Max: share, Per: time.Hour},
		PerToken:                 Limit{Name: "per_token", Max: perToken, Per: time.Minute},
		Introspections:           Introspections(60_000),
		StartsOfNetwork:          StartsOfNetwork(100),
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

// ByAddress is the key by which an address is counted: the IPv4 address itself,
// or the /64 of an IPv6 address, within which a host chooses addresses freely.
func ByAddress(ip netip.Addr) string { return prefix(ip, 64) }

// ByNetwork is the key by which a customer's network is counted: the IPv4
// address itself, or the /48 of an IPv6 address, which is the largest allotment
// that one customer usually gets (RFC 6177).
func ByNetwork(ip netip.Addr) string { return prefix(ip, 48) }

func prefix(ip netip.Addr, bits int) string {
	ip = ip.Unmap().WithZone("")
	if ip.Is6() {
		p, _ := ip.Prefix(bits)
		return p.String()
	}
	return ip.String()
}
