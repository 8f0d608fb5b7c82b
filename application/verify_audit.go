package application

import (
	"context"
	"fmt"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/uid"
	"github.com/devicegate/devicegate/ports"
)

// VerifyAudit checks sealed days against their seals.
type VerifyAudit struct{ store ports.Store }

// NewVerifyAudit makes the use case.
func NewVerifyAudit(store ports.Store) *VerifyAudit { return &VerifyAudit{store} }

// AuditDifference is the first thing in which the trail differs from its seals.
type AuditDifference struct {
	Day   audit.Day
	Event uid.ID // zero: it is about the day's seal
	What  string
}

func (d *AuditDifference) Error() string {
	if d.Event.IsZero() {
		return fmt.Sprintf("%s: %s", d.Day, d.What)
	}
	return fmt.Sprintf("%s: event %s %s", d.Day, d.Event, d.What)
}

// Execute hands the seal of each day that is as it was to visit, the first day
// first. expected are heads that were kept elsewhere, by day. Execute returns an
// [*AuditDifference] for the first day that is not.
func (uc *VerifyAudit) Execute(ctx context.Context, expected map[audit.Day]audit.Chain, visit func(audit.Seal) error) error {
	missing := make(map[audit.Day]bool, len(expected))
	for day := range expected {
		missing[day] = true
	}
	var last audit.Seal
	for {
		var seals []audit.Seal
		err := uc.store.View(ctx, func(ctx context.Context, r ports.Reader) (err error) {
			seals, err = r.AuditSeals().Seals(ctx, last.Day)
			return err
		})
		if err != nil {
			return fmt.Errorf("read seals: %w", err)
		}
		for _, seal := range seals {
			delete(missing, seal.Day)
			if err := uc.day(ctx, last, seal, expected); err != nil {
				return err
			}
			if err := visit(seal); err != nil {
				return err
			}
			last = seal
		}
		if len(seals) == 0 {
			break
		}
	}
	for day := range missing {
		return &AuditDifference{Day: day, What: "the seal is missing"}
	}
	return nil
}

func (uc *VerifyAudit) day(ctx context.Context, last, seal audit.Seal, expected map[audit.Day]audit.Chain) error {
	day := seal.Day
	if known, is := expected[day]; is && known != seal.Head {
		return &AuditDifference{Day: day, What: "the head is another one than expected"}
	}
	if last.Day != "" && day != last.Day.Next() {
		return &AuditDifference{Day: last.Day.Next(), What: "the seal is missing"}
	}
	if seal.Before != last.Head {
		return &AuditDifference{Day: day, What: "the seal does not follow from the day before"}
	}
	if !seal.RemovedAt.IsZero() {
		return uc.removed(ctx, seal)
	}
	w := &walk{uc.store, day, audit.BeginDay(day, seal.Before), 0, audit.Position{}}
	for {
		more, err := w.step(ctx)
		if err != nil {
			return err
		}
		if !more {
			break
		}
	}
	if w.number != seal.Events || w.chain != seal.Head {
		return &AuditDifference{Day: day, What: fmt.Sprintf("the seal is of %d events and another head; the links are %d", seal.Events, w.number)}
	}
	return nil
}

// removed checks a day whose events retention has removed: the chain goes on from
// its seal, and an event that is there without a link was added.
func (uc *VerifyAudit) removed(ctx context.Context, seal audit.Seal) error {
	var links []audit.Link
	var events []audit.Event
	err := uc.store.View(ctx, func(ctx context.Context, r ports.Reader) (err error) {
		if links, err = r.AuditSeals().Links(ctx, seal.Day, 0); err != nil || len(links) > 0 { // it is being removed
			return err
		}
		events, err = r.Audit().Events(ctx, ports.AuditFilter{Since: seal.Day.Begins(), Until: seal.Day.Next().Begins(), Limit: 1})
		return err
	})
	if err != nil {
		return fmt.Errorf("verify %s: %w", seal.Day, err)
	}
	if len(events) > 0 {
		return &AuditDifference{Day: seal.Day, Event: events[0].ID, What: "was added after the day was sealed"}
	}
	return nil
}

// walk compares the events of a day with its links, page by page.
type walk struct {
	store  ports.Store
	day    audit.Day
	chain  audit.Chain
	number int64
	at     audit.Position
}

// step compares one page of both.
func (w *walk) step(ctx context.Context) (more bool, err error) {
	var links []audit.Link
	var events []audit.Event
	err = w.store.View(ctx, func(ctx context.Context, r ports.Reader) (err error) {
		if links, err = r.AuditSeals().Links(ctx, w.day, w.number); err != nil {
			return err
		}
		events, err = r.Audit().Events(ctx, ports.AuditFilter{Since: w.day.Begins(), Until: w.day.Next().Begins(), After: w.at})
		return err
	})
	if err != nil {
		return false, fmt.Errorf("verify %s: %w", w.day, err)
	}
	for i := range max(len(links), len(events)) {
		switch {
		case i >= len(links) || i < len(events) && before(events[i].Position(), links[i].Event):
			return false, w.differs(events[i].ID, "was added after the day was sealed")
		case i >= len(events) || before(links[i].Event, events[i].Position()):
			return false, w.differs(links[i].Event.ID, "is missing")
		}
		w.chain = w.chain.Then(events[i])
		if w.number++; links[i].Number != w.number || links[i].Chain != w.chain {
			return false, w.differs(events[i].ID, "differs from what was sealed")
		}
		w.at = events[i].Position()
	}
	return len(links) == ports.AuditLimit, nil
}

func before(a, b audit.Position) bool {
	if !a.At.Equal(b.At) {
		return a.At.Before(b.At)
	}
	return a.ID.String() < b.ID.String()
}

func (w *walk) differs(event uid.ID, what string) error {
	return &AuditDifference{Day: w.day, Event: event, What: what}
}
