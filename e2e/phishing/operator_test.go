package phishing

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"testing"
)

// settings are what the operator of a preset has set. Strict wants to know the
// networks of the company.
func settings(t *testing.T, dir, preset string) map[string]string {
	t.Helper()
	if preset != "strict" {
		return map[string]string{"POLICY": preset}
	}
	return map[string]string{
		"INCIDENT_EXEMPT_NETWORKS": "203.0.113.0/24,198.18.251.0/24",
		"POLICY_FILE": write(t, dir, "policy.yaml", []byte(`policy:
  preset: strict
  trusted_networks: [198.51.100.0/24, 203.0.113.0/24, 198.18.251.0/24]
`)),
	}
}

// incidentsOf are the ids of the incidents whose source is the attacker's: the
// network or the name of one of these logins. Honest people can cause others.
func (s *service) incidentsOf(logins []*login) (ids []string) {
	s.t.Helper()
	var found struct {
		Data []struct {
			ID     string
			Source struct {
				Kind    string
				Network string
				Label   string `json:"device_label"`
			}
		}
	}
	s.administer(http.MethodGet, "/incidents", nil, &found)
	for _, i := range found.Data {
		if slices.ContainsFunc(logins, func(l *login) bool {
			if i.Source.Kind == "devices" {
				return i.Source.Label == cmp.Or(l.device.Label, l.device.ClientID)
			}
			return netip.MustParsePrefix(i.Source.Network).Contains(netip.MustParseAddr(l.from))
		}) {
			ids = append(ids, i.ID)
		}
	}
	return ids
}

// contain ends, as an administrator, what the attacker's incidents got.
func (s *service) contain(logins []*login) {
	s.t.Helper()
	for _, id := range s.incidentsOf(logins) {
		s.administer(http.MethodPost, "/incidents/"+id+"/contain", map[string]bool{"dry_run": false}, &struct{}{})
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
