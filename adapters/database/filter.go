package database

import (
	"database/sql/driver"
	"net/netip"
	"time"

	"github.com/uptrace/bun"
	"modernc.org/sqlite"

	"github.com/devicegate/devicegate/domain/token"
)

// inNetwork is the condition that an address column lies in a network. PostgreSQL
// knows no zones of addresses. SQLite knows no addresses; it calls
// [addressInNetwork].
func inNetwork(db bun.IDB, column string) string {
	if isPostgres(db) {
		return "split_part(" + column + ", '%', 1)::inet <<= ?::inet"
	}
	return sqliteInNetwork + "(" + column + ", ?)"
}

const sqliteInNetwork = "devicegate_in_network"

func init() {
	sqlite.MustRegisterDeterministicScalarFunction(sqliteInNetwork, 2, addressInNetwork)
}

func addressInNetwork(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
	address, _ := args[0].(string)
	network, _ := args[1].(string)
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return false, nil // as NULL: no address is known
	}
	prefix, err := netip.ParsePrefix(network)
	return err == nil && prefix.Contains(ip.Unmap().WithZone("")), nil
}

// matching narrows q, a query of tokens, to those that a filter matches. It
// leaves out tokens of accounts and, as [token.Restore] refuses them, tokens that
// have no hash although they are not revoked.
func matching(q *bun.SelectQuery, db bun.IDB, wanted token.Filter) *bun.SelectQuery {
	q = q.Where("account_id IS NULL").Where("token_hash IS NOT NULL OR revoked_at IS NOT NULL")
	q = matchingDevice(q, wanted)
	if wanted.Connection != "" {
		q = q.Where(ofRedeemed("a.connection = ?"), text(wanted.Connection))
	}
	if wanted.FetchedFrom.IsValid() {
		q = q.Where(ofRedeemed(inNetwork(db, "a.redeemed_from")), wanted.FetchedFrom.String())
	}
	for _, c := range []struct {
		condition string
		at        time.Time
	}{
		{"created_at >= ?", wanted.IssuedAfter},
		{"created_at < ?", wanted.IssuedBefore},
		{"last_used_at >= ?", wanted.UsedAfter},
		{"coalesce(last_used_at, created_at) < ?", wanted.UsedBefore},
	} {
		if !c.at.IsZero() {
			q = q.Where(c.condition, timestamp(c.at))
		}
	}
	return q
}

// ofRedeemed is a condition on the authorization that was redeemed for a token.
func ofRedeemed(condition string) string {
	return "EXISTS (SELECT 1 FROM device_authorizations AS a WHERE a.token_id = ?TableAlias.id AND a.redeemed_at IS NOT NULL AND " + condition + ")"
}

// matchingDevice narrows q by what tokens and authorizations have alike.
func matchingDevice(q *bun.SelectQuery, wanted token.Filter) *bun.SelectQuery {
	for _, c := range []struct{ condition, value string }{
		{"subject_email = ?", wanted.Email.String()},
		{"subject_issuer = ?", wanted.Issuer},
		{"client_id = ?", wanted.ClientID},
		{"device_label = ?", wanted.Label},
	} {
		if c.value != "" {
			q = q.Where(c.condition, text(c.value))
		}
	}
	return q
}
