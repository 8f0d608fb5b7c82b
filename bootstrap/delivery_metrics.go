package bootstrap

import (
	"context"
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/ports"
)

// deliveryMetrics tell how deliveries to the receivers go that this process is
// configured with.
type deliveryMetrics struct {
	list  *application.ListDeliveries
	sinks []audit.Sink
	now   ports.Clock
}

var (
	deliveryLag = prometheus.NewDesc("devicegate_audit_delivery_lag_seconds",
		"Age of the first audit event that is still to be delivered, by receiver; 0: none is. Events of the last minute are not due. Read from the database, so every process tells the same.", []string{"sink"}, nil)
	undelivered = prometheus.NewDesc("devicegate_audit_events_refused",
		"Audit events that a receiver did not take while it took others, by receiver and state: waiting (tried again), dead (given up until a replay). Read from the database.", []string{"sink", "state"}, nil)
)

// Describe implements [prometheus.Collector].
func (m *deliveryMetrics) Describe(to chan<- *prometheus.Desc) {
	to <- deliveryLag
	to <- undelivered
}

// Collect implements [prometheus.Collector].
func (m *deliveryMetrics) Collect(to chan<- prometheus.Metric) {
	if len(m.sinks) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTime)
	defer cancel()
	all, err := m.list.Execute(ctx)
	if err != nil {
		return
	}
	for _, s := range all {
		if !slices.Contains(m.sinks, s.Sink) { // its setting is gone
			continue
		}
		lag := 0.0
		if !s.Next.IsZero() {
			lag = m.now().Sub(s.Next.At).Seconds()
		}
		sink := string(s.Sink)
		to <- prometheus.MustNewConstMetric(deliveryLag, prometheus.GaugeValue, lag, sink)
		to <- prometheus.MustNewConstMetric(undelivered, prometheus.GaugeValue, float64(s.Waiting), sink, "waiting")
		to <- prometheus.MustNewConstMetric(undelivered, prometheus.GaugeValue, float64(s.Dead), sink, "dead")
	}
}

func measureDeliveries(m *metrics, c Config, store ports.Store, now ports.Clock) {
	var sinks []audit.Sink
	for sink, off := range map[audit.Sink]bool{
		audit.Webhook: c.AuditWebhook.IsZero(), audit.Syslog: c.AuditSyslog.IsZero(), audit.OTLP: c.AuditOTLP.IsZero(),
	} {
		if !off {
			sinks = append(sinks, sink)
		}
	}
	m.registry.MustRegister(&deliveryMetrics{application.NewListDeliveries(store, now), sinks, now})
}
