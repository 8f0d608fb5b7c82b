package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"go.uber.org/fx"

	"github.com/devicegate/devicegate/adapters/lastgood"
	"github.com/devicegate/devicegate/adapters/lifecycle"
	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/incident"
	"github.com/devicegate/devicegate/ports"
)

// phishing joins what notices phishing and remembers what is held.
func phishing(c Config) fx.Option {
	return fx.Options(
		fx.Supply(c.Incidents),
		fx.Provide(followHolds, func(h *heldSources) ports.Holds { return h }, countSignals, application.NewPhishingWatch, application.NewHoldChecks),
		fx.Invoke(measureHolds),
	)
}

// heldSources is [ports.Holds]: the database's, read whenever it is told of a
// change.
type heldSources struct {
	*lastgood.Followed[incident.Holds]
}

// Holds implements [ports.Holds].
func (h *heldSources) Holds(context.Context) (incident.Holds, error) { return h.Get(), nil }

// Refresh implements [ports.Holds].
func (h *heldSources) Refresh(ctx context.Context) { h.Reload(ctx) }

func followHolds(lc fx.Lifecycle, store ports.Store, changes ports.Changes, now ports.Clock, log *slog.Logger) *heldSources {
	h := new(heldSources)
	read := func(ctx context.Context) (incident.Holds, string, error) {
		var all []*incident.Incident
		var unreadable []ports.Unreadable
		err := store.View(ctx, func(ctx context.Context, r ports.Reader) (err error) {
			all, err = r.Incidents().Holding(ctx, now())
			unreadable, err = ports.LeaveOut(err)
			return err
		})
		if err != nil {
			return incident.Holds{}, "", err
		}
		var version strings.Builder
		var without []error
		for _, row := range unreadable { // what this process knows of it goes on holding
			fmt.Fprintln(&version, row)
			without = append(without, fmt.Errorf("%w. Its source is held only by processes that knew it before. Delete the row, and hold the source anew if need be", row))
			for _, known := range h.Get().All() {
				if known.Snapshot().ID.String() == row.Key {
					all = append(all, known)
				}
			}
		}
		for _, one := range all {
			s := one.Snapshot()
			fmt.Fprintln(&version, s.ID, s.HeldUntil.Format(time.RFC3339Nano), s.Reported, s.Partly, s.ContainedAt.Format(time.RFC3339Nano))
		}
		if len(without) > 0 {
			err = &lastgood.Partial{Err: errors.Join(without...)}
		}
		return incident.NewHolds(all...), version.String(), err
	}
	h.Followed = lastgood.Follow("held sources", log, read, func(ctx context.Context, all incident.Holds) {
		log.InfoContext(ctx, "held sources read", "sources", len(all.All()))
	})
	lc.Append(lifecycle.AfterOpening(h.Open, func(ctx context.Context) { h.Run(ctx, changes.Watch(ctx, ports.TopicIncidents)) }))
	return h
}
