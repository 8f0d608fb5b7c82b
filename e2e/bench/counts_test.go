package bench

import "testing"

// counts are per request. They are negative where there is no such store.
type counts struct{ statements, sqlTrips, redisTrips float64 }

// count sends some requests, one at a time, through the proxies. The first ones
// are not counted: connections are opened then, and scripts loaded.
func count(t *testing.T, w *fixture, op operation, k *keys) counts {
	t.Helper()
	const warm, n = 10, 20
	key := k.take()
	if op.primed {
		prime(t, w.counted, op, key, warm+n)
	}
	c, err := dial(w.counted.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.conn.Close() }()
	var before counts
	for i := range warm + n {
		if i == warm {
			before = w.total()
		}
		status, body, err := c.do(op.request(op.path, key(i)))
		if err != nil || status != op.status {
			t.Fatalf("%s: got %d and %s, %v, want %d", op, status, body, err, op.status)
		}
	}
	after := w.total()
	out := counts{-1, -1, -1}
	if w.sql != nil {
		out.statements = (after.statements - before.statements) / n
		out.sqlTrips = (after.sqlTrips - before.sqlTrips) / n
	}
	if w.redis != nil {
		out.redisTrips = (after.redisTrips - before.redisTrips) / n
	}
	return out
}

func (w *fixture) total() (c counts) {
	if w.sql != nil {
		c.statements, c.sqlTrips = float64(w.sql.statements.Load()), float64(w.sql.trips.Load())
	}
	if w.redis != nil {
		c.redisTrips = float64(w.redis.trips.Load())
	}
	return c
}
