package application

import (
	"context"
	"errors"
	"fmt"

	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/ports"
)

// CompareShadows judges live responses also by the change of their connection that is
// being tried. It runs beside the sign-ins: they do not wait for it, and nothing of
// it reaches them.
type CompareShadows struct {
	store    ports.Store
	verifier ports.TrialVerifier
	now      ports.Clock
	waiting  chan offeredResponse
}

// comparisonsWaiting is how many responses may wait; a burst of more is not compared.
const comparisonsWaiting = 64

type offeredResponse struct {
	slug      string
	response  ports.Response
	by        connection.Judged
	requestID string
}

// NewCompareShadows makes the use case. verifier is nil where nothing is judged.
func NewCompareShadows(store ports.Store, verifier ports.TrialVerifier, now ports.Clock) *CompareShadows {
	return &CompareShadows{store, verifier, now, make(chan offeredResponse, comparisonsWaiting)}
}

// offer queues a response and returns at once. It drops it if the queue is full.
func (uc *CompareShadows) offer(via connection.Connection, response ports.Response, assertion approval.VerifiedAssertion, refused error, requestID string) {
	select {
	case uc.waiting <- offeredResponse{via.Slug(), response, judgedAs(assertion, refused), requestID}:
	default:
	}
}

func judgedAs(assertion approval.VerifiedAssertion, refused error) connection.Judged {
	if refused == nil {
		s := assertion.Subject
		return connection.Judged{Email: s.Email().String(), Issuer: s.Issuer(), NameID: s.NameID()}
	}
	var why *approval.Refusal
	if errors.As(refused, &why) {
		return connection.Judged{Reason: why.Reason}
	}
	return connection.Judged{Reason: "internal_error"}
}

// Run compares until ctx ends. What cannot be stored is left out.
func (uc *CompareShadows) Run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case one := <-uc.waiting:
			_ = uc.compare(ctx, one) // the comparison is statistics: one response may be missing
		}
	}
}

func (uc *CompareShadows) compare(ctx context.Context, one offeredResponse) error {
	var shadow *connection.Shadow
	err := uc.store.View(ctx, func(ctx context.Context, r ports.Reader) (err error) {
		shadow, err = r.Shadows().Of(ctx, one.slug)
		return err
	})
	if errors.Is(err, connection.ErrNoShadow) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("find shadow: %w", err)
	}
	tried := shadow.Snapshot()
	assertion, refused := uc.verifier.VerifyWith(ctx, shadow.Connection(), tried.Metadata, one.response)
	return uc.store.Update(ctx, func(ctx context.Context, tx ports.Tx) error {
		shadow, err := tx.Shadows().Of(ctx, one.slug)
		if err != nil {
			return err
		}
		if !shadow.Snapshot().MadeAt.Equal(tried.MadeAt) { // another one since
			return nil
		}
		shadow.Compare(one.by, judgedAs(assertion, refused), one.requestID, uc.now())
		return tx.Shadows().Count(ctx, shadow)
	})
}
