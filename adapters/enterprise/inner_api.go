package enterprise

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/trace"
)

const (
	secretHeader = "Enterprise-Api-Secret-Key"
	// answerMax is far more than any answer of the inner API needs.
	answerMax = 64 << 10
)

// innerAPI calls the inner API. It follows no redirect: the secret would go
// wherever that points to.
type innerAPI struct {
	cfg    Config
	client *http.Client
}

func newInnerAPI(cfg Config) innerAPI {
	timeout := cfg.Timeout
	if timeout <= 0 {
		timeout = defaultTimeout
	}
	return innerAPI{cfg, &http.Client{
		Transport:     cfg.Transport,
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// call sends body (if there is one) as JSON and returns the JSON of the answer.
// Its errors are [*failure]. The inner API is the operator's own, and continues
// our trace.
func (api innerAPI) call(ctx context.Context, method string, body any, path ...string) (answer []byte, err error) {
	ctx, span := api.cfg.Tracer.Within(ctx, method, trace.SpanKindClient)
	if !span.IsZero() {
		span.Name(method + " /" + strings.Join(path, "/"))
		span.Set("http.request.method", method)
		span.Set("server.address", api.cfg.URL.Hostname())
		defer func() {
			if err != nil {
				span.Fail(reasonOf(err))
			}
			span.End()
		}()
	}
	return api.ask(ctx, method, body, path...)
}

func (api innerAPI) ask(ctx context.Context, method string, body any, path ...string) ([]byte, error) {
	var sent io.Reader = http.NoBody
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, &failure{"internal_error", "a body in JSON", err.Error()}
		}
		sent = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, api.cfg.URL.JoinPath(path...).String(), sent)
	if err != nil {
		return nil, &failure{"internal_error", "a request to the inner API", "an address that cannot be asked"}
	}
	req.Header.Set(secretHeader, api.cfg.Secret.Reveal())
	req.Header.Set("Accept", "application/json")
	api.cfg.Tracer.Inject(ctx, req.Header)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := api.client.Do(req)
	if err != nil {
		return nil, unreachable(ctx, err)
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusUnauthorized || resp.StatusCode == http.StatusForbidden:
		return nil, &failure{"inner_api_unauthorized", "that it accepts the secret of this service", "status " + strconv.Itoa(resp.StatusCode)}
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		return nil, &failure{"inner_api_status", "status 2xx", "status " + strconv.Itoa(resp.StatusCode)}
	}
	answer, err := io.ReadAll(io.LimitReader(resp.Body, answerMax+1))
	switch {
	case err != nil:
		return nil, unreachable(ctx, err)
	case len(answer) > answerMax:
		return nil, &failure{"inner_api_answer", fmt.Sprintf("at most %d octets", answerMax), "more"}
	case !json.Valid(answer):
		return nil, &failure{"inner_api_answer", "JSON", "something else"}
	}
	return answer, nil
}

// failure says why a call to the inner API yielded nothing. It names no URL and
// no secret.
type failure struct{ reason, expected, received string }

func (f *failure) Error() string {
	return f.reason + ": expected " + f.expected + ", received " + f.received
}

func reasonOf(err error) string {
	var f *failure
	if errors.As(err, &f) {
		return f.reason
	}
	return "internal_error"
}

// unreachable classifies an error of the network. Its text leaves the URL out.
func unreachable(ctx context.Context, err error) *failure {
	var outer *url.Error
	if errors.As(err, &outer) {
		err = outer.Err
	}
	var timeout net.Error
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return &failure{"cancelled", "an answer of the inner API", "the end of the request that needs it"}
	case errors.As(err, &timeout) && timeout.Timeout():
		return &failure{"inner_api_timeout", "an answer of the inner API in time", err.Error()}
	}
	return &failure{"inner_api_unreachable", "an answer of the inner API", err.Error()}
}
