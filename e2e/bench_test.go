package e2e

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// BenchmarkPoll is the hot path: a device that waits, asked for over HTTP.
func BenchmarkPoll(b *testing.B) {
	for _, s := range []stores{embedded, production} {
		b.Run(s.name, func(b *testing.B) {
			w, codes := benchWorld(b, s), ""
			started, err := w.device().Start(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			codes = url.Values{"client_id": {"difyctl"}, "device_code": {started.DeviceCode}}.Encode()
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					ask(b, http.MethodPost, w.public+"/openapi/v1/oauth/device/token", codes, "", http.StatusBadRequest)
				}
			})
		})
	}
}

// BenchmarkAccount is what an API pays to have a bearer token checked here.
func BenchmarkAccount(b *testing.B) {
	for _, s := range []stores{embedded, production} {
		b.Run(s.name, func(b *testing.B) {
			w := benchWorld(b, s)
			device := w.device()
			codes := w.start(device)
			w.ends(w.person("alice", "approve"), codes, "approved")
			token := w.polls(device, codes, "")
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					ask(b, http.MethodGet, w.public+"/openapi/v1/account", "", "Bearer "+token.AccessToken, http.StatusOK)
				}
			})
		})
	}
}

func benchWorld(b *testing.B, s stores) *world {
	b.Helper()
	database, redis := s.open(b)
	w := newWorld(b, database, redis)
	w.env["OPENAPI_RATE_LIMIT_PER_TOKEN"], w.env["LOG_LEVEL"] = "0", "error"
	w.serve()
	return w
}

var benchClient = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}

func ask(b *testing.B, method, address, form, authorization string, want int) {
	req, err := http.NewRequest(method, address, strings.NewReader(form))
	if err != nil {
		b.Error(err)
		return
	}
	if form != "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	resp, err := benchClient.Do(req)
	if err != nil {
		b.Error(err)
		return
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	if resp.StatusCode != want {
		b.Errorf("got %s", resp.Status)
	}
}
