package bootstrap

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/incident"
	"github.com/devicegate/devicegate/ports"
)

// countSignals counts the signals of phishing that this process saw.
func countSignals(m *metrics) application.CountSignal {
	signals := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "devicegate_phishing_signals_total", Help: "Signals of phishing, by kind.",
	}, []string{"signal"})
	m.registry.MustRegister(signals)
	for _, kind := range incident.Signals {
		signals.WithLabelValues(string(kind)) // zero is a count, too
	}
	return func(kind incident.Signal) { signals.WithLabelValues(string(kind)).Inc() }
}

// measureHolds tells how many sources are held, and how many are only noticed.
func measureHolds(m *metrics, held *heldSources, now ports.Clock) {
	count := func(state incident.State) func() float64 {
		return func() float64 {
			n := 0
			for _, one := range held.Get().All() {
				if one.State(now()) == state {
					n++
				}
			}
			return float64(n)
		}
	}
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "devicegate_incidents_open", Help: "Sources that are held because phishing is suspected.",
	}, count(incident.Held)), prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "devicegate_incidents_noticed", Help: "Sources that may be phishing and hold nothing until an administrator contains them.",
	}, count(incident.Noticed)))
}
