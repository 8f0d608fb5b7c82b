package bootstrap

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/acsmove"
	"github.com/devicegate/devicegate/domain/connection"
)

// moveMetrics are the ledger's counts, by connection and callback. They are read
// from the store at each scrape: every replica tells the same.
type moveMetrics struct {
	status *application.ACSStatus

	requests, signIns, lastGood, needs *prometheus.Desc
}

// scrapeTime bounds how long a scrape waits for the store. Without an answer these
// metrics are left out.
const scrapeTime = 2 * time.Second

func measureMoves(m *metrics, status *application.ACSStatus) {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, labels, nil)
	}
	m.registry.MustRegister(&moveMetrics{
		status,
		desc("devicegate_acs_requests_total", "AuthnRequests that named a callback.", "connection", "mount"),
		desc("devicegate_acs_sign_ins_total", "Responses to a callback, by result.", "connection", "mount", "result"),
		desc("devicegate_acs_last_good_timestamp_seconds", "When a sign-in last ended on a callback.", "connection", "mount"),
		desc("devicegate_acs_needs_legacy", "1 if a connection cannot do without the legacy callback.", "connection"),
	})
}

// Describe implements [prometheus.Collector].
func (m *moveMetrics) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.requests, m.signIns, m.lastGood, m.needs} {
		to <- d
	}
}

// Collect implements [prometheus.Collector].
func (m *moveMetrics) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTime)
	defer cancel()
	states, err := m.status.Execute(ctx)
	if err != nil {
		return
	}
	count := func(d *prometheus.Desc, n int64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
	}
	for _, s := range states {
		slug := s.Connection.Slug()
		for mount, t := range map[connection.Mount]acsmove.Traffic{connection.Legacy: s.Ledger.Legacy, connection.Canonical: s.Ledger.Canonical} {
			count(m.requests, t.Requests, slug, string(mount))
			count(m.signIns, t.Succeeded, slug, string(mount), "good")
			count(m.signIns, t.Failed, slug, string(mount), "refused")
			if !t.LastSuccessAt.IsZero() {
				to <- prometheus.MustNewConstMetric(m.lastGood, prometheus.GaugeValue, float64(t.LastSuccessAt.Unix()), slug, string(mount))
			}
		}
		needs := 0.0
		if s.Needs != "" {
			needs = 1
		}
		to <- prometheus.MustNewConstMetric(m.needs, prometheus.GaugeValue, needs, slug)
	}
}
