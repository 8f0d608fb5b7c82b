package bootstrap

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/devicegate/devicegate/adapters/memory"
	"github.com/devicegate/devicegate/domain/client"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/policy"
)

func TestMisspeltNamesInAPolicyAreReportedAtStart(t *testing.T) {
	clients, err := client.NewDirectory(client.Must(client.Settings{ID: "difyctl"}))
	if err != nil {
		t.Fatal(err)
	}
	rules := policy.Must(policy.Settings{Rules: []policy.Rule{{
		Name: "rule 1", When: policy.Conditions{Clients: []string{"difyctl", "difctl"}, Connections: []string{"acme"}}, Then: policy.Type,
	}}})
	var logs bytes.Buffer
	warnOfPolicy(t.Context(), memory.NewPolicies(rules), memory.NewClients(clients), memory.NewConnections(connection.Directory{}), slog.New(slog.NewTextHandler(&logs, nil)))
	if got := logs.String(); !strings.Contains(got, "client_id=difctl") || !strings.Contains(got, "connection=acme") || strings.Contains(got, "client_id=difyctl") {
		t.Errorf("got the log %s, want the two names that are not known", got)
	}
}
