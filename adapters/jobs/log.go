package jobs

import (
	"context"
	"errors"
	"log/slog"
	"strings"
)

// riverLog leaves out what River says about its usual work, and about work that
// is cut off because the worker stops or another one leads: it is done later.
type riverLog struct{ slog.Handler }

// Enabled implements [slog.Handler].
func (h riverLog) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && h.Handler.Enabled(ctx, level)
}

// Handle implements [slog.Handler].
func (h riverLog) Handle(ctx context.Context, record slog.Record) error {
	if errors.Is(ctx.Err(), context.Canceled) || saysCanceled(record) {
		return nil
	}
	return h.Handler.Handle(ctx, record)
}

// saysCanceled tells whether a record has a cancelled context as its error. River
// logs errors as values and as texts.
func saysCanceled(record slog.Record) bool {
	found := false
	record.Attrs(func(a slog.Attr) bool {
		found = (a.Key == "err" || a.Key == "error") && strings.HasSuffix(a.Value.String(), context.Canceled.Error())
		return !found
	})
	return found
}

// WithAttrs implements [slog.Handler].
func (h riverLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	return riverLog{h.Handler.WithAttrs(attrs)}
}

// WithGroup implements [slog.Handler].
func (h riverLog) WithGroup(name string) slog.Handler {
	return riverLog{h.Handler.WithGroup(name)}
}
