package application

import (
	"context"
	"errors"
	"fmt"

	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/quota"
	"github.com/devicegate/devicegate/domain/request"
	"github.com/devicegate/devicegate/ports"
)

// FailedSignIns keeps for auditors why a response was refused. Anybody can send
// responses, so only the first few of a trip, or of an address, are kept; the
// log has the others.
type SignInFailures struct {
	store   ports.Store
	limiter ports.Limiter
	now     ports.Clock
}

// NewFailedSignIns makes the part that use cases share.
func NewSignInFailures(store ports.Store, limiter ports.Limiter, now ports.Clock) *SignInFailures {
	return &SignInFailures{store, limiter, now}
}

// ofTrip keeps cause, a refusal in a trip that is known, and returns it.
func (f *SignInFailures) recordInTransaction(ctx context.Context, transaction *approval.Transaction, cause error, on connection.Mount, origin request.Origin) error {
	s := transaction.Snapshot()
	cause = f.record(ctx, "trip "+s.ID.String(), s.Connection, cause, on, origin)
	if errors.Is(cause, approval.ErrOtherBrowser) {
		return &SignInError{Connection: s.Connection, cause: cause}
	}
	return &SignInError{s.Connection, s.UserCode, cause}
}

// ofNoTrip keeps cause, a refusal of what came back through a connection but
// belongs to no trip, and returns it.
func (f *SignInFailures) recordWithoutTransaction(ctx context.Context, via string, cause error, on connection.Mount, origin request.Origin) error {
	if via == "" {
		return cause
	}
	return f.record(ctx, "address "+quota.ByAddress(origin.IP), via, cause, on, origin)
}

// keep passes outages on: they are no refusals. So it does with what is on
// record already.
func (f *SignInFailures) record(ctx context.Context, counter, via string, cause error, on connection.Mount, origin request.Origin) error {
	told, refused := fault.Of(cause)
	if !refused || told.Kind == fault.Unavailable || errors.Is(cause, approval.ErrAccountEmail) {
		return cause
	}
	if _, err := allow(f.limiter.Take(ctx, quota.FailedSignIns, counter)); err != nil {
		return cause
	}
	reason, detail := told.PageCode(), ""
	var why *approval.Refusal
	if errors.As(cause, &why) {
		reason, detail = why.Reason, why.Detail()
	}
	err := f.store.Update(ctx, func(ctx context.Context, tx ports.Tx) error {
		return tx.Audit().Record(ctx, approval.LoginFailed(via, reason, detail, on, f.now(), origin))
	})
	if err != nil {
		return errors.Join(cause, fmt.Errorf("record failed sign-in: %w", err))
	}
	return cause
}
