package application

import (
	"context"
	"sync"

	"github.com/devicegate/devicegate/domain/secret"
)

// misses joins verifications that look for one token at once and do not find it in
// the cache: the first one reads the store and fills the cache, the others wait for
// it and ask the cache again.
//
// They share nothing but the wait. So a token that is revoked during the read is
// refused by the cache's own rules, and a read that fails or is cancelled fails
// only its own request: the others then read by themselves, without another wait.
type misses struct {
	mu      sync.Mutex
	pending map[secret.Digest]pendingRead
}

// pendingRead is closed when the read has ended, well or not.
type pendingRead chan struct{}

// join returns the read that others may be waiting for. The first one has to end
// it.
func (m *misses) join(digest secret.Digest) (read pendingRead, first bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if read, there := m.pending[digest]; there {
		return read, false
	}
	if m.pending == nil {
		m.pending = map[secret.Digest]pendingRead{}
	}
	read = make(pendingRead)
	m.pending[digest] = read
	return read, true
}

func (m *misses) end(digest secret.Digest, read pendingRead) {
	m.mu.Lock()
	delete(m.pending, digest)
	m.mu.Unlock()
	close(read)
}

// wait returns when the read has ended or ctx has.
func (r pendingRead) wait(ctx context.Context) {
	select {
	case <-r:
	case <-ctx.Done():
	}
}
