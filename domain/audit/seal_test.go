package audit_test

import (
	"strings"
	"testing"
	"time"

	"github.com/devicegate/devicegate/domain/audit"
)

// Heads that operators have written down depend on it.
func TestTheChainNeverChanges(t *testing.T) {
	first := audit.BeginDay("2026-11-25", audit.Chain{})
	e := fullEvent(t)
	got := []string{first.Hex(), first.Then(e).Hex(), audit.BeginDay("2026-11-26", first.Then(e)).Hex()}
	want := []string{
		"97a9d4f655a603607afd923ae0e4fe7dba6785983a8c1378066831c15a02b51d",
		"a252379d9833d17d89e90dce76e6be0c878ab492cfeb4f59c02b562ed264d164",
		"060ff9e534b81218ad03b236001d6d8e53ef41da6a61fa7e13fc095b03eb50db",
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("step %d: got %s, want %s", i, got[i], want[i])
		}
	}
	changed := e
	changed.Reason = "another"
	if first.Then(changed) == first.Then(e) || first.Then(e).Then(e) == first.Then(e) {
		t.Error("got a chain that does not depend on the event, or on that alone, want one of all before")
	}
}

func TestAChainComesBackFromText(t *testing.T) {
	c := audit.BeginDay("2026-11-25", audit.Chain{})
	if back, err := audit.ParseChain(c.Hex()); err != nil || back != c {
		t.Errorf("got %x, %v, want %x", back, err, c)
	}
	for _, text := range []string{"", "ab", c.Hex() + "00", strings.Repeat("z", 64)} {
		if _, err := audit.ParseChain(text); err == nil {
			t.Errorf("got no error for %q, want one", text)
		}
	}
}

func TestDaysFollowOneAnother(t *testing.T) {
	late := time.Date(2028, 2, 28, 23, 59, 0, 0, time.UTC)
	d := audit.DayOf(late)
	if d != "2028-02-28" || d.Next() != "2028-02-29" || d.Next().Next() != "2028-03-01" || !audit.Day("x").Begins().IsZero() {
		t.Errorf("got %s, %s, %s, want the leap day between", d, d.Next(), d.Next().Next())
	}
}
