package applicationtest

import (
	"testing"

	"github.com/devicegate/devicegate/domain/resource"
)

// APISecret is the secret of both resource servers of a [Fixture].
const APISecret = "the secret+of the API%"

// servers are the resource servers of a [Fixture]: api and billing.
func servers(t testing.TB) resource.Servers {
	t.Helper()
	var known []resource.Server
	for _, id := range []string{"api", "billing"} {
		s, err := resource.ParseServer(id + ":" + APISecret)
		if err != nil {
			t.Fatal(err)
		}
		known = append(known, s)
	}
	return resource.NewServers(known...)
}
