package phishing

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/devicegate/devicegate/domain/incident"
)

// clients are the company's command-line tools.
const clients = "difyctl,acme-cli,acme-build"

// settings are what the operator of a preset has set. Strict wants to know the
// networks of the company.
func settings(t *testing.T, dir, preset string) map[string]string {
	t.Helper()
	if preset != "strict" {
		return map[string]string{"POLICY": preset, "OPENAPI_KNOWN_CLIENT_IDS": clients}
	}
	return map[string]string{
		"OPENAPI_KNOWN_CLIENT_IDS": clients,
		"INCIDENT_EXEMPT_NETWORKS": "203.0.113.0/24,198.18.251.0/24",
		"POLICY_FILE": write(t, dir, "policy.yaml", []byte(`policy:
  preset: strict
  trusted_networks: [198.51.100.0/24, 203.0.113.0/24, 198.18.251.0/24]
`)),
	}
}

// operator is an administrator who looks after what is noticed.
type operator struct {
	s       *service
	victims map[string]bool // what people say whom the operator asks
	asked   map[string]bool
}

func newOperator(s *service, victims int) *operator {
	op := &operator{s, map[string]bool{}, map[string]bool{}}
	for i := range victims {
		op.victims[user(i)+"@acme.example"] = true
	}
	return op
}

// noticed is an incident, and the people who approved devices of its source.
type noticed struct {
	ID     string
	State  string
	Source struct{ Kind incident.SourceKind }
	people []string
	spared bool // of them some whom containing all leaves out
}

// incidents are those that hold or have noticed a source which the attacker's logins are
// part of.
// Honest people can cause others.
func (op *operator) incidents(attacker []*login) (all []noticed) {
	op.s.t.Helper()
	var list struct{ Data []noticed }
	op.s.administer(http.MethodGet, "/incidents", nil, &list)
	for _, i := range list.Data {
		if i.State != string(incident.Held) && i.State != string(incident.Noticed) { // of the day before
			continue
		}
		var shown struct {
			Devices []struct {
				Email string `json:"subject_email"`
				Label string `json:"device_label"`
				From  string `json:"requested_from"`
				Near  bool
			}
		}
		op.s.administer(http.MethodGet, "/incidents/"+i.ID, nil, &shown)
		theirs := false
		for _, d := range shown.Devices {
			i.spared = i.spared || d.Near && i.Source.Kind != incident.DevicesAtAddress
			theirs = theirs || slices.ContainsFunc(attacker, func(l *login) bool { return l.from == d.From && cmp.Or(l.device.Label, l.device.ClientID) == d.Label })
			if d.Email != "" && !slices.Contains(i.people, d.Email) {
				i.people = append(i.people, d.Email)
			}
		}
		if theirs {
			all = append(all, i)
		}
	}
	return all
}

// contain ends what the attacker's incidents got: all of it where only victims are
// concerned, else what those people approved who say, when the operator asks each,
// that they started no device.
func (op *operator) contain(attacker []*login) {
	op.s.t.Helper()
	for _, i := range op.incidents(attacker) {
		body := map[string]any{"dry_run": false}
		if victims := op.say(i.people); len(victims) == 0 {
			continue
		} else if len(victims) < len(i.people) || i.spared {
			body["people"] = victims
			for _, one := range i.people {
				op.asked[one] = true
			}
		}
		op.s.administer(http.MethodPost, "/incidents/"+i.ID+"/contain", body, &struct{}{})
	}
}

func (op *operator) say(people []string) (victims []string) {
	for _, one := range people {
		if op.victims[one] {
			victims = append(victims, one)
		}
	}
	return victims
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
