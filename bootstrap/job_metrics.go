package bootstrap

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/devicegate/devicegate/adapters/jobs"
)

// jobMetrics tell how long jobs take in this process, and how the queue is.
type jobMetrics struct {
	queue     jobs.Database
	durations *prometheus.HistogramVec
}

var (
	jobsIn = prometheus.NewDesc("devicegate_jobs",
		"Jobs in the queue by kind and state, those that were done within a day included. Read from the database, so every process tells the same.", []string{"kind", "state"}, nil)
	hasScheduler = prometheus.NewDesc("devicegate_scheduler_elected",
		"1 if some process keeps the schedule of background work, else 0. Read from the database.", nil, nil)
)

func newJobMetrics(queue jobs.Database) *jobMetrics {
	return &jobMetrics{queue, prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "devicegate_job_duration_seconds", Help: "Runs of background jobs in this process, by kind and result: ok, failed.",
		Buckets: []float64{.01, .1, 1, 10, 60, 600},
	}, []string{"kind", "result"})}
}

func (m *jobMetrics) observe(kind string, took time.Duration, err error) {
	result := "ok"
	if err != nil {
		result = "failed"
	}
	m.durations.WithLabelValues(kind, result).Observe(took.Seconds())
}

// Describe implements [prometheus.Collector].
func (m *jobMetrics) Describe(to chan<- *prometheus.Desc) {
	m.durations.Describe(to)
	to <- jobsIn
	to <- hasScheduler
}

// Collect implements [prometheus.Collector].
func (m *jobMetrics) Collect(to chan<- prometheus.Metric) {
	m.durations.Collect(to)
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTime)
	defer cancel()
	counts, err := m.queue.Counts(ctx)
	if err != nil {
		return
	}
	for _, c := range counts {
		to <- prometheus.MustNewConstMetric(jobsIn, prometheus.GaugeValue, float64(c.Jobs), c.Kind, c.State)
	}
	elected, err := m.queue.HasLeader(ctx)
	if err != nil {
		return
	}
	value := 0.0
	if elected {
		value = 1
	}
	to <- prometheus.MustNewConstMetric(hasScheduler, prometheus.GaugeValue, value)
}

func measureJobs(m *metrics, queue *jobMetrics) { m.registry.MustRegister(queue) }
