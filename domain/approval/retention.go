package approval

import "time"

// retention is how long SSO transactions, grants and spent assertions are kept
// after they expired. A spent grant can undo its decision for minutes more, and
// the clocks of replicas may differ.
const retention = time.Hour

// DeletableBefore returns the time before which a transaction, a grant or a
// spent assertion has to have expired if it is to be deleted at the given time.
func DeletableBefore(at time.Time) time.Time { return at.Add(-retention) }
