package ports

import (
	"context"
	"time"
)

// BulkTime bounds a call of the [Store] that [WithBulkTime] allows more time than
// others get.
const BulkTime = 2 * time.Minute

type bulkKey struct{}

// WithBulkTime lets calls of the [Store] take up to [BulkTime]: for what an
// administrator does to tens of thousands of tokens, not for what a person or a
// device waits for.
func WithBulkTime(ctx context.Context) context.Context {
	return context.WithValue(ctx, bulkKey{}, true)
}

// HasBulkTime reports whether ctx comes from [WithBulkTime].
func HasBulkTime(ctx context.Context) bool { return ctx.Value(bulkKey{}) != nil }
