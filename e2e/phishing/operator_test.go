package phishing

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
)

// settings are what the operator of a preset has set. Strict wants to know the
// networks of the company.
func settings(t *testing.T, dir, preset string) map[string]string {
	t.Helper()
	if preset != "strict" {
		return map[string]string{"POLICY": preset}
	}
	return map[string]string{"POLICY_FILE": write(t, dir, "policy.yaml", []byte(`policy:
  preset: strict
  trusted_networks: [198.51.100.0/24, 203.0.113.0/24, 198.18.251.0/24]
`))}
}

// contain ends, as an administrator, what all noticed incidents got.
func (s *service) contain() {
	s.t.Helper()
	var found struct {
		Data []struct{ ID string }
	}
	s.administer(http.MethodGet, "/incidents", nil, &found)
	if len(found.Data) == 0 {
		s.t.Fatal("got no incident to contain, want one")
	}
	for _, i := range found.Data {
		s.administer(http.MethodPost, "/incidents/"+i.ID+"/contain", map[string]bool{"dry_run": false}, &struct{}{})
	}
}

func (s *service) administer(method, path string, in, out any) {
	s.t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		s.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(s.t.Context(), method, fmt.Sprintf("http://%s/admin/v1%s", s.ops, path), bytes.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.admin)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		s.t.Fatalf("%s %s: got %s, want 200", method, path, resp.Status)
	}
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
		s.t.Fatal(err)
	}
}
