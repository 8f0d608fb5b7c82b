package database_test

import (
	"net"
	"testing"

	"github.com/devicegate/devicegate/adapters/database"
	"github.com/devicegate/devicegate/adapters/database/databasetest"
)

// The machine of the first host hangs: its time must leave some to the next.
func TestAHostThatHangsIsSkipped(t *testing.T) {
	u := onTCP(t, postgres(t).URL(t))
	hangs, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = hangs.Close() })
	u.Host = hangs.Addr().String() + "," + u.Host
	s := database.NewStore(databasetest.Open(t, u.String()))
	if err := s.Ready(t.Context()); err != nil {
		t.Errorf("got %v, want the second host to answer", err)
	}
}

func TestAReadOnlyHostOfSeveralIsSkipped(t *testing.T) {
	url := postgres(t).URL(t)
	u := onTCP(t, url)
	db := databasetest.Open(t, url)
	execute(t, db, "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database()); END $$")
	u.Host = "127.0.0.1:1," + u.Host // nothing listens at the first
	unavailable(t, "Ready", database.NewStore(databasetest.Open(t, u.String())).Ready(t.Context()))
	query := u.Query()
	query.Set("target_session_attrs", "read-only")
	u.RawQuery = query.Encode()
	if err := database.NewStore(databasetest.Open(t, u.String())).Ready(t.Context()); err != nil {
		t.Errorf("got %v, want what the URL asks for", err)
	}
}
