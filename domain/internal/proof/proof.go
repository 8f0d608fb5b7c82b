// Package proof holds what the approval package shows to the device package: that
// a person who has signed in decides about an authorization, or takes a decision
// back.
//
// The package is internal to the domain, so that use cases and adapters cannot
// make a proof themselves: they get it from a grant that they have spent.
package proof

import (
	"time"

	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/uid"
)

// Verdict is what a person decides.
type Verdict string

// The verdicts.
const (
	Approve Verdict = "approve"
	Deny    Verdict = "deny"
)

// Decision proves that a grant for an authorization was spent on a verdict.
type Decision struct {
	claim
	verdict    Verdict
	connection string
}

// Undo proves that the person who decided takes the decision back in time.
type Undo struct{ claim }

// claim names the authorization, the person and the time.
type claim struct {
	authorization uid.ID
	subject       identity.Subject
	at            time.Time
}

// NewDecision is for package approval, which has spent the grant.
func NewDecision(verdict Verdict, authorization uid.ID, subject identity.Subject, connection string, at time.Time) Decision {
	return Decision{claim{authorization, subject, at}, verdict, connection}
}

// NewUndo is for package approval, which has checked the undo token.
func NewUndo(authorization uid.ID, subject identity.Subject, at time.Time) Undo {
	return Undo{claim{authorization, subject, at}}
}

// Verdict is what was decided.
func (d Decision) Verdict() Verdict { return d.verdict }

// Connection is the slug of the connection through which the person signed in.
func (d Decision) Connection() string { return d.connection }

// Authorization is the one that the proof is about.
func (c claim) Authorization() uid.ID { return c.authorization }

// Subject is the person who signed in.
func (c claim) Subject() identity.Subject { return c.subject }

// At is the time of the decision or of the undo.
func (c claim) At() time.Time { return c.at }
