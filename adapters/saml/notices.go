package saml

import (
	"context"
	"errors"
	"sort"
	"sync"
	"time"

	"github.com/devicegate/devicegate/domain/connection"
)

// Notice is something operators should know about a connection.
type Notice struct {
	Connection, Text string

	// topic is what makes two notices the same: the text, or another key where
	// the text changes while the notice stays. Metadata that ends in a week may
	// be published anew every hour.
	topic string
	once  bool // it is not repeated every day
}

// topic is what a notice of a connection is about.
type topic struct{ connection, about string }

// logged is what the log says already.
type logged struct {
	mu     sync.Mutex
	all    time.Time // when all notices were logged
	topics map[topic]bool
}

const remindAfter = 24 * time.Hour

// Run maintains the connections once a minute, and whenever they were reloaded,
// until ctx ends. Every process needs it.
func (b *Broker) Run(ctx context.Context) {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		b.Maintain(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-b.reloaded:
		}
	}
}

// Maintain fetches the metadata that is due and then logs which
// [Broker.Problems] and [Broker.Warnings] are new; once a day, all there are.
func (b *Broker) Maintain(ctx context.Context) {
	b.refreshDue(ctx)
	if ctx.Err() == nil {
		b.logNew()
	}
}

func (b *Broker) refreshDue(ctx context.Context) {
	var wg sync.WaitGroup
	for _, s := range b.served.Load().sources {
		if s.due() {
			wg.Go(func() { s.refreshDue(ctx) })
		}
	}
	wg.Wait()
}

func (b *Broker) logNew() {
	b.logged.mu.Lock()
	defer b.logged.mu.Unlock()
	before, now, remind := b.logged.topics, map[topic]bool{}, false
	if at := b.now(); at.Sub(b.logged.all) >= remindAfter {
		b.logged.all, remind = at, true
	}
	isNew := func(n Notice) bool {
		t := topic{n.Connection, n.topic}
		known := before[t] && (n.once || !remind) || now[t]
		now[t] = true
		return !known
	}
	for _, n := range b.Problems() {
		if isNew(n) {
			b.log.Error("sign-ins fail", "connection", n.Connection, "problem", n.Text)
		}
	}
	for _, n := range b.Warnings() {
		if isNew(n) {
			b.log.Warn("identity provider metadata", "connection", n.Connection, "warning", n.Text)
		}
	}
	b.logged.topics = now
}

// Problems are the connections whose sign-ins fail now, and why.
func (b *Broker) Problems() []Notice {
	return b.notices(func(s *source) []Notice { p, _ := s.notices(); return p })
}

// Warnings are what works now and will not for long, or should not.
func (b *Broker) Warnings() []Notice {
	now := b.served.Load()
	first := map[string]string{} // entityID to the first connection that has it
	for _, via := range now.connections.All() {
		if s, ok := now.sources[via.Slug()]; ok {
			if p, err := s.current(); err == nil && first[p.entityID] == "" {
				first[p.entityID] = via.Slug()
			}
		}
	}
	return b.notices(func(s *source) []Notice {
		_, warnings := s.notices()
		if p, err := s.current(); err == nil && first[p.entityID] != s.via.Slug() {
			warnings = append(warnings, s.notice("the same identity provider as connection "+first[p.entityID]+": a person is the same subject through both"))
		}
		return warnings
	})
}

func (b *Broker) notices(of func(*source) []Notice) []Notice {
	var out []Notice
	for _, s := range b.served.Load().sources {
		out = append(out, of(s)...)
	}
	sort.Slice(out, func(i, j int) bool {
		if out[i].Connection != out[j].Connection {
			return out[i].Connection < out[j].Connection
		}
		return out[i].Text < out[j].Text
	})
	return out
}

// State says whether a connection's metadata can be used.
type State struct {
	Connection string
	Usable     bool // sign-ins do not fail for it
	Failing    bool // the last attempt to read it failed
	Metadata   connection.Metadata
}

// States are those of all connections, by slug.
func (b *Broker) States() []State {
	var all []State
	for slug, s := range b.served.Load().sources {
		_, err := s.current()
		state := State{Connection: slug, Usable: err == nil}
		s.mu.Lock()
		state.Failing = s.err != nil && !errors.Is(s.err, errNotFetched)
		if s.idp != nil {
			state.Metadata = s.idp.metadata()
		}
		s.mu.Unlock()
		all = append(all, state)
	}
	sort.Slice(all, func(i, j int) bool { return all[i].Connection < all[j].Connection })
	return all
}
