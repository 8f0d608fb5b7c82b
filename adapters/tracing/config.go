package tracing

import (
	"cmp"
	"maps"
	"net/url"
	"slices"
	"strings"

	sdk "go.opentelemetry.io/otel/sdk/trace"

	"github.com/devicegate/devicegate/domain/setting"
)

// Config says where spans are sent, and which.
type Config struct {
	// Endpoint is the URL to which spans are sent by OTLP; nil: there is no tracing.
	Endpoint *url.URL
	Protocol string            // [HTTP] or [GRPC]; empty is HTTP
	Headers  map[string]string // of each post; secret
	// Service names this service; empty is "devicegate".
	Service   string
	Resource  map[string]string // attributes of the process
	Version   string            // of this program
	Sampler   string            // by the name in the specification; empty is parentbased_always_on
	SampleArg float64           // for the samplers by ratio: 0 to 1
	// Exporter takes the spans instead of Endpoint.
	Exporter sdk.SpanExporter
}

// The protocols, as OTEL_EXPORTER_OTLP_PROTOCOL names them.
const (
	HTTP = "http/protobuf"
	GRPC = "grpc"
)

// Enabled reports whether there is tracing.
func (c Config) Enabled() bool { return c.Endpoint != nil || c.Exporter != nil }

// samplers by their names in the specification. "parentbased" follows the
// decision of the trusted proxy before us.
var samplers = map[string]func(ratio float64) sdk.Sampler{
	"parentbased_always_on":    func(float64) sdk.Sampler { return sdk.ParentBased(sdk.AlwaysSample()) },
	"parentbased_always_off":   func(float64) sdk.Sampler { return sdk.ParentBased(sdk.NeverSample()) },
	"parentbased_traceidratio": func(r float64) sdk.Sampler { return sdk.ParentBased(sdk.TraceIDRatioBased(r)) },
	"always_on":                func(float64) sdk.Sampler { return sdk.AlwaysSample() },
	"always_off":               func(float64) sdk.Sampler { return sdk.NeverSample() },
	"traceidratio":             func(r float64) sdk.Sampler { return sdk.TraceIDRatioBased(r) },
}

const usualSampler = "parentbased_always_on"

func (c Config) sampler() sdk.Sampler {
	return samplers[cmp.Or(c.Sampler, usualSampler)](c.SampleArg)
}

// Check returns what is wrong with the configuration.
func (c Config) Check() error {
	if _, known := samplers[cmp.Or(c.Sampler, usualSampler)]; !known {
		return setting.Wrong("Sampler", "%q is none of %s", c.Sampler, strings.Join(slices.Sorted(maps.Keys(samplers)), ", "))
	}
	if c.SampleArg < 0 || c.SampleArg > 1 {
		return setting.Wrong("SampleArg", "%g lies outside 0 to 1", c.SampleArg)
	}
	return nil
}
