package bootstrap

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/devicegate/devicegate/adapters/database"
	"github.com/devicegate/devicegate/adapters/redis"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/ports"
)

// storeBuckets reach, in seconds, from a read of a local database to the longest wait
// for one that does not answer.
var storeBuckets = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10}

// storeMetrics tell how long the durable store takes, and what was kept in it.
type storeMetrics struct {
	durations *prometheus.HistogramVec
	events    *prometheus.CounterVec
	observers map[[2]string]prometheus.Observer // by operation and result
	counters  resolved[database.Written, prometheus.Counter]
}

func newStoreMetrics() *storeMetrics {
	m := &storeMetrics{
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "devicegate_store_duration_seconds", Help: "Operations on the database by kind (view, update, add) and result: ok, refused (a rule said no), unavailable, failed.",
			Buckets: storeBuckets,
		}, []string{"operation", "result"}),
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "devicegate_events_total", Help: "Audit events that this process has written, by kind and, for sign-ins, by connection, mount and reason of the refusal.",
		}, []string{"event", "connection", "mount", "reason"}),
		observers: map[[2]string]prometheus.Observer{},
	}
	for _, operation := range []string{"view", "update", "add"} {
		for _, result := range []string{"ok", "refused", "unavailable", "failed"} {
			m.observers[[2]string{operation, result}] = m.durations.WithLabelValues(operation, result)
		}
	}
	return m
}

func (m *storeMetrics) observe(operation string, began time.Time, err error) {
	m.observers[[2]string{operation, storeResult(err)}].Observe(time.Since(began).Seconds())
}

func storeResult(err error) string {
	if err == nil {
		return "ok"
	}
	switch f, expected := fault.Of(err); {
	case errors.Is(err, fault.ErrUnavailable):
		return "unavailable"
	case expected && f.Kind < fault.Upstream:
		return "refused"
	}
	return "failed"
}

// event counts an event of a transaction that was committed.
func (m *storeMetrics) event(of database.Written) {
	m.counters.of(of, func() prometheus.Counter {
		return m.events.WithLabelValues(string(of.Kind), of.Connection, of.Mount, of.Reason)
	}).Inc()
}

// measuredStore measures what use cases do with the store.
type measuredStore struct {
	ports.Store
	metrics *storeMetrics
}

// View implements [ports.Store].
func (s measuredStore) View(ctx context.Context, fn func(context.Context, ports.Reader) error) error {
	began := time.Now()
	err := s.Store.View(ctx, fn)
	s.metrics.observe("view", began, err)
	return err
}

// Update implements [ports.Store].
func (s measuredStore) Update(ctx context.Context, fn func(context.Context, ports.Tx) error) error {
	began := time.Now()
	err := s.Store.Update(ctx, fn)
	s.metrics.observe("update", began, err)
	return err
}

// AddAuthorization implements [ports.Store].
func (s measuredStore) AddAuthorization(ctx context.Context, a *device.Authorization, event audit.Event) error {
	began := time.Now()
	err := s.Store.AddAuthorization(ctx, a, event)
	s.metrics.observe("add", began, err)
	return err
}

// redisMetrics implement [redis.Observer].
type redisMetrics struct {
	durations *prometheus.HistogramVec
	observers resolved[redisCommand, prometheus.Observer]
}

type redisCommand struct{ operation, result string }

func newRedisMetrics() *redisMetrics {
	return &redisMetrics{durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "devicegate_redis_duration_seconds", Help: "Commands of Redis by what they are for and result: ok, failed, or down (nothing was tried).",
		Buckets: []float64{.00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .3},
	}, []string{"operation", "result"})}
}

// ObserveCommand implements [redis.Observer].
func (m *redisMetrics) ObserveCommand(operation string, took time.Duration, err error) {
	result := "ok"
	switch {
	case errors.Is(err, redis.ErrDown):
		result = "down"
	case err != nil:
		result = "failed"
	}
	m.observers.of(redisCommand{operation, result}, func() prometheus.Observer {
		return m.durations.WithLabelValues(operation, result)
	}).Observe(took.Seconds())
}

// poolMetrics tell of this process's connections to the database.
type poolMetrics struct{ pool database.Pool }

var (
	poolConns = prometheus.NewDesc("devicegate_database_connections",
		"Connections of this process to the database, by state: in_use, idle.", []string{"state"}, nil)
	poolMax       = prometheus.NewDesc("devicegate_database_connections_max", "How many there may be (DB_MAX_CONNS).", nil, nil)
	poolWaits     = prometheus.NewDesc("devicegate_database_connection_waits_total", "How often something waited for a connection.", nil, nil)
	poolWaitTimes = prometheus.NewDesc("devicegate_database_connection_wait_seconds_total", "How long it waited, in all.", nil, nil)
)

// Describe implements [prometheus.Collector].
func (poolMetrics) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{poolConns, poolMax, poolWaits, poolWaitTimes} {
		to <- d
	}
}

// Collect implements [prometheus.Collector].
func (m poolMetrics) Collect(to chan<- prometheus.Metric) {
	s := m.pool.Stats()
	to <- prometheus.MustNewConstMetric(poolConns, prometheus.GaugeValue, float64(s.InUse), "in_use")
	to <- prometheus.MustNewConstMetric(poolConns, prometheus.GaugeValue, float64(s.Idle), "idle")
	to <- prometheus.MustNewConstMetric(poolMax, prometheus.GaugeValue, float64(s.MaxOpenConnections))
	to <- prometheus.MustNewConstMetric(poolWaits, prometheus.CounterValue, float64(s.WaitCount))
	to <- prometheus.MustNewConstMetric(poolWaitTimes, prometheus.CounterValue, s.WaitDuration.Seconds())
}

// measureStores adds what belongs to the stores of this process.
func measureStores(m *metrics, store *storeMetrics, shared *redisMetrics, pool database.Pool) {
	m.registry.MustRegister(store.durations, store.events, poolMetrics{pool})
	if shared != nil {
		m.registry.MustRegister(shared.durations)
	}
}
