// Package bench measures the hot paths: the real service, built by bootstrap in
// a process of its own, against a ceiling program in another one. The ceiling is
// the least program that could do the same: chi, the same parsing, the one store
// call that cannot be avoided, nothing else.
//
//	task bench                              five rounds at 1, 16 and 64 connections
//	task bench -- -short                    what CI runs: less than a minute
//	task bench -- -only poll -rounds 9      some operations, more rounds
//	task bench -- -long                     the growth table up to a million rows
//	task bench -- -long -run TestGrowth     that table alone, in ten minutes with -rounds 3
//	task bench -- -profile /tmp/profiles    CPU and allocation profiles of both programs, too
//
// It starts PostgreSQL and Redis as the tests do, listens on loopback only, and
// ends by itself: each measurement is bounded in time (-time) and in requests.
//
// # How to read the table
//
// One line is one operation at one number of connections. All figures are
// medians over the rounds. In each round the service and the ceiling take turns,
// so that both see the same machine.
//
//	ours/s      requests a second of the service
//	ceiling/s   requests a second of the ceiling
//	ratio       the first divided by the second, round by round
//	cpu ratio   the ceiling's CPU time for a request divided by the service's: where
//	            the machine does other work, too, it is steadier than the ratio
//	p50, p99    half, and 99 of 100, of the service's answers come within
//	cpu         CPU time of the service's process per request; the ceiling's in brackets
//	allocs      heap allocations of the service per request; the ceiling's in brackets
//	sql         statements the service sends to PostgreSQL per request
//	trips       round trips these take, and those to Redis
//
// Ratios hold from machine to machine; absolute figures do not, because the load
// generator, both programs and the stores share the processors. Statements and
// trips are counted by a proxy in a pass of its own, one request at a time.
// SQLite has none: its calls stay in the process.
//
// The ceiling of a poll without hint and of a lookup asks PostgreSQL alone. With
// Redis the service asks there, too, because replicas share the interval and the
// limits: a second line compares with a ceiling that does the same. So does a second
// line of a start: its ceiling writes the device alone, without an audit event.
//
// # Revocations
//
//	task bench -- -run TestRevocations      how long a revoked token is accepted
//
// Two replicas revoke tokens in turns while 64 connections verify them at both,
// with Redis answering, stopped, restarting and hanging, and without Redis.
//
// Without -measure, `go test` sends each operation a few requests and checks
// that both programs give the expected answers. No test looks at a duration.
package bench
