package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/devicegate/devicegate/bootstrap/demo"
)

// difyctl follows the rules of Dify's command-line tool (contract §2, §4), none
// of which this service may break: it polls at once, reads error whatever the
// status, knows four error codes, doubles its interval on slow_down, sends a poll five
// times on 5xx, and takes everything else for the end: a transport error, a 404,
// another error code, an answer without JSON. It joins paths to the server's origin.
type difyctl struct {
	server string
	http   *http.Client
	sleep  func(time.Duration)
}

var (
	errDifyctlDenied  = errors.New("authorization denied")
	errDifyctlExpired = errors.New("code expired before authorization")
	errDifyctl5xx     = errors.New("poll unavailable after retries")
)

func (w *fixture) difyctl(server string) difyctl {
	d := difyctl{server: server, http: &http.Client{Timeout: 30 * time.Second}, sleep: w.skip}
	if server == w.public { // a front has answers of its own
		d.http.Transport = described{w.t}
	}
	return d
}

func (d difyctl) send(ctx context.Context, method, path, bearer string, in any) (status int, body []byte, err error) {
	origin, err := url.Parse(d.server)
	if err != nil {
		return 0, nil, err
	}
	address, err := origin.Parse("/openapi/v1/" + path)
	if err != nil {
		return 0, nil, err
	}
	text, err := json.Marshal(in)
	if err != nil {
		return 0, nil, err
	}
	req, err := http.NewRequestWithContext(ctx, method, address.String(), bytes.NewReader(text))
	if err != nil {
		return 0, nil, err
	}
	if method != http.MethodPost {
		req.Body, req.ContentLength = nil, 0
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	resp, err := d.http.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(resp.Body)
	return resp.StatusCode, body, err
}

func (d difyctl) start(ctx context.Context, label string) (codes demo.Codes, err error) {
	status, body, err := d.send(ctx, http.MethodPost, "oauth/device/code", "", map[string]string{"client_id": "difyctl", "device_label": label})
	if err != nil {
		return codes, err
	}
	if status != http.StatusOK {
		return codes, fmt.Errorf("start failed: %d", status)
	}
	if err := json.Unmarshal(body, &codes); err != nil {
		return codes, err
	}
	if codes.DeviceCode == "" || codes.UserCode == "" || codes.URI == "" {
		return codes, fmt.Errorf("answer incomplete: %s", body)
	}
	return codes, nil
}

type difyctlToken struct {
	Error        string  `json:"error"`
	Token        string  `json:"token"`
	ID           string  `json:"token_id"`
	SubjectType  string  `json:"subject_type"`
	SubjectEmail string  `json:"subject_email"`
	Account      *string `json:"account"`
	Workspaces   []any   `json:"workspaces"`
}

// wait polls until it is over.
func (d difyctl) wait(ctx context.Context, codes demo.Codes) (difyctlToken, error) {
	const most = time.Minute
	for interval := time.Duration(codes.Interval) * time.Second; ; {
		got, err := d.poll(ctx, codes)
		switch {
		case err != nil:
			return got, err
		case got.Error == "":
			return got, nil
		case got.Error == "slow_down":
			interval = min(2*interval, most)
		case got.Error == "access_denied":
			return got, errDifyctlDenied
		case got.Error == "expired_token":
			return got, errDifyctlExpired
		}
		d.sleep(interval)
	}
}

func (d difyctl) poll(ctx context.Context, codes demo.Codes) (got difyctlToken, err error) {
	for pause := time.Second; ; pause *= 2 {
		status, body, err := d.send(ctx, http.MethodPost, "oauth/device/token", "", map[string]string{"client_id": "difyctl", "device_code": codes.DeviceCode})
		switch {
		case err != nil:
			return got, err
		case status == http.StatusNotFound:
			return got, errors.New("this host has no device flow")
		case status >= 500 && pause == 16*time.Second:
			return got, errDifyctl5xx
		case status >= 500:
			d.sleep(pause)
			continue
		}
		if err := json.Unmarshal(body, &got); err != nil {
			return got, err
		}
		switch {
		case got.Error == "" && got.Token == "":
			return got, fmt.Errorf("%d with no envelope", status)
		case got.Error != "" && got.Error != "authorization_pending" && got.Error != "slow_down" && got.Error != "expired_token" && got.Error != "access_denied":
			return got, fmt.Errorf("unknown poll error %q", got.Error)
		}
		return got, nil
	}
}

// difyctlRefusal is what it needs of each error: without one of the three it cannot
// say what happened.
type difyctlRefusal struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Status  int    `json:"status"`
}

func (r difyctlRefusal) Error() string { return fmt.Sprintf("%d %s: %s", r.Status, r.Code, r.Message) }

// call makes a request with a token.
func (d difyctl) call(ctx context.Context, method, path, token string, out any) error {
	status, body, err := d.send(ctx, method, path, token, nil)
	if err != nil {
		return err
	}
	if status/100 == 2 {
		return json.Unmarshal(body, out)
	}
	var no difyctlRefusal
	if err := json.Unmarshal(body, &no); err != nil || no.Code == "" || no.Message == "" || no.Status != status {
		return fmt.Errorf("an error that difyctl cannot read: %d %s", status, body)
	}
	return no
}

type difyctlSessions struct {
	Total   int  `json:"total"`
	HasMore bool `json:"has_more"`
	Data    []struct {
		ID     string `json:"id"`
		Label  string `json:"device_label"`
		Prefix string `json:"prefix"`
	} `json:"data"`
}
