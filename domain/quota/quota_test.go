package quota_test

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/devicegate/devicegate/domain/quota"
)

// The limits are the wire contract's (§2, §3, §4), each with a bucket of its own.
func TestTheLimitsAreTheContracts(t *testing.T) {
	configured := quota.Configure(6000, 60)
	buckets := map[string]bool{}
	for _, c := range []struct {
		limit quota.Limit
		max   int
		per   time.Duration
	}{
		{quota.StartDevice, 60, time.Hour},
		{quota.LookUpDevice, 60, 5 * time.Minute},
		{quota.InitiateSSO, 60, time.Hour},
		{quota.Approve, 10, time.Hour},
		{configured.WrongUserCodes, 6000, time.Hour},
		{configured.PerToken, 60, time.Minute},
		{configured.Introspections, 60_000, time.Minute},
	} {
		if c.limit.Max != c.max || c.limit.Per != c.per {
			t.Errorf("%s: got %d in %s, want %d in %s", c.limit.Name, c.limit.Max, c.limit.Per, c.max, c.per)
		}
		if c.limit.Name == "" || buckets[c.limit.Name] {
			t.Errorf("got the name %q empty or again, want one for each limit", c.limit.Name)
		}
		buckets[c.limit.Name] = true
	}
}

func TestAddressLimitKeys(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"192.0.2.1", "192.0.2.1", true},
		{"192.0.2.1", "192.0.2.2", false},
		{"192.0.2.1", "::ffff:192.0.2.1", true},
		{"::ffff:192.0.2.1", "::ffff:192.0.2.2", false},
		{"2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", true},
		{"2001:db8:1:2::1", "2001:db8:1:3::1", false},
		{"fe80::1%eth0", "fe80::1%eth1", true},
		{"fe80::1%eth0", "fe80::1", true},
		{"::1", "127.0.0.1", false},
	} {
		a, b := quota.ByAddress(netip.MustParseAddr(c.a)), quota.ByAddress(netip.MustParseAddr(c.b))
		if (a == b) != c.same {
			t.Errorf("got %s for %s and %s for %s, want the same: %v", a, c.a, b, c.b, c.same)
		}
	}
	if quota.ByAddress(netip.Addr{}) == "" {
		t.Error("got no counter for an unknown address, want one")
	}
}

// F02: a network is one customer's, whose /48 holds 65,536 networks.
func TestNetworkLimitKeys(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"192.0.2.1", "::ffff:192.0.2.1", true},
		{"192.0.2.1", "192.0.2.2", false},
		{"2001:db8:1:2::1", "2001:db8:1:ffff::1", true},
		{"2001:db8:1::1", "2001:db8:2::1", false},
	} {
		a, b := quota.ByNetwork(netip.MustParseAddr(c.a)), quota.ByNetwork(netip.MustParseAddr(c.b))
		if (a == b) != c.same {
			t.Errorf("%s and %s: got keys %s and %s, want the same: %t", c.a, c.b, a, b, c.same)
		}
	}
}

func TestANetworksShareIsATenthButNoLessThanOneAddressMayTry(t *testing.T) {
	for budget, want := range map[int]int{6000: 600, 1000: 100, 100: 60, 60: 60, 5: 5} {
		if got := quota.Configure(budget, 0).WrongUserCodesPerNetwork.Max; got != want {
			t.Errorf("share of %d: got %d, want %d", budget, got, want)
		}
	}
}

func TestTheKeyOfAnAddressIsItsOwnKey(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ip := netip.AddrFrom16([16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "ip")))
		key := quota.ByAddress(ip)
		of, err := netip.ParsePrefix(key)
		if err != nil { // an IPv4 address in IPv6
			if a, err := netip.ParseAddr(key); err != nil || a != ip.Unmap() {
				t.Errorf("got %s for %s, want %s", key, ip, ip.Unmap())
			}
			return
		}
		if of.Bits() != 64 || !of.Contains(ip) || of.Masked() != of {
			t.Errorf("got %s for %s, want its network of 64 bits", key, ip)
		}
	})
}

func TestATryBeyondTheLimitIsRefused(t *testing.T) {
	if err := (quota.Allowance{Limit: quota.Approve}).Check(); err != nil {
		t.Errorf("the last try: got %v, want none", err)
	}
	if err := (quota.Allowance{Limit: quota.Approve, Exceeded: true}).Check(); !errors.Is(err, quota.ErrExceeded) {
		t.Errorf("one more: got %v, want %v", err, quota.ErrExceeded)
	}
	if !(quota.Allowance{}).IsZero() || (quota.Allowance{Limit: quota.Approve}).IsZero() {
		t.Error("got IsZero wrong, want it true of the zero allowance alone")
	}
}
