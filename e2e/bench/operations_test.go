package bench

import (
	"fmt"
	"net/http"
)

// operation is one line of the table.
type operation struct {
	name   string
	stores string // a key of storeSets

	path    string // of the service
	ceiling string // path of the ceiling program
	request func(path string, n int) []byte
	status  int
	want    string // what the service's answer contains

	seed     func(s *seeder, n int) (first int) // nil: a request needs no row
	distinct int                                // keys in one measurement; 0: each request has its own
	requests int                                // at most, in one measurement; 0: -requests
	shared   bool                               // every measurement uses the same keys
	primed   bool                               // each key is sent once before the measurement
	consumes bool                               // a request uses its row up, in the ceiling too
}

const (
	onPostgres = "PostgreSQL"
	onRedis    = "PostgreSQL and Redis"
	onSQLite   = "SQLite"
)

const waiting = `"authorization_pending"`

func operations() []operation {
	hinted := poll(onRedis)
	hinted.name, hinted.ceiling = "poll, pending, hint", "/hinted"
	// A second poll of the same code within its interval takes the same way to
	// another error, so both errors are right here.
	hinted.want, hinted.distinct, hinted.primed = `"error"`, 2000, true

	hot := verify(onPostgres)
	hot.name, hot.ceiling = "verify, hot", "/hot"
	hot.distinct, hot.shared, hot.primed = 64, true, true

	return []operation{
		hinted, poll(onRedis), poll(onPostgres), poll(onSQLite),
		verify(onPostgres), hot,
		start(onPostgres), redeem(onPostgres), lookUp(onRedis),
		start(onSQLite), redeem(onSQLite),
		asked(poll(onRedis)), asked(lookUp(onRedis)), recorded(start(onPostgres)), recorded(start(onSQLite)),
	}
}

// asked is the same operation beside a ceiling that asks Redis, too.
func asked(op operation) operation {
	op.name, op.ceiling = op.name+" (ceiling asks Redis)", "/asked"+op.ceiling
	return op
}

// recorded is the same operation beside a ceiling that records an event, too.
func recorded(op operation) operation {
	op.name, op.ceiling = op.name+" (ceiling records)", "/recorded"+op.ceiling
	return op
}

func poll(stores string) operation {
	return operation{
		name: "poll, pending, no hint", stores: stores, path: pollPath, ceiling: "/poll",
		request: func(path string, n int) []byte { return pollRequest(path, deviceCode(n)) },
		status:  http.StatusBadRequest, want: waiting, seed: (*seeder).addCodes,
	}
}

func verify(stores string) operation {
	return operation{
		name: "verify, cold", stores: stores, path: verifyPath, ceiling: "/verify",
		request: func(path string, n int) []byte { return verifyRequest(path, accessToken(n)) },
		status:  http.StatusOK, want: `"subject_email"`, seed: (*seeder).addTokens,
	}
}

func start(stores string) operation {
	return operation{
		name: "start", stores: stores, path: startPath, ceiling: "/start",
		request: func(path string, n int) []byte { return startRequest(path, address(n)) },
		status:  http.StatusOK, want: `"device_code"`,
	}
}

func redeem(stores string) operation {
	return operation{
		name: "redeem", stores: stores, path: pollPath, ceiling: "/redeem",
		request: func(path string, n int) []byte { return pollRequest(path, deviceCode(n)) },
		status:  http.StatusOK, want: `"access_token"`, seed: (*seeder).addApproved,
		requests: 3000, consumes: true,
	}
}

func lookUp(stores string) operation {
	return operation{
		name: "lookup", stores: stores, path: lookUpPath, ceiling: "/lookup",
		request: func(path string, n int) []byte { return lookUpRequest(path, address(n), userCode(n)) },
		status:  http.StatusOK, want: `"valid":true`, seed: (*seeder).addCodes,
	}
}

// keys hands out the numbers of an operation's requests: each measurement has
// a block of its own, and a block is in no order that an index has.
type keys struct {
	op           operation
	first, block int
	blocks       int
	next         int
}

// seeded puts rows for n measurements of each program into w.
func seeded(w *fixture, op operation, n, requests int) *keys {
	k := &keys{op: op, block: op.distinct, blocks: n}
	if k.block == 0 {
		k.block = op.limit(requests)
	}
	if op.shared {
		k.blocks = 1
	}
	if op.consumes {
		k.blocks *= 2
	}
	if op.seed != nil {
		k.first = op.seed(w.seed, k.blocks*k.block)
		w.seed.settle()
	} else {
		k.first = w.addresses
		w.addresses += k.blocks * k.block
	}
	return k
}

func (o operation) limit(requests int) int {
	if o.requests > 0 {
		return min(o.requests, requests)
	}
	return requests
}

// take returns the next block as a function from a request's number to its key.
func (k *keys) take() func(n int) int {
	at := k.next % k.blocks * k.block
	k.next++
	return func(n int) int { return k.first + shuffled(at+n%k.block, k.blocks*k.block) }
}

func (o operation) String() string { return fmt.Sprintf("%s, %s", o.name, o.stores) }
