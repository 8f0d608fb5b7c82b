package config

import (
	"net"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/devicegate/devicegate/adapters/database"
	"github.com/devicegate/devicegate/adapters/redis"
)

// loadStores checks the form of the stores' addresses, and leaves to the start
// whether anybody answers there. It repeats none: they hold passwords.
func (c *Config) loadStores(e environment, wrong *problems) {
	c.Database = database.Config{
		URL:          e.databaseURL(),
		Migrate:      database.MigrateMode(wrong.oneOf("MIGRATE", e.Migrate, "auto", "check", "off")),
		DifyAccounts: wrong.oneOf("ACCOUNT_DIRECTORY", e.AccountDirectory, "none", "dify") == "dify",
	}
	switch usable := usableDatabase(c.Database.URL); {
	case e.DatabaseURL != "" && !usable:
		wrong.add("DATABASE_URL", "use postgres://user:password@host:5432/name or sqlite:///path/to/file.db")
	case e.DatabaseURL != "":
	case e.DBHost != "":
		wrong.place("DB", e.DBHost, e.DBPort)
	case !usable:
		wrong.add("DATA_DIR", "%q is no directory for a SQLite file", e.DataDir)
	}
	c.Redis.URL = e.redisURL()
	switch {
	case e.RedisURL != "" && !usableRedis(c.Redis):
		wrong.add("REDIS_URL", "use redis://user:password@host:6379/0, or rediss:// for TLS")
	case e.RedisURL != "":
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
	if !isHost(host) {
		p.add(prefix+"_HOST", "is not a host")
	}
	if !isPort(port) {
		p.add(prefix+"_PORT", "%q is not a port", port)
	}
}

func usableDatabase(address string) bool {
	if file, is := strings.CutPrefix(address, "sqlite:"); is { // opening it would make the file
		path, err := url.PathUnescape(file)
		return err == nil && path != "" && !strings.HasSuffix(path, "/") && !strings.ContainsAny(file, "?#") && !strings.Contains(path, "\x00")
	}
	db, err := database.Open(database.Config{URL: address}) // connects to nothing
	return err == nil && db.Close() == nil
}

// usableRedis tells no reason: those of the library quote the address.
func usableRedis(c redis.Config) bool {
	u, err := url.Parse(c.URL)
	if err != nil || c.Check() != nil {
		return false
	}
	number := strings.TrimPrefix(u.Path, "/")
	switch {
	case u.Scheme == "unix":
		return u.Path != ""
	case u.Opaque != "", u.Port() != "" && !isPort(u.Port()), number != "" && !isNumber(number):
		return false
	}
	return !u.Query().Has("db") || isNumber(u.Query().Get("db"))
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
