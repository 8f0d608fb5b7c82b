package config

import (
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/devicegate/devicegate/adapters/database"
	"github.com/devicegate/devicegate/adapters/httpserver"
	"github.com/devicegate/devicegate/adapters/redis"
)

// Setting is one setting as it is in force.
type Setting struct {
	Name   string `json:"name"`
	Value  string `json:"value"` // of a secret: that there is one
	Source string `json:"source"`
	Secret bool   `json:"secret"`
	// Warning is set for a variable that is no setting and probably was meant to be.
	Warning string `json:"warning,omitempty"`
}

const (
	masked    = "[secret]"
	hidden    = "xxxxx" // in an address, as [url.URL.Redacted] writes it
	byDefault = "default"
)

// Effective lists every setting with its value and where that came from. A
// value that [Load] refuses is listed as it was read. Misspelt settings come last,
// without a value.
func (v Variables) Effective() []Setting {
	e, wrong := parse(v.Values)
	_, through := values(v.Values, &problems{settled: map[string]bool{}})
	fields := reflect.ValueOf(e)
	var all []Setting
	for i, s := range variables() {
		one := Setting{Name: s.name, Value: written(fields.Field(i)), Source: byDefault, Secret: s.secret}
		if name := through[s.name]; name != "" {
			one.Source = v.source(s.name, name)
			if wrong.settled[s.name] && !s.secret {
				one.Value = v.Values[name]
			}
		}
		all = append(all, one.derived(e).safe())
	}
	for _, w := range v.Misspelt() {
		all = append(all, Setting{Name: w.Setting, Source: v.source(w.Setting, w.Setting), Warning: w.Text})
	}
	return all
}

// source says where a setting's variable came from.
func (v Variables) source(setting, variable string) string {
	from := "environment"
	if at := v.origin[variable]; at != "" {
		from = at
	}
	switch variable {
	case setting:
		return from
	case setting + "_FILE":
		return fmt.Sprintf("%s (%s, %s)", v.Values[variable], variable, from)
	}
	return from + ", as " + variable
}

// derived fills in what follows from other settings.
func (s Setting) derived(e environment) Setting {
	if s.Source != byDefault {
		return s
	}
	switch s.Name {
	case "WEB_URL":
		if e.PublicURL != "" {
			s.Value, s.Source = e.WebURL, "PUBLIC_URL"
		}
	case "DB_MAX_IDLE_CONNS":
		s.Value, s.Source = strconv.Itoa(e.DBMaxConns), "DB_MAX_CONNS"
	case "LICENSE_STATUS":
		if e.EnterpriseAPIURL != "" {
			s.Value, s.Source = "", "ENTERPRISE_API_URL"
		} else {
			s.Value = "active"
		}
	case "DATABASE_URL":
		s.Value = e.databaseURL()
		if e.DBHost != "" {
			s.Source = "DB_HOST and its companions"
		}
	case "REDIS_URL":
		s.Value = e.redisURL()
		if s.Value != "" {
			s.Source = "REDIS_HOST and its companions"
		}
	}
	return s
}

// safe shows nothing of a secret. Of the address of a store it shows what is no
// secret, if the address is one.
func (s Setting) safe() Setting {
	u, err := url.Parse(s.Value)
	switch {
	case s.Value == "":
	case s.Name == "DATABASE_URL" && database.Config{URL: s.Value}.Check() == nil && err == nil,
		s.Name == "REDIS_URL" && redis.Config{URL: s.Value}.Check() == nil && err == nil:
		s.Value = withoutSecrets(u)
	case s.Secret, err == nil && u.User != nil:
		s.Value = masked
	case (s.Name == "PUBLIC_URL" || s.Name == "WEB_URL") && err == nil:
		s.Value = httpserver.Normal(u).String()
	}
	return s
}

// openParameters are those of a store's address that are no secrets.
var openParameters = []string{"sslmode", "sslrootcert", "application_name", "connect_timeout", "default_query_exec_mode", "target_session_attrs", "addr", "master_set", "db", "dial_timeout"}

func withoutSecrets(u *url.URL) string {
	parameters := u.Query()
	for name := range parameters {
		if !slices.Contains(openParameters, name) {
			parameters.Set(name, hidden)
		}
	}
	u.RawQuery = parameters.Encode()
	return u.Redacted()
}

// written is a value as operators would write it.
func written(value reflect.Value) string {
	switch v := value.Interface().(type) {
	case []string:
		return strings.Join(v, ",")
	case time.Time:
		if v.IsZero() {
			return ""
		}
		return v.Format(time.RFC3339)
	}
	return fmt.Sprint(value.Interface())
}
