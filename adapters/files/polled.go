package files

import (
	"context"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"os"
	"sync"
	"time"

	"github.com/devicegate/devicegate/adapters/lastgood"
)

// pollInterval is the time between two readings of the files.
const pollInterval = 2 * time.Second

// polled serves one value that files hold, and takes up changes of the files.
type polled[T any] struct {
	*lastgood.Source[T]
	read func() (T, digest, error)

	mu    sync.Mutex // one reading at a time
	tried digest     // the last one that was served or refused
	seen  digest     // by the last reading
}

// open reads the files for the first time.
func (p *polled[T]) open() error {
	first, digest, err := p.read()
	if err != nil {
		return err
	}
	p.tried, p.seen = digest, digest
	p.Start(first)
	return nil
}

// Reload reads the files now.
func (p *polled[T]) Reload(ctx context.Context) {
	p.mu.Lock()
	defer p.mu.Unlock()
	found, digest, err := p.read()
	p.tried, p.seen = digest, digest
	p.Take(ctx, found, err)
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
		p.tried = digest
		p.Take(ctx, found, err)
	}
}

// digest identifies all bytes that one reading of the files found.
type digest [sha256.Size]byte

// digester reads files and keeps a digest of all that it has read.
type digester struct{ hash hash.Hash }

func newDigester() digester { return digester{sha256.New()} }

func (d digester) file(name string) ([]byte, error) {
	text, err := readAtMost(name)
	fmt.Fprintf(d.hash, "%q %t %d\n", name, err == nil, len(text))
	d.hash.Write(text)
	return text, err
}

// fileMax is what metadata from a server may have, too.
const fileMax = 32 << 20

// readAtMost is [os.ReadFile] for files that are not endless.
func readAtMost(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, fileMax+1))
	if err == nil && len(text) > fileMax {
		return nil, fmt.Errorf("%s is larger than %d MiB", name, fileMax>>20)
	}
	return text, err
}

func (d digester) sum() (out digest) {
	d.hash.Sum(out[:0])
	return out
}
