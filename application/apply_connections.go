package application

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/ports"
)

// ApplyConnections makes the connections of the store those that a file lists.
type ApplyConnections struct{ checks *ConnectionChecks }

// NewApplyConnections makes the use case.
func NewApplyConnections(checks *ConnectionChecks) *ApplyConnections {
	return &ApplyConnections{checks}
}

// Plan is what applying a list changes, and what the store has besides.
type Plan struct {
	Steps     []Step
	Unlisted  []string // that the store has and the list has not, and that stay
	Unchanged int

	revisions map[string]int64 // of the connections that it was made for
}

// Step is one change of a [Plan].
type Step struct {
	Slug     string
	Do       StepKind
	Changes  []connection.Difference // of an edit; of an addition, all settings
	Metadata []string                // what the new metadata says otherwise
	Warnings []string

	report   ConnectionReport
	revision int64
}

// StepKind is what a [Step] does.
type StepKind string

// The kinds of steps.
const (
	StepAdd    StepKind = "add"
	StepEdit   StepKind = "edit"
	StepRemove StepKind = "remove"
)

// Execute compares a list with the store, and checks what is new or different as
// if it were added by itself. prune removes what the list does not have. Unless it
// is a dry run everything happens in one transaction, or nothing does. It returns
// errors that join an [*InvalidConnectionError] for each connection that cannot
// be, or [connection.ErrEdited] if the store has changed meanwhile.
func (uc *ApplyConnections) Execute(ctx context.Context, wanted connection.Directory, prune, dryRun bool, by connection.Author) (Plan, error) {
	plan, err := uc.plan(ctx, wanted, prune)
	if err != nil || dryRun || len(plan.Steps) == 0 {
		return plan, err
	}
	by.At = uc.checks.now()
	return plan, uc.checks.store.Update(ctx, func(ctx context.Context, tx ports.Tx) error {
		if err := uc.unchanged(ctx, tx, plan); err != nil {
			return err
		}
		for _, step := range plan.Steps {
			if err := step.take(ctx, tx, by); err != nil {
				return fmt.Errorf("connection %s: %w", step.Slug, err)
			}
		}
		return nil
	})
}

// unchanged locks the connections and returns [connection.ErrEdited] unless they
// are those that the plan was made for.
func (uc *ApplyConnections) unchanged(ctx context.Context, tx ports.Tx, plan Plan) error {
	stored, _, err := readable(tx.Connections().All(ctx))
	if err != nil {
		return err
	}
	if !maps.Equal(revisionsOf(stored), plan.revisions) {
		return connection.ErrEdited
	}
	return nil
}

func revisionsOf(stored []*connection.Stored) map[string]int64 {
	out := map[string]int64{}
	for _, s := range stored {
		out[s.Connection().Slug()] = s.Revision()
	}
	return out
}

func (s Step) take(ctx context.Context, tx ports.Tx, by connection.Author) error {
	switch s.Do {
	case StepAdd:
		return addConnection(ctx, tx, s.report, by)
	case StepEdit:
		_, err := editConnection(ctx, tx, s.report, s.revision, by)
		return err
	}
	return removeConnection(ctx, tx, s.Slug, s.revision, by)
}

func (uc *ApplyConnections) plan(ctx context.Context, wanted connection.Directory, prune bool) (Plan, error) {
	stored, kept, err := uc.checks.read(ctx)
	if err != nil {
		return Plan{}, err
	}
	here, err := uc.checks.connections.Connections(ctx)
	if err != nil {
		return Plan{}, err
	}
	plan := Plan{revisions: revisionsOf(stored)}
	var removed []Step
	for _, s := range stored {
		slug := s.Connection().Slug()
		if _, err := wanted.Find(slug); err == nil {
			continue
		}
		if !prune {
			plan.Unlisted = append(plan.Unlisted, slug)
			continue
		}
		removed = append(removed, Step{Slug: slug, Do: StepRemove, revision: s.Revision()})
	}
	var errs []error
	for i, made := range uc.steps(ctx, wanted.All(), stored, kept) {
		via, step, err := wanted.All()[i], made.step, made.err
		if inFile, known := here.Find(via.Slug()); known == nil && inFile.Owner() == connection.File {
			err = errors.Join(err, &InvalidConnectionError{via.Slug(), []string{"slug: " + connection.ErrInFile.Message}})
		}
		switch {
		case err != nil:
			errs = append(errs, err)
		case step.Do == "":
			plan.Unchanged++
		default:
			plan.Steps = append(plan.Steps, step)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return plan, err
	}
	plan.Steps = append(removed, plan.Steps...) // first, so that their domains are free
	return plan, uc.conflicts(ctx, plan, stored, kept)
}

type madeStep struct {
	step Step
	err  error
}

// steps are those of all wanted connections, in their order. Some servers may be
// slow: several are asked at once.
func (uc *ApplyConnections) steps(ctx context.Context, wanted []connection.Connection, stored []*connection.Stored, kept []connection.CopySnapshot) []madeStep {
	made := make([]madeStep, len(wanted))
	slots := make(chan struct{}, refreshesAtOnce)
	var all sync.WaitGroup
	for i, via := range wanted {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			made[i].step, made[i].err = uc.step(ctx, via, stored, kept)
		})
	}
	all.Wait()
	return made
}

// step is the change that makes the store's connection the wanted one; zero if they
// are the same.
func (uc *ApplyConnections) step(ctx context.Context, via connection.Connection, stored []*connection.Stored, kept []connection.CopySnapshot) (Step, error) {
	step := Step{Slug: via.Slug(), Do: StepAdd}
	var before asBefore
	if s, err := findStored(stored, via.Slug()); err == nil {
		step.Do, step.revision, before.settings = StepEdit, s.Revision(), s.Snapshot().Settings
	}
	step.Changes = connection.Differences(before.settings, via.Settings())
	if step.Do == StepEdit && len(step.Changes) == 0 {
		return Step{}, nil
	}
	if i := slices.IndexFunc(kept, func(k connection.CopySnapshot) bool { return k.Connection == via.Slug() }); i >= 0 {
		before.kept = kept[i]
	}
	step.report = uc.checks.inspect(ctx, via.Settings(), before)
	step.report.storable()
	edited := Edited{Report: step.report}
	if edited.compare(before.kept); step.Do == StepEdit {
		step.Metadata = edited.Metadata
	}
	step.Warnings = edited.Report.Warnings
	return step, step.report.err()
}

// conflicts compares what will be there with each other.
func (uc *ApplyConnections) conflicts(ctx context.Context, plan Plan, stored []*connection.Stored, kept []connection.CopySnapshot) error {
	others, err := uc.checks.others(ctx, stored)
	if err != nil {
		return err
	}
	var planned []connection.CopySnapshot
	for _, step := range plan.Steps {
		of := func(slug string) bool { return slug == step.Slug }
		others = slices.DeleteFunc(others, func(c connection.Connection) bool { return of(c.Slug()) })
		kept = slices.DeleteFunc(slices.Clone(kept), func(k connection.CopySnapshot) bool { return of(k.Connection) })
		if step.Do != StepRemove {
			others = append(others, step.report.Connection)
			planned = append(planned, connection.CopySnapshot{Connection: step.Slug, Good: step.report.Metadata})
		}
	}
	var errs []error
	for _, step := range plan.Steps {
		if step.Do == StepRemove {
			continue
		}
		uc.checks.conflicts(ctx, &step.report, others, append(kept, planned...))
		errs = append(errs, step.report.err())
	}
	return errors.Join(errs...)
}
