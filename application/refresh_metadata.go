package application

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/devicegate/devicegate/domain/audit"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/ports"
)

// RefreshMetadata fetches the metadata of identity providers and keeps the last
// good copy for all replicas.
type RefreshMetadata struct {
	store       ports.Store
	connections ports.Connections
	reader      ports.MetadataReader
	now         ports.Clock
}

// NewRefreshMetadata makes the use case.
func NewRefreshMetadata(store ports.Store, connections ports.Connections, reader ports.MetadataReader, now ports.Clock) *RefreshMetadata {
	return &RefreshMetadata{store, connections, reader, now}
}

// askedGap is the least time between two fetches that administrators ask for.
const askedGap = 10 * time.Second

// Refreshed is how a refresh went.
type Refreshed struct {
	Copy    connection.CopySnapshot
	Changes []string // what the new copy says otherwise
	Failure string   // why there is nothing newer than before; empty: it was fetched
}

// Execute refreshes one connection because an administrator wants it. It returns
// [connection.ErrUnknown] and [ErrNoAddress].
func (uc *RefreshMetadata) Execute(ctx context.Context, slug string, by connection.Author) (Refreshed, error) {
	via, err := findConnection(ctx, uc.connections, slug)
	if err != nil {
		return Refreshed{}, err
	}
	if via.MetadataSource() == "" {
		return Refreshed{}, ErrNoAddress
	}
	before, err := uc.copy(ctx, slug)
	if err != nil {
		return Refreshed{}, err
	}
	after, err := uc.refresh(ctx, via, askedGap, by)
	if after.Connection == "" {
		return Refreshed{}, err
	}
	r := Refreshed{Copy: after}
	if err != nil {
		r.Failure = err.Error()
	}
	if after.Revision != before.Revision {
		r.Changes = before.Good.Changes(after.Good)
	}
	return r, nil
}

func (uc *RefreshMetadata) copy(ctx context.Context, slug string) (found connection.CopySnapshot, err error) {
	err = uc.store.View(ctx, func(ctx context.Context, r ports.Reader) error {
		c, err := r.Metadata().Of(ctx, slug)
		if err == nil {
			found = c.Snapshot()
		}
		if errors.Is(err, connection.ErrNoMetadata) {
			return nil
		}
		return err
	})
	return found, err
}

// refreshesAtOnce bounds the fetches of one run of the schedule.
const refreshesAtOnce = 4

// metadataTask is the worker's name in audit events.
const metadataTask = "refresh_metadata"

// ExecuteDue refreshes the connections that are due, and returns how many copies
// have changed. A connection that fails does not keep others from it; its copy
// says why.
func (uc *RefreshMetadata) ExecuteDue(ctx context.Context) (changed int, err error) {
	all, err := uc.connections.Connections(ctx)
	addresses := slices.DeleteFunc(all.All(), func(via connection.Connection) bool { return via.MetadataSource() == "" })
	if err != nil || len(addresses) == 0 {
		return 0, err
	}
	kept := map[string]connection.CopySnapshot{}
	err = uc.store.View(ctx, func(ctx context.Context, r ports.Reader) error {
		found, err := copiesOf(r.Metadata().All(ctx))
		for _, k := range found {
			kept[k.Connection] = k
		}
		return err
	})
	if err != nil {
		return 0, err
	}
	var mu sync.Mutex
	var running sync.WaitGroup
	slots := make(chan struct{}, refreshesAtOnce)
	for _, via := range addresses {
		if !uc.due(via, kept[via.Slug()]) {
			continue
		}
		slots <- struct{}{}
		running.Go(func() {
			defer func() { <-slots }()
			after, failed := uc.refresh(ctx, via, 0, connection.Author{Actor: audit.WorkerOf(metadataTask)})
			mu.Lock()
			defer mu.Unlock()
			if after.Revision != kept[via.Slug()].Revision {
				changed++
			}
			if after.Connection == "" { // the store did not answer
				err = errors.Join(err, failed)
			}
		})
	}
	running.Wait()
	return changed, err
}

func (uc *RefreshMetadata) due(via connection.Connection, kept connection.CopySnapshot) bool {
	c, err := connection.RestoreMetadataCopy(kept)
	return err != nil || !c.IsOf(via) || c.Due(uc.now())
}

// Refresh is [RefreshMetadata.Execute] for a replica that needs newer metadata: a
// response is signed with an unknown key, or there is no copy at all. It fetches
// nothing if the last attempt was within gap. It returns the copy that is stored
// afterwards, also with an error, unless the store did not answer.
func (uc *RefreshMetadata) Refresh(ctx context.Context, via connection.Connection, gap time.Duration) (connection.CopySnapshot, error) {
	return uc.refresh(ctx, via, gap, connection.Author{Actor: audit.WorkerOf(metadataTask)})
}

// refresh claims the attempt in one transaction, fetches, and keeps the result in
// another, so that nothing is locked while a server takes its time.
func (uc *RefreshMetadata) refresh(ctx context.Context, via connection.Connection, gap time.Duration, by connection.Author) (kept connection.CopySnapshot, err error) {
	err = uc.update(ctx, via, func(ctx context.Context, tx ports.Tx, c *connection.MetadataCopy) error {
		if err := c.Claim(uc.now(), gap); err != nil {
			kept = c.Snapshot()
			return err
		}
		return tx.Metadata().Keep(ctx, c, audit.Event{})
	})
	if err != nil {
		return kept, err
	}
	fetched, failed := uc.reader.Read(ctx, via)
	by.At = uc.now()
	// The result is stored even if the request that needed it was cancelled.
	err = uc.update(context.WithoutCancel(ctx), via, func(ctx context.Context, tx ports.Tx, c *connection.MetadataCopy) error {
		var event audit.Event
		if failed == nil {
			event, failed = c.Accept(fetched, by)
		} else {
			c.Fail(failed.Error(), by.At)
		}
		kept = c.Snapshot()
		return tx.Metadata().Keep(ctx, c, event)
	})
	if err != nil {
		return connection.CopySnapshot{}, err
	}
	return kept, failed
}

// update runs fn with the copy of via, which is locked, or with a new one.
func (uc *RefreshMetadata) update(ctx context.Context, via connection.Connection, fn func(context.Context, ports.Tx, *connection.MetadataCopy) error) error {
	return uc.store.Update(ctx, func(ctx context.Context, tx ports.Tx) error {
		c, err := tx.Metadata().Of(ctx, via.Slug())
		switch {
		case errors.Is(err, connection.ErrNoMetadata):
			c = connection.NewMetadataCopy(via)
		case err != nil:
			return fmt.Errorf("metadata of connection %s: %w", via.Slug(), err)
		case !c.IsOf(via):
			c = c.Restart(via)
		}
		return fn(ctx, tx, c)
	})
}
