package files

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/devicegate/devicegate/domain/setting"
)

// pollInterval is the time between two readings of the files.
const pollInterval = 2 * time.Second

// polled serves one value that files hold, and takes up changes of the files.
type polled[T any] struct {
	what   string // the files, for the log
	read   func() (T, digest, error)
	loaded func(context.Context, T) // logs a value that was taken up
	log    *slog.Logger

	now atomic.Pointer[T]
	bad atomic.Bool // the files differ from what is served

	mu    sync.Mutex // one reading at a time
	tried digest     // the last one that was served or refused
	seen  digest     // by the last reading
	apply []func(T) error
}

// open reads the files for the first time.
func (p *polled[T]) open() error {
	first, digest, err := p.read()
	if err != nil {
		return err
	}
	p.tried, p.seen = digest, digest
	p.now.Store(&first)
	return nil
}

func (p *polled[T]) current() T { return *p.now.Load() }

// OnChange calls apply with a new value before it is served. An error refuses
// the value.
func (p *polled[T]) OnChange(apply func(T) error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.apply = append(p.apply, apply)
}

// Current reports whether what is served is what the files hold.
func (p *polled[T]) Current() bool { return !p.bad.Load() }

// Reload reads the files now.
func (p *polled[T]) Reload(ctx context.Context) {
	p.mu.Lock()
	defer p.mu.Unlock()
	found, digest, err := p.read()
	p.seen = digest
	p.serve(ctx, found, digest, err)
}

// Run takes up changes until ctx ends.
func (p *polled[T]) Run(ctx context.Context) {
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			p.poll(ctx)
		}
	}
}

// poll serves files that have changed. A change is taken up by the second
// reading that finds it, so that a file that is being written is not taken up
// by half.
func (p *polled[T]) poll(ctx context.Context) {
	p.mu.Lock()
	defer p.mu.Unlock()
	found, digest, err := p.read()
	settled := digest == p.seen
	p.seen = digest
	if settled && digest != p.tried {
		p.serve(ctx, found, digest, err)
	}
}

func (p *polled[T]) serve(ctx context.Context, found T, digest digest, err error) {
	p.tried = digest
	if err == nil {
		for _, apply := range p.apply {
			err = errors.Join(err, apply(found))
		}
	}
	if p.bad.Store(err != nil); err != nil {
		for _, one := range setting.Split(err) {
			p.log.ErrorContext(ctx, p.what+" not taken up; the last good state is served", "error", one)
		}
		return
	}
	p.now.Store(&found)
	p.loaded(ctx, found)
}

// digest identifies all bytes that one reading of the files found.
type digest [sha256.Size]byte

// digester reads files and keeps a digest of all that it has read.
type digester struct{ hash hash.Hash }

func newDigester() digester { return digester{sha256.New()} }

func (d digester) file(name string) ([]byte, error) {
	text, err := os.ReadFile(name)
	fmt.Fprintf(d.hash, "%q %t %d\n", name, err == nil, len(text))
	d.hash.Write(text)
	return text, err
}

func (d digester) sum() (out digest) {
	d.hash.Sum(out[:0])
	return out
}
