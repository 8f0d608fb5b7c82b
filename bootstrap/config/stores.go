package config

import (
	"net"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/devicegate/devicegate/adapters/database"
	"github.com/devicegate/devicegate/domain/setting"
	"github.com/devicegate/devicegate/domain/token"
)

// loadStores leaves to the start whether the stores answer.
func (c *Config) loadStores(e environment, wrong *problems) {
	c.Database = database.Config{
		URL:             e.databaseURL(),
		Migrate:         database.MigrateMode(e.Migrate),
		MaxConns:        e.DBMaxConns,
		MaxIdleConns:    e.DBMaxIdle,
		ConnMaxLifetime: e.DBConnLife,
		DifyAccounts:    wrong.oneOf("ACCOUNT_DIRECTORY", e.AccountDirectory, "none", "dify") == "dify",
		Clock:           database.NewClock(),
	}
	c.Clock = c.Database.Clock.Now
	names := names{
		"URL": "DATABASE_URL", "Migrate": "MIGRATE", "MaxConns": "DB_MAX_CONNS",
		"MaxIdleConns": "DB_MAX_IDLE_CONNS", "ConnMaxLifetime": "DB_CONN_MAX_LIFETIME",
	}
	switch {
	case e.DatabaseURL != "":
	case e.DBHost != "":
		wrong.place("DB", e.DBHost, e.DBPort)
		names["URL"] = "" // its parts are checked
	default:
		names["URL"] = "DATA_DIR"
	}
	wrong.named(names, c.Database.Check())

	switch wrong.oneOf("WITH_WORKER", e.WithWorker, "auto", "on", "off") {
	case "on":
		c.WithWorker = true
	case "auto": // a file is one machine's: there is no other place for a worker
		c.WithWorker = strings.HasPrefix(c.Database.URL, "sqlite")
	}

	switch wrong.oneOf("TOKEN_CHECKSUM", e.TokenChecksum, "auto", "required", "optional") {
	case "required":
		c.RequireChecksum = true
	case "auto": // no other issuer writes into this file
		c.RequireChecksum = token.RequireChecksum(strings.HasPrefix(c.Database.URL, "sqlite"))
	}

	c.Redis.URL = e.redisURL()
	switch {
	case e.RedisURL != "":
		wrong.named(map[string]string{"URL": "REDIS_URL"}, c.Redis.Check())
	case e.RedisHost != "":
		wrong.place("REDIS", e.RedisHost, e.RedisPort)
		if !isNumber(e.RedisDB) {
			wrong.add("REDIS_DB", "%q is not the number of a database", e.RedisDB)
		}
	}
}

// place checks a host and a port that are given by two settings. Of the host
// nothing is repeated: people put whole addresses there.
func (p *problems) place(prefix, host, port string) {
	if !setting.IsHost(host) {
		p.add(prefix+"_HOST", "is not a host")
	}
	if !setting.IsPort(port) {
		p.add(prefix+"_PORT", "%q is not a port", port)
	}
}

func isNumber(text string) bool {
	_, err := strconv.ParseUint(text, 10, 31)
	return err == nil
}

func (e environment) databaseURL() string {
	switch {
	case e.DatabaseURL != "":
		return e.DatabaseURL
	case e.DBHost != "":
		u := url.URL{Scheme: "postgres", User: url.UserPassword(e.DBUsername, e.DBPassword), Host: hostPort(e.DBHost, e.DBPort), Path: "/" + e.DBDatabase}
		return u.String()
	}
	return "sqlite:" + (&url.URL{Path: filepath.Join(e.DataDir, "devicegate.db")}).EscapedPath()
}

func (e environment) redisURL() string {
	if e.RedisURL != "" || e.RedisHost == "" {
		return e.RedisURL
	}
	u := url.URL{Scheme: "redis", Host: hostPort(e.RedisHost, e.RedisPort), Path: "/" + e.RedisDB}
	if e.RedisUseSSL {
		u.Scheme = "rediss"
	}
	if e.RedisPassword != "" {
		u.User = url.UserPassword(e.RedisUsername, e.RedisPassword)
	}
	return u.String()
}

// hostPort also takes an IPv6 address, in brackets or not.
func hostPort(host, port string) string {
	return net.JoinHostPort(strings.Trim(host, "[]"), port)
}
