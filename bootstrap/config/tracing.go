package config

import (
	"cmp"
	"net/url"
	"strings"

	"github.com/devicegate/devicegate/adapters/tracing"
)

// loadTracing reads the settings of OpenTelemetry. They are checked also while
// there is no endpoint, so that setting one brings nothing else to light.
func (c *Config) loadTracing(e environment, wrong *problems) {
	exporter := wrong.oneOf("OTEL_TRACES_EXPORTER", e.OTelTracesExporter, "otlp", "none")
	c.Tracing = tracing.Config{
		Protocol: wrong.oneOf("OTEL_EXPORTER_OTLP_PROTOCOL", e.OTelProtocol, tracing.HTTP, tracing.GRPC),
		Headers:  wrong.pairs("OTEL_EXPORTER_OTLP_HEADERS", e.OTelHeaders), Resource: wrong.pairs("OTEL_RESOURCE_ATTRIBUTES", e.OTelResource),
		Service: e.OTelServiceName,
		Sampler: e.OTelSampler, SampleArg: e.OTelSamplerArg,
	}
	wrong.named(names{"Sampler": "OTEL_TRACES_SAMPLER", "SampleArg": "OTEL_TRACES_SAMPLER_ARG"}, c.Tracing.Check())
	var endpoint *url.URL
	if e.OTelTracesEndpoint != "" {
		endpoint = wrong.web("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", e.OTelTracesEndpoint)
	} else if e.OTelEndpoint != "" {
		if endpoint = wrong.web("OTEL_EXPORTER_OTLP_ENDPOINT", e.OTelEndpoint); endpoint != nil && c.Tracing.Protocol == tracing.HTTP {
			endpoint = endpoint.JoinPath("v1/traces")
		}
	}
	if !e.OTelDisabled && exporter != "none" {
		c.Tracing.Endpoint = endpoint
	}
}

// pairs reads name=value,name=value, where a value is percent-encoded as in W3C
// Baggage. It repeats no value.
func (p *problems) pairs(setting, text string) map[string]string {
	all := map[string]string{}
	for i, pair := range strings.Split(text, ",") {
		if strings.TrimSpace(pair) == "" {
			continue
		}
		name, value, found := strings.Cut(pair, "=")
		name = strings.TrimSpace(name)
		value, err := url.PathUnescape(strings.TrimSpace(value))
		if !found || name == "" || err != nil || cmp.Or(cannotBeMeant(name), cannotBeMeant(value)) != "" {
			p.add(setting, "entry %d: write name=value, with commas between, and a comma in a value as %%2C", i+1)
			continue
		}
		all[name] = value
	}
	return all
}
