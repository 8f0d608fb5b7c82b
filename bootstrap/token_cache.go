package bootstrap

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/devicegate/devicegate/adapters/database"
	"github.com/devicegate/devicegate/adapters/memory"
	"github.com/devicegate/devicegate/adapters/redis"
	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/ports"
)

// processTokenCacheMax bounds the age of verified tokens where replicas cannot
// tell each other which ones end.
const processTokenCacheMax = time.Second

// tokenCacheState is what the metrics tell about the cache of verified tokens.
type tokenCacheState struct {
	local  *memory.TokenCache
	shared *redis.TokenCache // nil without Redis
}

// processTokenCache keeps verified tokens for this process alone. Its clock is
// monotonic: setting the system's clock prolongs nothing.
func processTokenCache(c Config) (ports.TokenCache, tokenCacheState) {
	local := memory.NewTokenCache(time.Now, min(c.TokenCacheAge, processTokenCacheMax))
	return local, tokenCacheState{local: local}
}

// sharedTokenCache keeps verified tokens while Redis tells which ones end.
func sharedTokenCache(c Config, conn *redis.Connection) (ports.TokenCache, tokenCacheState) {
	local := memory.NewTokenCache(time.Now, c.TokenCacheAge)
	shared := redis.NewTokenCache(conn, local)
	return shared, tokenCacheState{local, shared}
}

// invalidating lets the store's transactions tell the cache which tokens end.
func invalidating(store *database.Store, cache ports.TokenCache, m *storeMetrics) ports.Store {
	return measuredStore{application.NewInvalidatingStore(store, cache), m}
}

// collectors are the cache's metrics.
func (s tokenCacheState) collectors() []prometheus.Collector {
	all := []prometheus.Collector{
		tokenLookups("hit", func() uint64 { return s.local.Stats().Hits }),
		tokenLookups("miss", func() uint64 { return s.local.Stats().Misses }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "devicegate_token_cache_invalidations_total", Help: "How often this process was told to forget a token, by itself or by another one.",
		}, func() float64 { return float64(s.local.Stats().Invalidations) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "devicegate_token_cache_tokens", Help: "Verified tokens that are kept, also those that are too old.",
		}, func() float64 { return float64(s.local.Stats().Kept) }),
	}
	if s.shared == nil {
		return all
	}
	return append(all,
		tokenLookups("bypass", func() uint64 { _, bypassed := s.shared.Trusted(); return bypassed }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "devicegate_token_cache_trusted", Help: "1 while Redis tells which tokens end, 0 while the database decides about each request.",
		}, func() float64 {
			if trusted, _ := s.shared.Trusted(); trusted {
				return 1
			}
			return 0
		}),
	)
}

func tokenLookups(result string, count func() uint64) prometheus.Collector {
	return prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "devicegate_token_cache_lookups_total", Help: "Look-ups of verified tokens: found, not found, or not tried because Redis does not tell which tokens end.",
		ConstLabels: prometheus.Labels{"result": result},
	}, func() float64 { return float64(count()) })
}
