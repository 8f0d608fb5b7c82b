package saml

import (
	"context"
	"sort"
	"sync"
	"time"
)

// Notice is something operators should know about a connection.
type Notice struct {
	Connection, Text string

	// about is the text, or the matter where the text changes while the matter
	// stays: metadata that ends in a week may be published anew every hour.
	about string
}

// matter is what makes two notices the same.
type matter struct{ connection, about string }

// told is what operators have heard already.
type told struct {
	mu    sync.Mutex
	all   time.Time // when they last heard everything
	since map[matter]bool
}

const remindAfter = 24 * time.Hour

// Run tends the connections once a minute until ctx ends. Every process needs it.
func (b *Broker) Run(ctx context.Context) {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		b.Tend(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Tend fetches the metadata that is due and then logs which [Broker.Problems]
// and [Broker.Warnings] are new; once a day, all there are.
func (b *Broker) Tend(ctx context.Context) {
	b.refreshDue(ctx)
	if ctx.Err() == nil {
		b.tell()
	}
}

func (b *Broker) refreshDue(ctx context.Context) {
	var wg sync.WaitGroup
	for _, s := range b.sources {
		if s.due() {
			wg.Go(func() { s.refresh(ctx, 0) })
		}
	}
	wg.Wait()
}

func (b *Broker) tell() {
	b.told.mu.Lock()
	defer b.told.mu.Unlock()
	before, holds := b.told.since, map[matter]bool{}
	if at := b.now(); at.Sub(b.told.all) >= remindAfter {
		b.told.all, before = at, nil
	}
	isNew := func(n Notice) bool {
		m := matter{n.Connection, n.about}
		known := before[m] || holds[m]
		holds[m] = true
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
	b.told.since = holds
}

// Problems are the connections whose sign-ins fail now, and why.
func (b *Broker) Problems() []Notice {
	return b.notices(func(s *source) []Notice { p, _ := s.notices(); return p })
}

// Warnings are what works now and will not for long, or should not.
func (b *Broker) Warnings() []Notice {
	first := map[string]string{} // entityID to the first connection that has it
	for _, via := range b.connections.All() {
		if s, ok := b.sources[via.Slug()]; ok {
			if p, err := s.current(); err == nil && first[p.entityID] == "" {
				first[p.entityID] = via.Slug()
			}
		}
	}
	return b.notices(func(s *source) []Notice {
		_, warnings := s.notices()
		if p, err := s.current(); err == nil && first[p.entityID] != s.slug {
			warnings = append(warnings, s.notice("the same identity provider as connection "+first[p.entityID]+": people are the same through both"))
		}
		return warnings
	})
}

func (b *Broker) notices(of func(*source) []Notice) []Notice {
	var out []Notice
	for _, s := range b.sources {
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
