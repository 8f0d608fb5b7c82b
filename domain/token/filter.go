package token

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/identity"
)

// Filter says which tokens are meant: those that match every field that is set.
// The zero Filter matches all. Tokens of accounts, which another issuer makes,
// match no filter.
type Filter struct {
	Email      identity.Email
	Issuer     string
	Connection string // slug, through which the person who approved had signed in
	ClientID   string
	Label      string

	IssuedAfter, IssuedBefore time.Time // at the first or later, before the second
	// UsedAfter matches tokens that were used at that time or later. UsedBefore
	// matches those that were not; one that was never used counts by its issue.
	UsedAfter, UsedBefore time.Time

	// FetchedFrom is the network of the device that fetched the token.
	FetchedFrom netip.Prefix
}

// FilterText is a [Filter] as administrators write it: values by the names of
// fields, which are those of the administrators' API. Times are RFC 3339, or a day
// (its beginning in UTC); fetched_from is a network or an address.
type FilterText map[string]string

// FilterFields are the names that a [FilterText] can have.
var FilterFields = []string{
	"subject_email", "subject_issuer", "connection", "client_id", "device_label",
	"issued_after", "issued_before", "used_after", "used_before", "fetched_from",
}

var (
	// ErrEmptyFilter refuses to end every token by a filter that was forgotten.
	ErrEmptyFilter = fault.New(fault.Unprocessable, "empty_filter",
		"The filter is empty, which would end every token. Give a filter, or say all explicitly.")
	// ErrFilterAndAll refuses a filter together with the word that there is none.
	ErrFilterAndAll = fault.New(fault.Unprocessable, "empty_filter",
		"Both all and a filter are given. Leave one of them out.")
)

// invalidFilter is the refusal of a filter that cannot be meant.
func invalidFilter(field, reason string) error {
	return fault.New(fault.Unprocessable, "invalid_filter", field+" "+reason)
}

// ParseFilter reads a filter. It returns a refusal with the code invalid_filter
// that names a field that cannot be meant. An empty value is one: left out, it
// would widen the filter.
func ParseFilter(t FilterText) (f Filter, err error) {
	for name, value := range t {
		switch {
		case !slices.Contains(FilterFields, name):
			return Filter{}, invalidFilter(strconv.Quote(name), "is not known. The fields are "+strings.Join(FilterFields, ", ")+".")
		case strings.TrimSpace(value) == "":
			return Filter{}, invalidFilter(name, "is empty. Leave it out if it does not matter.")
		}
	}
	if t["subject_email"] != "" {
		if f.Email, err = identity.ParseEmail(t["subject_email"]); err != nil {
			return Filter{}, invalidFilter("subject_email", "is not an e-mail address.")
		}
	}
	for name, into := range map[string]*string{
		"subject_issuer": &f.Issuer, "connection": &f.Connection, "client_id": &f.ClientID, "device_label": &f.Label,
	} {
		// Decoders put U+FFFD where the bytes are no text.
		if *into = t[name]; strings.ContainsRune(*into, utf8.RuneError) || utf8.RuneCountInString(*into) > longestText || strings.ContainsFunc(*into, unicode.IsControl) {
			return Filter{}, invalidFilter(name, fmt.Sprintf("has at most %d characters, and none that is a control character or no text.", longestText))
		}
	}
	for name, into := range map[string]*time.Time{
		"issued_after": &f.IssuedAfter, "issued_before": &f.IssuedBefore, "used_after": &f.UsedAfter, "used_before": &f.UsedBefore,
	} {
		if *into, err = parseMoment(t[name]); err != nil {
			return Filter{}, invalidFilter(name, "is not a time. Write 2026-11-28T15:04:05Z, or 2026-11-28 for the beginning of that day in UTC.")
		}
	}
	switch {
	case reversed(f.IssuedAfter, f.IssuedBefore):
		return Filter{}, invalidFilter("issued_before", "is not later than issued_after: no token lies between.")
	case reversed(f.UsedAfter, f.UsedBefore):
		return Filter{}, invalidFilter("used_before", "is not later than used_after: no token lies between.")
	}
	if f.FetchedFrom, err = parseNetwork(t["fetched_from"]); err != nil {
		return Filter{}, invalidFilter("fetched_from", "is not a network. Write 192.0.2.0/24, 2001:db8::/32 or one address.")
	}
	return f, nil
}

// longestText is that of the columns of stored tokens.
const longestText = 255

func parseMoment(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.DateOnly, text)
	if err != nil {
		at, err = time.Parse(time.RFC3339Nano, text)
	}
	return at.UTC(), err
}

func reversed(after, before time.Time) bool {
	return !after.IsZero() && !before.IsZero() && !after.Before(before)
}

func parseNetwork(text string) (netip.Prefix, error) {
	if text == "" {
		return netip.Prefix{}, nil
	}
	if ip, err := netip.ParseAddr(text); err == nil && ip.Zone() == "" {
		ip = ip.Unmap()
		return netip.PrefixFrom(ip, ip.BitLen()), nil
	}
	network, err := netip.ParsePrefix(text)
	if err == nil && network.Addr().Is4In6() {
		return netip.Prefix{}, fmt.Errorf("token: %s mixes address families", text)
	}
	return network.Masked(), err
}

// IsZero reports whether the filter matches all tokens.
func (f Filter) IsZero() bool { return f == Filter{} }

// CheckExplicit returns [ErrEmptyFilter] for a filter that matches all unless all
// says so, and [ErrFilterAndAll] if all contradicts the filter.
func (f Filter) CheckExplicit(all bool) error {
	switch {
	case f.IsZero() && !all:
		return ErrEmptyFilter
	case !f.IsZero() && all:
		return ErrFilterAndAll
	}
	return nil
}

// MatchesIssueAt reports whether the filter's times match a token that is issued
// at the given time and not used.
func (f Filter) MatchesIssueAt(at time.Time) bool {
	return !at.Before(f.IssuedAfter) && f.UsedAfter.IsZero() &&
		(f.IssuedBefore.IsZero() || at.Before(f.IssuedBefore)) && (f.UsedBefore.IsZero() || at.Before(f.UsedBefore))
}

// String names the fields that are set, for audit events.
func (f Filter) String() string {
	var set []string
	for _, text := range [][2]string{
		{"subject_email", f.Email.String()},
		{"subject_issuer", f.Issuer},
		{"connection", f.Connection},
		{"client_id", f.ClientID},
		{"device_label", f.Label},
		{"issued_after", momentText(f.IssuedAfter)},
		{"issued_before", momentText(f.IssuedBefore)},
		{"used_after", momentText(f.UsedAfter)},
		{"used_before", momentText(f.UsedBefore)},
	} {
		if text[1] != "" {
			set = append(set, fmt.Sprintf("%s=%q", text[0], text[1]))
		}
	}
	if f.FetchedFrom.IsValid() {
		set = append(set, fmt.Sprintf("fetched_from=%q", f.FetchedFrom))
	}
	if len(set) == 0 {
		return "all"
	}
	return strings.Join(set, " ")
}

func momentText(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.Format(time.RFC3339Nano)
}
