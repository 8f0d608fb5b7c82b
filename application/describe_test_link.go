package application

import (
	"context"

	"github.com/devicegate/devicegate/domain/acsmove"
	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/ports"
)

// DescribeTest tells the browser that opened a test how that stands.
type DescribeTest struct {
	store ports.Store
	now   ports.Clock
}

// NewDescribeTest makes the use case.
func NewDescribeTest(store ports.Store, now ports.Clock) *DescribeTest {
	return &DescribeTest{store, now}
}

// TestResult is how a test stands.
type TestResult struct {
	Connection string // slug
	Outcome    acsmove.Outcome
	Test       acsmove.TestSnapshot
	Moved      bool // requests name the canonical callback
}

// Execute returns [acsmove.ErrUnknownTest].
func (uc *DescribeTest) Execute(ctx context.Context, browser approval.BrowserBinding) (out TestResult, err error) {
	if browser.IsZero() {
		return out, acsmove.ErrUnknownTest
	}
	err = uc.store.View(ctx, func(ctx context.Context, r ports.Reader) error {
		move, err := r.ACSLedger().MoveByBrowser(ctx, browser.Digest())
		if err != nil {
			return err
		}
		s := move.Snapshot()
		out = TestResult{s.Connection, s.Test.Outcome(uc.now()), s.Test, !s.MovedAt.IsZero()}
		return nil
	})
	return out, err
}
