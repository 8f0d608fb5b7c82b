// Package otlplog delivers audit events to an OpenTelemetry collector, as log
// records over OTLP/HTTP in its JSON encoding
// (https://opentelemetry.io/docs/specs/otlp/).
package otlplog

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/ports"
)

// Config says where events go.
type Config struct {
	Endpoint *url.URL          // of log records; nil: nowhere
	Headers  map[string]string // of each post; secret
	Service  string
	Resource map[string]string // attributes of the process
}

// IsZero reports whether nothing is delivered.
func (c Config) IsZero() bool { return c.Endpoint == nil }

const (
	requestTime = 15 * time.Second
	answerMax   = 64 << 10
	// severity is INFO.
	severity = 9
	laterMax = time.Hour
)

// Sink is a [ports.AuditSink].
type Sink struct {
	cfg  Config
	http *http.Client
}

// New makes a sink. It connects to nothing yet.
func New(cfg Config) *Sink {
	return &Sink{cfg, &http.Client{
		Timeout:       requestTime,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Name implements [ports.AuditSink].
func (s *Sink) Name() audit.Sink { return audit.OTLP }

// Deliver implements [ports.AuditSink].
func (s *Sink) Deliver(ctx context.Context, e audit.Event) error {
	return s.post(ctx, s.export(e))
}

// Check asks the collector whether it takes log records, with a request that
// has none.
func (s *Sink) Check(ctx context.Context) error {
	return s.post(ctx, logs{Resources: []resourceLogs{}})
}

func (s *Sink) post(ctx context.Context, records logs) error {
	body, err := json.Marshal(records)
	if err != nil {
		return fmt.Errorf("otlp: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.cfg.Endpoint.String(), bytes.NewReader(body))
	if err != nil {
		return errors.New("otlp: the address cannot be used")
	}
	for name, value := range s.cfg.Headers {
		r.Header.Set(name, value)
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := s.http.Do(r)
	if err != nil {
		var u *url.Error
		for errors.As(err, &u) { // it holds the address
			err = u.Err
		}
		return fmt.Errorf("%s: %w", s.cfg.Endpoint.Host, err)
	}
	defer func() { _ = answer.Body.Close() }()
	said, _ := io.ReadAll(io.LimitReader(answer.Body, answerMax))
	return s.judge(answer, said)
}

func (s *Sink) judge(answer *http.Response, said []byte) error {
	if answer.StatusCode < 200 || answer.StatusCode > 299 { // the protocol says 200, but some hosted collectors answer 204
		err := fmt.Errorf("%s: answered %d", s.cfg.Endpoint.Host, answer.StatusCode)
		if seconds, wrong := strconv.Atoi(answer.Header.Get("Retry-After")); wrong == nil && seconds > 0 {
			return &ports.Later{After: min(time.Duration(min(seconds, 86400))*time.Second, laterMax), Err: err}
		}
		return err
	}
	var partial struct {
		PartialSuccess struct {
			Rejected json.RawMessage `json:"rejectedLogRecords"`
		} `json:"partialSuccess"`
	}
	_ = json.Unmarshal(said, &partial) // an empty answer is one, too
	if n := string(bytes.Trim(partial.PartialSuccess.Rejected, `"`)); n != "" && n != "0" && n != "null" {
		return fmt.Errorf("%s: the collector rejected the record", s.cfg.Endpoint.Host)
	}
	return nil
}

type value struct {
	String string `json:"stringValue"`
}

type attribute struct {
	Key   string `json:"key"`
	Value value  `json:"value"`
}

type logs struct {
	Resources []resourceLogs `json:"resourceLogs"`
}

type resourceLogs struct {
	Resource struct {
		Attributes []attribute `json:"attributes"`
	} `json:"resource"`
	Scopes []scopeLogs `json:"scopeLogs"`
}

type scopeLogs struct {
	Scope struct {
		Name string `json:"name"`
	} `json:"scope"`
	Records []record `json:"logRecords"`
}

type record struct {
	Time       string      `json:"timeUnixNano"` // 64 bits are text in this encoding
	Severity   int         `json:"severityNumber"`
	Text       string      `json:"severityText"`
	Event      string      `json:"eventName"`
	Body       value       `json:"body"`
	Attributes []attribute `json:"attributes"`
}

// export is a request with one record. Its body is the line of an export; its
// attributes are no more than what events are sorted by.
func (s *Sink) export(e audit.Event) logs {
	var r resourceLogs
	r.Resource.Attributes = []attribute{{"service.name", value{s.cfg.Service}}}
	for _, name := range slices.Sorted(maps.Keys(s.cfg.Resource)) {
		r.Resource.Attributes = append(r.Resource.Attributes, attribute{name, value{s.cfg.Resource[name]}})
	}
	one := record{
		Time: strconv.FormatInt(e.At.UnixNano(), 10), Severity: severity, Text: "INFO", Event: string(e.Kind),
		Body:       value{string(e.AppendJSON(nil))},
		Attributes: []attribute{{"event.id", value{e.ID.String()}}, {"event.name", value{string(e.Kind)}}},
	}
	scope := scopeLogs{Records: []record{one}}
	scope.Scope.Name = "devicegate/audit"
	r.Scopes = []scopeLogs{scope}
	return logs{[]resourceLogs{r}}
}
