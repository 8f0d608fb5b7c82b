package application

import (
	"context"
	"strings"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/ports"
)

// CloseLegacyACS makes sure that no connection needs the legacy callback, before it
// is switched off.
type CloseLegacyACS struct {
	store       ports.Store
	connections ports.Connections
	now         ports.Clock
}

// NewCloseLegacyACS makes the use case.
func NewCloseLegacyACS(store ports.Store, connections ports.Connections, now ports.Clock) *CloseLegacyACS {
	return &CloseLegacyACS{store, connections, now}
}

// Closing is how the legacy callback is switched off.
type Closing struct {
	Forced bool // although connections need it
	DryRun bool // only check
	By     audit.Actor
	Origin request.Origin
}

// Execute returns [LegacyNeededError] unless no connection needs the callback. That
// it may be switched off is on record then; with Forced, which connections need it.
func (uc *CloseLegacyACS) Execute(ctx context.Context, in Closing) error {
	states, err := acsStates(ctx, uc.store, uc.connections, uc.now())
	if err != nil {
		return err
	}
	var needing []ACSState
	var slugs []string
	for _, s := range states {
		if s.Needs != "" {
			needing, slugs = append(needing, s), append(slugs, s.Connection.Slug())
		}
	}
	if len(needing) > 0 && !in.Forced {
		return LegacyNeededError{needing}
	}
	if in.DryRun {
		return nil
	}
	return uc.store.Update(ctx, func(ctx context.Context, tx ports.Tx) error {
		e := audit.New(audit.ACSLegacyClosed, in.By, uc.now(), in.Origin)
		if len(needing) > 0 {
			e.Reason, e.Detail = "forced", "needed by "+strings.Join(slugs, ", ")
		}
		return tx.Audit().Record(ctx, e)
	})
}

var errLegacyNeeded = fault.New(fault.Conflict, "legacy_callback_needed", "The legacy callback is still needed. Move the connections that need it first.")

// LegacyNeededError says that connections cannot do without the legacy callback.
type LegacyNeededError struct{ By []ACSState }

func (e LegacyNeededError) Error() string {
	text := "the legacy callback is still needed:"
	for _, s := range e.By {
		text += "\n  connection " + s.Connection.Slug() + ": " + s.Needs
	}
	return text
}

// Unwrap is the refusal, with the connections in its message.
func (e LegacyNeededError) Unwrap() error {
	text := "The legacy callback is still needed."
	for _, s := range e.By {
		text += " Connection " + s.Connection.Slug() + ": " + s.Needs + "."
	}
	return errLegacyNeeded.Saying(text + " Move these connections first.")
}
