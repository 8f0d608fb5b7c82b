package enterprise

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
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
		timeout = DefaultTimeout
	}
	return innerAPI{cfg, &http.Client{
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// call sends body (if there is one) as JSON and returns the JSON of the answer.
func (api innerAPI) call(ctx context.Context, method string, body any, path ...string) ([]byte, error) {
	var sent io.Reader = http.NoBody
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		sent = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, api.cfg.URL.JoinPath(path...).String(), sent)
	if err != nil {
		return nil, err
	}
	req.Header.Set(secretHeader, api.cfg.Secret.Reveal())
	req.Header.Set("Accept", "application/json")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := api.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return nil, fmt.Errorf("the inner API answered %d", resp.StatusCode)
	}
	answer, err := io.ReadAll(io.LimitReader(resp.Body, answerMax+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the inner API's answer: %w", err)
	case len(answer) > answerMax:
		return nil, errors.New("the inner API's answer is too large")
	case !json.Valid(answer):
		return nil, errors.New("the inner API's answer is not JSON")
	}
	return answer, nil
}
