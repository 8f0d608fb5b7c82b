package guard

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/devicegate/devicegate/guard/internal/tokenform"
)

// Guard verifies tokens. It is safe for concurrent use, and meant to be made
// once and shared: its cache is its own.
type Guard struct {
	server          introspector
	maxAge          time.Duration
	audience        string
	requireChecksum bool
	realm           string
	writeError      func(http.ResponseWriter, *http.Request, Refusal)
	log             *slog.Logger
	failing         atomic.Bool // the last call got no answer

	mu    sync.Mutex
	cache *cache
	calls map[digest]*call // under way
}

// call is a question to the server, for which several requests may wait.
type call struct {
	asked time.Time
	done  chan struct{} // closed when answer and err are set
	answer
	err error
}

// New returns a guard, or an error that lists everything that is wrong with c.
// It does not call the server.
func New(c Config) (*Guard, error) {
	c.setDefaults()
	if err := c.check(); err != nil {
		return nil, err
	}
	return &Guard{
		server: newIntrospector(c), maxAge: c.MaxAge, audience: c.Audience, requireChecksum: c.RequireChecksum,
		realm: c.Realm, writeError: c.WriteError, log: c.Logger,
		cache: newCache(c), calls: map[digest]*call{},
	}, nil
}

// Verify returns what the server says of token, for APIs that get it by other
// ways than HTTP. The error matches [ErrInvalidToken] or [ErrUnavailable], or
// is that of ctx.
func (g *Guard) Verify(ctx context.Context, token string) (Token, error) {
	if !tokenform.Valid(token) || g.requireChecksum && !tokenform.ChecksumHolds(token) {
		return Token{}, ErrInvalidToken
	}
	if err := ctx.Err(); err != nil {
		return Token{}, err
	}
	a, err := g.answer(ctx, token)
	switch {
	case err != nil:
		return Token{}, err
	case !a.active,
		!a.token.ExpiresAt.IsZero() && !time.Now().Before(a.token.ExpiresAt),
		g.audience != "" && !slices.Contains(a.token.Audience, g.audience):
		return Token{}, ErrInvalidToken
	}
	return a.token.clone(), nil
}

// answer returns a kept answer, or that of a call: one for all requests that
// come with the same token at the same time.
func (g *Guard) answer(ctx context.Context, token string) (answer, error) {
	of, now := digest(sha256.Sum256([]byte(token))), time.Now()
	g.mu.Lock()
	if a, ok := g.cache.fresh(of, now); ok {
		g.mu.Unlock()
		return a, nil
	}
	c := g.calls[of]
	// The answer of a call counts from its start, like a kept one.
	if c == nil || !within(now, c.asked, g.maxAge) {
		c = &call{asked: now, done: make(chan struct{})}
		g.calls[of] = c
		// The call outlives the request that began it: others may wait for it.
		go g.run(context.WithoutCancel(ctx), c, of, token)
	}
	g.mu.Unlock()
	select {
	case <-c.done:
	case <-ctx.Done():
		return answer{}, ctx.Err()
	}
	if isOutage(c.err) {
		g.mu.Lock()
		defer g.mu.Unlock()
		if a, ok := g.cache.stale(of, time.Now()); ok {
			return a, nil
		}
	}
	return c.answer, c.err
}

// run asks the server and ends c, even if the HTTP client panics.
func (g *Guard) run(ctx context.Context, c *call, of digest, token string) {
	c.err = &unavailable{reason: "the HTTP client did not return"}
	defer func() {
		_ = recover() // the panic's value may hold the token
		g.mu.Lock()
		if g.calls[of] == c {
			delete(g.calls, of)
		}
		if c.err == nil {
			g.cache.keep(of, c.asked, c.answer)
		}
		g.mu.Unlock()
		g.report(ctx, c.err)
		close(c.done)
	}()
	c.answer, c.err = g.server.ask(ctx, token)
}

// report logs when calls begin to fail and when they work again.
func (g *Guard) report(ctx context.Context, err error) {
	switch {
	case err != nil && !g.failing.Swap(true):
		g.log.ErrorContext(ctx, "token introspection fails", "error", err.Error())
	case err == nil && g.failing.Swap(false):
		g.log.InfoContext(ctx, "token introspection works again")
	}
}
