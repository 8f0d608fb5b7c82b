package bootstrap

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/devicegate/devicegate/adapters/saml"
)

// idpMetrics say whether the metadata of identity providers can be used, by
// connection. Connections are configured, so that their number is bounded.
type idpMetrics struct{ broker *saml.Broker }

var (
	idpUsable = prometheus.NewDesc("devicegate_saml_metadata_usable",
		"1 if the metadata of a connection can be used, 0 if its sign-ins fail.", []string{"connection"}, nil)
	idpFailing = prometheus.NewDesc("devicegate_saml_metadata_failing",
		"1 if the last attempt to fetch the metadata failed, else 0.", []string{"connection"}, nil)
	idpEnds = prometheus.NewDesc("devicegate_saml_metadata_end_timestamp_seconds",
		"When the metadata of a connection ends (validUntil), where it does.", []string{"connection"}, nil)
	certificateEnds = prometheus.NewDesc("devicegate_saml_certificate_end_timestamp_seconds",
		"When a signing certificate of an identity provider ends.", []string{"connection", "key"}, nil)
)

// Describe implements [prometheus.Collector].
func (m idpMetrics) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{idpUsable, idpFailing, idpEnds, certificateEnds} {
		to <- d
	}
}

// Collect implements [prometheus.Collector].
func (m idpMetrics) Collect(to chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	flag := map[bool]float64{true: 1}
	for _, s := range m.broker.States() {
		gauge(idpUsable, flag[s.Usable], s.Connection)
		gauge(idpFailing, flag[s.Failing], s.Connection)
		if !s.Metadata.ValidUntil.IsZero() {
			gauge(idpEnds, float64(s.Metadata.ValidUntil.Unix()), s.Connection)
		}
		seen := map[string]bool{}
		for _, k := range s.Metadata.Keys {
			if !k.NotAfter.IsZero() && !seen[k.Fingerprint] {
				seen[k.Fingerprint] = true
				gauge(certificateEnds, float64(k.NotAfter.Unix()), s.Connection, k.Fingerprint)
			}
		}
	}
}
