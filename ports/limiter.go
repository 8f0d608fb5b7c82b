package ports

import (
	"context"

	"github.com/devicegate/devicegate/domain/quota"
)

// Limiter counts tries in windows that begin with the first one. Counts may be
// lost at any time. An error means that nothing was counted; callers go on.
type Limiter interface {
	// Take counts one try by key. A try beyond the limit is Exceeded.
	Take(ctx context.Context, limit quota.Limit, key string) (quota.Allowance, error)

	// TakeDistinct counts one try by key, but a thing tried before in the same
	// window only once; such a repetition is never Exceeded.
	TakeDistinct(ctx context.Context, limit quota.Limit, key, thing string) (quota.Allowance, error)

	// Left tells what is left without counting; Exceeded says that nothing is.
	Peek(ctx context.Context, limit quota.Limit, key string) (quota.Allowance, error)
}
