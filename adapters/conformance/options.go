package conformance

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Options say what to check and how.
type Options struct {
	Target        string // the issuer: where the server is reached
	ClientID      string // a client that the server knows
	OtherClientID string // another one; "" skips the rules about two clients

	// IntrospectionID and -Secret are a resource server's (RFC 7662 §2.1).
	IntrospectionID, IntrospectionSecret string

	HTTP *http.Client
	Now  func() time.Time
	Wait func(ctx context.Context, d time.Duration) error

	// Decide lets a person approve a login or deny it; it may return before
	// they have. Nil skips the rules that need one.
	Decide func(ctx context.Context, l Login, approve bool) error
	// Expire lets the time of a login run out. Nil skips the rule about it.
	Expire func(ctx context.Context, l Login) error
	// Progress is told each row as it is known. It may be nil.
	Progress func(Row)
}

// Login is a device authorization that waits.
type Login struct {
	UserCode        string
	VerificationURI string
	Complete        string
	ExpiresIn       time.Duration

	deviceCode string
	interval   time.Duration
	mount      *mount
}

var errTarget = errors.New("the target has to be an http(s) address without query and fragment")

// Run checks the rules one after the other. Its error is ctx's, or that of
// options that cannot be right.
func Run(ctx context.Context, o Options) (Report, error) {
	u, err := url.Parse(o.Target)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "" || u.Fragment != "" {
		return Report{}, errTarget
	}
	r := newRun(o, u)
	report := Report{Target: r.base, StartedAt: o.Now().UTC().Truncate(time.Second)}
	for _, v := range rules() {
		row := Row{ID: v.id, Clause: v.clause, Mount: v.mount, Rule: v.text}
		row.Result, row.Detail = result(v.check(ctx, r))
		if ctx.Err() != nil {
			return report, ctx.Err()
		}
		report.add(row)
		if o.Progress != nil {
			o.Progress(row)
		}
	}
	report.FinishedAt = o.Now().UTC().Truncate(time.Second)
	return report, nil
}

// rule is one clause of a standard and how to check it.
type rule struct {
	id, clause, mount, text string
	check                   func(ctx context.Context, r *run) error
}

// rules are all rules, in the order of a login. A token is ended by the last
// ones that need it.
func rules() []rule {
	var all []rule
	for _, part := range [][]rule{
		metadataRules(), canonicalRules(), standardRules(), bearerRules(), introspectionRules(), sessionRules(), revocationRules(), legacyRules(),
	} {
		all = append(all, part...)
	}
	return all
}

// skipped is an error that says why a rule does not apply.
type skipped string

func (s skipped) Error() string { return string(s) }

const (
	notOffered = skipped("not offered")
	noPerson   = skipped("needs a person to decide")
)

func result(err error) (Result, string) {
	var skip skipped
	switch {
	case err == nil:
		return Pass, ""
	case errors.As(err, &skip):
		return Skip, string(skip)
	}
	return Fail, strings.ToValidUTF8(err.Error(), "?")
}
