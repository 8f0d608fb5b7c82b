package token_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/token"
)

func TestFiltersAreRead(t *testing.T) {
	for want, text := range map[string]token.FilterText{
		"all": {},
		`subject_email="ann@acme.example" subject_issuer="https://idp.acme.example"`: {"subject_email": " Ann@Acme.Example", "subject_issuer": "https://idp.acme.example"},
		`connection="acme" client_id="difyctl" device_label="a \"laptop\""`:          {"connection": "acme", "client_id": "difyctl", "device_label": `a "laptop"`},
		`issued_after="2026-11-01T00:00:00Z" issued_before="2026-11-28T14:04:05.5Z"`: {"issued_after": "2026-11-01", "issued_before": "2026-11-28T15:04:05.5+01:00"},
		`used_after="2026-11-01T00:00:00Z" used_before="2026-11-02T00:00:00Z"`:       {"used_after": "2026-11-01", "used_before": "2026-11-02"},
		`fetched_from="192.0.2.0/24"`:                                                {"fetched_from": "192.0.2.77/24"},
		`fetched_from="192.0.2.7/32"`:                                                {"fetched_from": "::ffff:192.0.2.7"},
		`fetched_from="2001:db8::1/128"`:                                             {"fetched_from": "2001:db8::1"},
		`fetched_from="0.0.0.0/0"`:                                                   {"fetched_from": "0.0.0.0/0"},
	} {
		f, err := token.ParseFilter(text)
		if err != nil || f.String() != want || f.IsZero() != (want == "all") {
			t.Errorf("got %s and %v, want %s", f, err, want)
		}
	}
}

func TestInvalidFiltersAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		text  token.FilterText
		field string
	}{
		"an address without domain":   {token.FilterText{"subject_email": "ann"}, "subject_email"},
		"a list of addresses":         {token.FilterText{"subject_email": "ann@acme.example,bob@acme.example"}, "subject_email"},
		"an issuer too long":          {token.FilterText{"subject_issuer": strings.Repeat("x", 256)}, "subject_issuer"},
		"a label on two lines":        {token.FilterText{"device_label": "a\nb"}, "device_label"},
		"a label that is not UTF-8":   {token.FilterText{"device_label": "\xff"}, "device_label"},
		"a label of a lost surrogate": {token.FilterText{"device_label": "a\ufffd"}, "device_label"},
		"a client_id too long":        {token.FilterText{"client_id": strings.Repeat("x", 256)}, "client_id"},
		"a value that was forgotten":  {token.FilterText{"client_id": "difyctl", "subject_email": ""}, "subject_email"},
		"a value of blanks":           {token.FilterText{"subject_issuer": " "}, "subject_issuer"},
		"a field unknown":             {token.FilterText{"issuer": "x"}, `"issuer"`},
		"a connection with a control": {token.FilterText{"connection": "\x00"}, "connection"},
		"a day that is not":           {token.FilterText{"issued_after": "2026-02-30"}, "issued_after"},
		"a time without zone":         {token.FilterText{"issued_before": "2026-11-28T10:00:00"}, "issued_before"},
		"a word for a time":           {token.FilterText{"used_before": "yesterday"}, "used_before"},
		"an American date":            {token.FilterText{"used_after": "11/28/2026"}, "used_after"},
		"issued in no time":           {token.FilterText{"issued_after": "2026-11-28", "issued_before": "2026-11-28"}, "issued_before"},
		"used backwards":              {token.FilterText{"used_after": "2026-11-28", "used_before": "2026-11-27"}, "used_before"},
		"a network of 33 bits":        {token.FilterText{"fetched_from": "192.0.2.0/33"}, "fetched_from"},
		"a host name":                 {token.FilterText{"fetched_from": "host.example"}, "fetched_from"},
		"an address with a zone":      {token.FilterText{"fetched_from": "fe80::1%eth0"}, "fetched_from"},
		"two families in one":         {token.FilterText{"fetched_from": "::ffff:192.0.2.0/120"}, "fetched_from"},
		"a range":                     {token.FilterText{"fetched_from": "192.0.2.1-192.0.2.9"}, "fetched_from"},
	} {
		f, ok := fault.Of(func() error { _, err := token.ParseFilter(c.text); return err }())
		if !ok || f.Code != "invalid_filter" || !strings.HasPrefix(f.Message, c.field+" ") {
			t.Errorf("%s: got %v, want invalid_filter about %s", name, f, c.field)
		}
	}
}

func TestAnEmptyFilterNeedsTheWordAll(t *testing.T) {
	one := token.Filter{ClientID: "difyctl"}
	for _, c := range []struct {
		filter token.Filter
		all    bool
		want   error
	}{
		{token.Filter{}, false, token.ErrEmptyFilter},
		{token.Filter{}, true, nil},
		{one, false, nil},
		{one, true, token.ErrFilterAndAll},
	} {
		if err := c.filter.CheckExplicit(c.all); !errors.Is(err, c.want) {
			t.Errorf("%s, all %t: got %v, want %v", c.filter, c.all, err, c.want)
		}
	}
}

func TestFiltersMatchTokensThatAreAboutToBeIssued(t *testing.T) {
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		filter token.Filter
		want   bool
	}{
		{token.Filter{}, true},
		{token.Filter{ClientID: "difyctl"}, true},
		{token.Filter{IssuedAfter: now}, true},
		{token.Filter{IssuedAfter: now.Add(1)}, false},
		{token.Filter{IssuedBefore: now}, false},
		{token.Filter{IssuedBefore: now.Add(1)}, true},
		{token.Filter{UsedAfter: now.Add(-time.Hour)}, false},
		{token.Filter{UsedBefore: now}, false},
		{token.Filter{UsedBefore: now.Add(1)}, true},
	} {
		if got := c.filter.MatchesIssueAt(now); got != c.want {
			t.Errorf("%s: got %t, want %t", c.filter, got, c.want)
		}
	}
}
