package geoip

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/oschwald/maxminddb-golang/v2"

	"github.com/devicegate/devicegate/adapters/lastgood"
	"github.com/devicegate/devicegate/domain/place"
	"github.com/devicegate/devicegate/domain/setting"
)

const (
	// pollInterval is the time between two looks at the files.
	pollInterval = 5 * time.Second
	// largest bounds what is read into memory; the largest files that are sold
	// have about half of it.
	largest = 2 << 30
)

// Config names the files, in the order in which they are asked: the first that
// knows a place says it, and the first that knows an operator.
type Config struct{ Files []string }

// Check opens the files and lists everything that is wrong with them; each
// [setting.Problem] names the field. [Open] also verifies every entry.
func (c Config) Check() error {
	var errs []error
	for _, name := range c.Files {
		_, err := open(name)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// Database is a [ports.Places] from files.
type Database struct {
	*lastgood.Source[readers]
	files []string
	log   *slog.Logger

	mu    sync.Mutex // one reading at a time
	tried versions   // the last ones that were served or refused
	seen  versions   // by the last look

	unreadable atomic.Bool // an entry could not be read: logged once
}

type readers []*maxminddb.Reader

// Open reads and verifies the files.
func Open(cfg Config, log *slog.Logger) (*Database, error) {
	d := &Database{
		files: cfg.Files, log: log,
		Source: lastgood.NewSource("GEOIP_FILE", log, func(ctx context.Context, all readers) { logTaken(ctx, log, all) }),
	}
	d.tried = d.versions()
	d.seen = d.tried
	first, err := d.read()
	if err != nil {
		return nil, err
	}
	d.Start(first)
	logTaken(context.Background(), log, first)
	return d, nil
}

func logTaken(ctx context.Context, log *slog.Logger, all readers) {
	for _, r := range all {
		built := time.Unix(int64(r.Metadata.BuildEpoch), 0).UTC()
		log.InfoContext(ctx, "GEOIP_FILE read", "type", r.Metadata.DatabaseType, "built", built.Format(time.DateOnly), "networks", r.Metadata.NodeCount)
	}
}

// Of implements [ports.Places]. An entry that cannot be read is not known.
func (d *Database) Of(addr netip.Addr) (out place.Place) {
	addr = addr.Unmap().WithZone("")
	if !addr.IsValid() || addr.IsPrivate() || addr.IsLoopback() || addr.IsLinkLocalUnicast() || addr.IsUnspecified() {
		return place.Place{}
	}
	for _, r := range d.Get() {
		if addr.Is6() && r.Metadata.IPVersion == 4 {
			continue
		}
		found := r.Lookup(addr)
		entry := record{}
		err := found.Err()
		if err == nil && found.Found() {
			err = found.Decode((*map[string]any)(&entry))
		}
		if err != nil {
			if !d.unreadable.Swap(true) {
				d.log.Error("GEOIP_FILE has an entry that cannot be read; its addresses have no place", "type", r.Metadata.DatabaseType, "error", err)
			}
			continue
		}
		out = out.OrElse(entry.place())
	}
	return out
}

// Run takes up changes until ctx ends.
func (d *Database) Run(ctx context.Context) {
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			d.poll(ctx)
		}
	}
}

// poll reads files that have changed. The second look that finds a change takes
// it up, so that a file that is being copied is not read by half.
func (d *Database) poll(ctx context.Context) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.versions()
	settled := now.equal(d.seen)
	d.seen = now
	if !settled || now.equal(d.tried) {
		return
	}
	d.tried = now
	d.take(ctx)
}

// Reload reads the files now.
func (d *Database) Reload(ctx context.Context) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tried = d.versions()
	d.seen = d.tried
	d.take(ctx)
}

func (d *Database) take(ctx context.Context) {
	found, err := d.read()
	d.Take(ctx, found, err)
	if err == nil {
		d.unreadable.Store(false)
	}
}

// read opens and verifies the files.
func (d *Database) read() (readers, error) {
	var all readers
	var errs []error
	for _, name := range d.files {
		r, err := open(name)
		if err == nil {
			if err = verify(r); err != nil {
				err = setting.Wrong("Files", "%s is damaged: %v", name, err)
			}
		}
		all, errs = append(all, r), append(errs, err)
	}
	return all, errors.Join(errs...)
}

// verify walks the whole search tree and through every entry, without keeping
// any. The library's own check also refuses files without a description, which
// harm nothing.
func verify(r *maxminddb.Reader) error {
	read := map[uintptr]bool{}
	for found := range r.Networks() {
		if err := found.Err(); err != nil {
			return err
		}
		if at := found.Offset(); !read[at] {
			read[at] = true
			var entry struct{}
			if err := found.Decode(&entry); err != nil {
				return err
			}
		}
	}
	return nil
}

func open(name string) (*maxminddb.Reader, error) {
	content, err := read(name)
	if err != nil {
		return nil, setting.Wrong("Files", "%v", err)
	}
	r, err := maxminddb.OpenBytes(content)
	if err != nil {
		return nil, setting.Wrong("Files", "%s is no MMDB file, or not all of one: %v", name, err)
	}
	return r, nil
}

func read(name string) ([]byte, error) {
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is no file", name)
	case info.Size() == 0:
		return nil, fmt.Errorf("%s is empty", name)
	case info.Size() > largest:
		return nil, fmt.Errorf("%s has %d bytes; at most %d are read into memory", name, info.Size(), int64(largest))
	}
	return os.ReadFile(name)
}

// versions tell whether a file is another than before; nil: there is none.
type versions []fs.FileInfo

func (v versions) equal(other versions) bool {
	return slices.EqualFunc(v, other, func(a, b fs.FileInfo) bool {
		if a == nil || b == nil {
			return a == nil && b == nil
		}
		return a.Size() == b.Size() && a.ModTime().Equal(b.ModTime()) && os.SameFile(a, b)
	})
}

func (d *Database) versions() versions {
	all := make(versions, len(d.files))
	for i, name := range d.files {
		if info, err := os.Stat(name); err == nil {
			all[i] = info
		}
	}
	return all
}
