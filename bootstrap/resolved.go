package bootstrap

import "sync"

// resolved keeps the metrics of label values: to find one here costs less than to
// write its labels out. There are as many as a registry keeps anyway.
type resolved[K comparable, M any] struct {
	mu    sync.RWMutex
	found map[K]M
}

func (r *resolved[K, M]) of(labels K, resolve func() M) M {
	r.mu.RLock()
	metric, ok := r.found[labels]
	r.mu.RUnlock()
	if ok {
		return metric
	}
	metric = resolve()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.found == nil {
		r.found = map[K]M{}
	}
	r.found[labels] = metric
	return metric
}
