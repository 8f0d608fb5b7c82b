package database

import (
	"strings"
	"testing"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/sqlitedialect"
)

func TestASaveOnSQLiteSetsTheColumnsThatDiffer(t *testing.T) {
	hot := &statements{db: bun.NewDB(nil, sqlitedialect.New())}
	before := authorizationRow{ID: id{1}, UserCode: "BCDF-GHJK", Status: "approved", ExpiresAt: timestamp(time.Unix(9, 0))}
	after := before
	after.Status, after.RedeemedAt = "redeemed", timestamp(time.Unix(5, 0))

	q := hot.writeChanged(before, &after)
	if want := `UPDATE "device_authorizations" SET "status" = ?, "redeemed_at" = ? WHERE "id" = ?`; !strings.HasSuffix(q.text, want) || len(q.args) != 3 {
		t.Errorf("got %s with %d values, want %s with 3", q.text, len(q.args), want)
	}
	if got, want := hot.writeChanged(before, &before).text, hot.writeAlone(&before, updating).text; got != want {
		t.Errorf("got %s for a row that does not differ, want %s", got, want)
	}
}
