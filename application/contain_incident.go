package application

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/incident"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

// ContainIncident ends, for an administrator, what the source of an incident got
// and what it started.
type ContainIncident struct {
	store    ports.Store
	throttle ports.PollThrottle
	notices  *Notices
	rules    incident.Rules
	now      ports.Clock
}

// NewContainIncident makes the use case.
func NewContainIncident(store ports.Store, throttle ports.PollThrottle, notices *Notices, rules incident.Rules, now ports.Clock) *ContainIncident {
	return &ContainIncident{store, throttle, notices, rules, now}
}

// Containment says what an administrator wants.
type Containment struct {
	Incident uid.ID
	// Near asks that also ends what was approved from the device's own network or, if the
	// source is an address, at that address. Of devices alike at one address it always ends.
	Near bool
	// People limits it to what they approved, near or far; nil: it is not limited.
	People []identity.Email
	DryRun bool // count only
}

// Contained is what a [Containment] does or, as a dry run, would do.
type Contained struct {
	Tokens    int            // revoked
	Approvals int            // withdrawn before the device had its token
	Codes     int            // that wait for a decision, ended
	People    []string       // e-mail addresses of those whose approvals these are
	State     incident.State // of the incident then
}

// ErrNotOfIncident says that a person has approved nothing of an incident.
var ErrNotOfIncident = fault.New(fault.Invalid, "not_of_incident",
	"One of these people has approved nothing of this incident. Show the incident to see who has.")

// Execute ends it in one transaction, with one event of the containment and one
// for each token and each approval, of which its person is told by mail. The source
// stays held, or is from now on, see [incident.Rules.Contain]. It returns [ErrNoSuchIncident], [incident.ErrReleased] and
// [ErrNotOfIncident].
func (uc *ContainIncident) Execute(ctx context.Context, wanted Containment, by audit.Actor, origin request.Origin) (Contained, error) {
	work := containing{
		uc: uc, wanted: wanted, by: by, at: uc.now(), origin: origin,
		withdrawn: map[uid.ID]audit.Event{}, people: map[string]bool{},
	}
	if wanted.DryRun {
		err := uc.store.View(ctx, func(ctx context.Context, r ports.Reader) error {
			_, _, err := work.plan(ctx, r.Incidents(), r.Tokens())
			return err
		})
		return work.done, err
	}
	err := uc.store.Update(ctx, work.do)
	if err != nil {
		return Contained{}, err
	}
	for _, code := range work.codes {
		_ = uc.throttle.Invalidate(ctx, code) // a hint; the device finds out without it
	}
	return work.done, nil
}

// containing is the work of one Execute.
type containing struct {
	uc     *ContainIncident
	wanted Containment
	by     audit.Actor
	at     time.Time
	origin request.Origin

	source    incident.Source
	ended     []*device.Authorization
	withdrawn map[uid.ID]audit.Event // of approvals
	tokens    []*token.AccessToken
	revoked   []audit.Event // of tokens
	codes     []secret.Digest
	people    map[string]bool
	done      Contained
}

// plan finds what ends, and ends it in memory.
func (w *containing) plan(ctx context.Context, r ports.IncidentReader, tokens ports.TokenReader) (i *incident.Incident, contained audit.Event, err error) {
	i, err = findIncident(ctx, r, w.wanted.Incident)
	if err != nil {
		return nil, contained, err
	}
	if !i.Snapshot().ReleasedAt.IsZero() {
		return nil, contained, incident.ErrReleased
	}
	w.source = i.Snapshot().Source
	started, err := startedBy(ctx, r, i, w.uc.rules.Since(i))
	if err != nil {
		return nil, contained, err
	}
	if err := w.checkPeople(started); err != nil {
		return nil, contained, err
	}
	for _, a := range started {
		if !w.includes(a) {
			continue
		}
		if err := w.end(ctx, tokens, a.Authorization); err != nil {
			return nil, contained, err
		}
	}
	ended := fmt.Sprintf("tokens: %d; approvals: %d; codes: %d; people: %d", w.done.Tokens, w.done.Approvals, w.done.Codes, len(w.done.People))
	contained, err = w.uc.rules.Contain(i, w.by, len(w.wanted.People) > 0, ended, w.at, w.origin)
	w.done.State = i.State(w.at)
	return i, contained, err
}

// checkPeople returns [ErrNotOfIncident] if a person who is meant has approved
// nothing: an address that is misspelt would end nothing, silently.
func (w *containing) checkPeople(started []startedDevice) error {
	for _, email := range w.wanted.People {
		if !slices.ContainsFunc(started, func(a startedDevice) bool { return a.Snapshot().Subject.Email() == email }) {
			return ErrNotOfIncident
		}
	}
	return nil
}

// includes reports whether the containment ends what the device got.
func (w *containing) includes(a startedDevice) bool {
	if len(w.wanted.People) > 0 {
		return slices.Contains(w.wanted.People, a.Snapshot().Subject.Email())
	}
	return w.wanted.Near || !w.source.Spares(a.where)
}

func (w *containing) end(ctx context.Context, tokens ports.TokenReader, a *device.Authorization) error {
	before := a.Snapshot()
	if withdrawn, changed := a.Contain(w.by, w.at, w.origin); changed {
		w.ended, w.codes = append(w.ended, a), append(w.codes, before.Code)
		switch {
		case withdrawn.ID.IsZero(): // a pending code, which ends without an event
			w.done.Codes++
		case !a.IsRedeemed():
			w.done.Approvals++
			w.withdrawn[before.ID] = withdrawn
			w.addPerson(before)
		}
	}
	if !a.IsRedeemed() {
		return nil
	}
	t, err := tokens.ByID(ctx, before.TokenID)
	if errors.Is(err, token.ErrUnknown) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("find token: %w", err)
	}
	live := t.Valid(w.at) == nil
	revoked, changed := t.Revoke("phishing", w.by, w.at, w.origin)
	if !changed {
		return nil
	}
	revoked.AuthorizationID = before.ID
	w.tokens, w.revoked = append(w.tokens, t), append(w.revoked, revoked)
	if live {
		w.done.Tokens++
		w.addPerson(before)
	}
	return nil
}

func (w *containing) addPerson(d device.Snapshot) {
	email := d.Subject.Email().String()
	if !w.people[email] {
		w.people[email] = true
		w.done.People = append(w.done.People, email)
	}
}

// do plans the containment and saves what it ends. Authorizations are locked before
// tokens.
func (w *containing) do(ctx context.Context, tx ports.Tx) error {
	i, contained, err := w.plan(ctx, tx.Incidents(), tx.Tokens())
	if err != nil {
		return err
	}
	if err := tx.Incidents().Save(ctx, i, contained); err != nil {
		return fmt.Errorf("save incident: %w", err)
	}
	for _, a := range w.ended {
		event, approved := w.withdrawn[a.Snapshot().ID]
		if !approved {
			event = contained
		}
		if err := tx.Authorizations().Save(ctx, a, event); err != nil {
			return fmt.Errorf("save authorization: %w", err)
		}
		if !approved {
			continue
		}
		if err := w.uc.notices.Ended(ctx, tx, event); err != nil {
			return err
		}
	}
	for n, t := range w.tokens {
		if err := tx.Tokens().Save(ctx, t, w.revoked[n]); err != nil {
			return fmt.Errorf("save token: %w", err)
		}
		if err := w.uc.notices.Ended(ctx, tx, w.revoked[n]); err != nil {
			return err
		}
	}
	return nil
}
