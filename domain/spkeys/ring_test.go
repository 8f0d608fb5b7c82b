package spkeys_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/spkeys"
)

var (
	now = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	ops = audit.AdminOf("ops")
)

// pairs are made once, because that is slow.
var pairs = sync.OnceValues(func() (all [3]spkeys.Pair, err error) {
	for i := range all {
		if all[i], err = spkeys.Generate(now); err != nil {
			return all, err
		}
	}
	return all, nil
})

func TestARolloverStepByStep(t *testing.T) {
	p, err := pairs()
	if err != nil {
		t.Fatal(err)
	}
	r, made := spkeys.NewRing(p[0], "made", audit.WorkerOf("serve"), now)
	if made.Kind != audit.KeysMade || made.Reason != "made" || !strings.Contains(made.Detail, p[0].Fingerprint()) {
		t.Errorf("got %+v, want the key made, with its fingerprint", made)
	}
	at := now
	steps := []struct {
		what      string
		wait      time.Duration
		do        func() (audit.Event, error)
		want      error
		kind      audit.Kind
		signs     int
		published []int
		decrypts  []int
	}{
		{"promote without a next one", 0, func() (audit.Event, error) { return r.Promote(true, ops, at, request.Origin{}) }, spkeys.ErrNoNext, "", 0, []int{0}, []int{0}},
		{"retire what is not there", 0, func() (audit.Event, error) { return r.Retire(spkeys.Previous, ops, at, request.Origin{}) }, spkeys.ErrNothingToRetire, "", 0, []int{0}, []int{0}},
		{"retire the active one", 0, func() (audit.Event, error) { return r.Retire(spkeys.Active, ops, at, request.Origin{}) }, spkeys.ErrNothingToRetire, "", 0, []int{0}, []int{0}},
		{"add", 0, func() (audit.Event, error) { return r.AddNext(p[1], ops, at, request.Origin{}) }, nil, audit.KeyAdded, 0, []int{0, 1}, []int{0, 1}},
		{"add another", 0, func() (audit.Event, error) { return r.AddNext(p[2], ops, at, request.Origin{}) }, spkeys.ErrNextExists, "", 0, []int{0, 1}, []int{0, 1}},
		{"promote too early", 24*time.Hour - 1, func() (audit.Event, error) { return r.Promote(false, ops, at, request.Origin{}) }, spkeys.ErrTooFresh, "", 0, []int{0, 1}, []int{0, 1}},
		{"promote", 1, func() (audit.Event, error) { return r.Promote(false, ops, at, request.Origin{}) }, nil, audit.KeyPromoted, 1, []int{1}, []int{1, 0}},
		{"add the next but one", 0, func() (audit.Event, error) { return r.AddNext(p[2], ops, at, request.Origin{}) }, nil, audit.KeyAdded, 1, []int{1, 2}, []int{1, 2, 0}},
		{"promote before the previous one is retired", 0, func() (audit.Event, error) { return r.Promote(true, ops, at, request.Origin{}) }, spkeys.ErrPreviousExists, "", 1, []int{1, 2}, []int{1, 2, 0}},
		{"retire the previous one", 0, func() (audit.Event, error) { return r.Retire(spkeys.Previous, ops, at, request.Origin{}) }, nil, audit.KeyRetired, 1, []int{1, 2}, []int{1, 2}},
		{"promote early", 0, func() (audit.Event, error) { return r.Promote(true, ops, at, request.Origin{}) }, nil, audit.KeyPromoted, 2, []int{2}, []int{2, 1}},
		{"add one and think again", 0, func() (audit.Event, error) { return r.AddNext(p[0], ops, at, request.Origin{}) }, nil, audit.KeyAdded, 2, []int{2, 0}, []int{2, 0, 1}},
		{"retire the next one", 0, func() (audit.Event, error) { return r.Retire(spkeys.Next, ops, at, request.Origin{}) }, nil, audit.KeyRetired, 2, []int{2}, []int{2, 1}},
	}
	for _, step := range steps {
		at = at.Add(step.wait)
		e, err := step.do()
		if !errors.Is(err, step.want) || e.Kind != step.kind {
			t.Errorf("%s: got %v, event %q, want %v, %q", step.what, err, e.Kind, step.want, step.kind)
		}
		set := r.Set()
		if !set.Active().Key().Equal(p[step.signs].Key()) {
			t.Errorf("%s: got another key that signs, want pair %d", step.what, step.signs)
		}
		published, decrypting := set.Published(), set.Decrypting()
		if len(published) != len(step.published) || len(decrypting) != len(step.decrypts) {
			t.Fatalf("%s: got %d published, %d that decrypt; want %v, %v", step.what, len(published), len(decrypting), step.published, step.decrypts)
		}
		for i, want := range step.published {
			if published[i].Fingerprint() != p[want].Fingerprint() {
				t.Errorf("%s: got another pair published at position %d, want pair %d", step.what, i, want)
			}
		}
		for i, want := range step.decrypts {
			if !decrypting[i].Equal(p[want].Key()) {
				t.Errorf("%s: got another key that decrypts at position %d, want that of pair %d", step.what, i, want)
			}
		}
		if _, err := spkeys.RestoreRing(r.Snapshot()); err != nil {
			t.Errorf("%s: got %v, want it restored", step.what, err)
		}
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		if got := fmt.Sprintf(verb, r.Snapshot()); got != "[SP key pairs]" {
			t.Errorf("got %q from %s, want it redacted", got, verb)
		}
	}
	if _, err := spkeys.RestoreRing(spkeys.RingSnapshot{}); !errors.Is(err, spkeys.ErrNone) {
		t.Errorf("got %v, want ErrNone", err)
	}
	if _, err := spkeys.RestoreRing(spkeys.RingSnapshot{Active: spkeys.RingPair{Pair: p[0]}}); err == nil {
		t.Error("got no error for a pair without a time, want one")
	}
}
