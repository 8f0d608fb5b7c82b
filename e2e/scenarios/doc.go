// Package scenarios plays what happens to a service that is kept for years, while
// people log in: real processes over HTTP on loopback, a real SAML identity
// provider, PostgreSQL and Redis. Each scenario prints what it lost, which has to be
// nothing:
//
//	task scenarios                     all of them, at length
//	task scenarios -- -run Redis       one
//	task scenarios -- -rate 400        under more load
//	task scenarios:million             a million logins and their sweeps
//
// Without -long, `go test` plays a short version. What is asserted is what came of
// requests, logins, jobs and events; no test looks at a duration. Durations are
// printed, for docs/operate/runbooks.md.
//
// # What counts as lost
//
//	rolling restart   a request that was not answered as it should be
//	killed worker     an expiry that was not recorded, or more than once
//	Redis stopped     a request or a login that failed
//	PostgreSQL gone   an answered code, an approval or a token that is unknown
//	                  afterwards; a refusal that was not a 503 with Retry-After
//	failed over       as PostgreSQL gone
//	full disk         as PostgreSQL gone; and what was refused but changed something
//	webhook           an audit event that does not arrive, or before an earlier one
//	                  of the same person
//	many logins       a row that is still there after the sweeps, a request beside
//	                  them that failed
//	backup            of what was there when the backup began: a token that does not
//	                  work, a login that cannot be finished, an event
package scenarios
