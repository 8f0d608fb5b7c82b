package guard

import (
	"container/list"
	"crypto/sha256"
	"time"
)

// digest is the SHA-256 of a token: no token is kept.
type digest [sha256.Size]byte

// cache keeps answers. Active ones and the others have room of their own, so
// that made-up tokens do not displace real ones. It is guarded by its user.
type cache struct {
	maxAge, negativeMaxAge, outageMaxAge time.Duration
	active, inactive                     *lru
}

// entry is an answer and when the question was sent.
type entry struct {
	of     digest
	asked  time.Time
	answer answer
	// tried is when the server was last asked in vain during an outage.
	tried time.Time
}

// retryPause is how long an answer is used during an outage before the server
// is asked again: requests must not all wait for a server that is down.
const retryPause = time.Second

func newCache(c Config) *cache {
	return &cache{
		maxAge: c.MaxAge, negativeMaxAge: c.NegativeMaxAge, outageMaxAge: c.OutageMaxAge,
		active: newLRU(c.MaxEntries), inactive: newLRU(c.MaxEntries),
	}
}

// fresh returns an answer for which the server need not be asked.
func (c *cache) fresh(of digest, now time.Time) (answer, bool) {
	if e := c.inactive.get(of); e != nil && within(now, e.asked, c.negativeMaxAge) {
		return e.answer, true
	}
	e := c.active.get(of)
	if e == nil {
		return answer{}, false
	}
	paused := !e.tried.IsZero() && within(now, e.tried, retryPause) && within(now, e.asked, c.outageMaxAge)
	return e.answer, paused || within(now, e.asked, c.maxAge)
}

// stale returns an active answer that may be used because the server cannot be
// asked, and notes that it was tried now.
func (c *cache) stale(of digest, now time.Time) (answer, bool) {
	e := c.active.get(of)
	if e == nil || !within(now, e.asked, c.outageMaxAge) {
		return answer{}, false
	}
	e.tried = now
	return e.answer, true
}

// keep stores an answer, unless a later question has been answered meanwhile.
// An answer that the token is not active ends the active one for good.
func (c *cache) keep(of digest, asked time.Time, a answer) {
	for _, l := range []*lru{c.active, c.inactive} {
		if e := l.get(of); e != nil && e.asked.After(asked) {
			return
		}
	}
	c.active.remove(of)
	c.inactive.remove(of)
	switch e := (&entry{of: of, asked: asked, answer: a}); {
	case a.active && c.maxAge > 0:
		c.active.put(e)
	case !a.active:
		c.inactive.put(e) // also if it will not be used: older answers must not come after it
	}
}

// within reports whether now is less than bound after since, by the monotonic
// and by the wall clock: the former can stand still while a machine sleeps, the
// latter can be set back.
func within(now, since time.Time, bound time.Duration) bool {
	return now.Sub(since) < bound && now.Round(0).Sub(since.Round(0)) < bound
}

// lru keeps the entries used last.
type lru struct {
	max   int
	order *list.List // of *entry, the one used last in front
	byKey map[digest]*list.Element
}

func newLRU(size int) *lru {
	return &lru{max: size, order: list.New(), byKey: map[digest]*list.Element{}}
}

func (l *lru) get(of digest) *entry {
	at, ok := l.byKey[of]
	if !ok {
		return nil
	}
	l.order.MoveToFront(at)
	return at.Value.(*entry)
}

func (l *lru) put(e *entry) {
	l.byKey[e.of] = l.order.PushFront(e)
	if l.order.Len() > l.max {
		l.remove(l.order.Back().Value.(*entry).of)
	}
}

func (l *lru) remove(of digest) {
	if at, ok := l.byKey[of]; ok {
		l.order.Remove(at)
		delete(l.byKey, of)
	}
}
