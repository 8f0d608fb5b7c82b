package application

import (
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/quota"
)

// ErrSignInFirst is [quota.ErrExceeded] where too many wrong user codes were tried
// by others: a person who signs in first can still type the code ([EnterCode]).
var ErrSignInFirst = quota.ErrExceeded.OnPage("sign_in_first")

// allow turns a limiter's answer into a refusal. If the limiter cannot count,
// the request passes.
func allow(a quota.Allowance, err error) (quota.Allowance, error) {
	if err != nil {
		return quota.Allowance{}, nil
	}
	return a, a.Check()
}

// byPerson is the key under which a person's tries are counted.
func byPerson(subject identity.Subject) string {
	return subject.Issuer() + " " + subject.Email().String()
}
