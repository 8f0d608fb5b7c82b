// Command devweb serves the page and starts it again whenever one of its files is
// saved. A file that does not compile leaves the page as it is; after one with which
// the page cannot start, such as a template with a mistake, it starts as it was
// before. It runs in the folder of the module; its arguments are those of devicegate
// serve.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	program := program{
		module:    ".",
		into:      "data/dev",
		ready:     `"msg":"listening"`,
		arguments: append([]string{"serve"}, os.Args[1:]...),
		out:       os.Stderr,
	}
	if err := program.follow(ctx, "adapters/webui", time.NewTicker(often).C); err != nil {
		fmt.Fprintln(os.Stderr, "devweb:", err)
		os.Exit(1)
	}
}

// often is how often the files are looked at. Events of the file system would be
// quicker, and differ with how an editor saves.
const often = 250 * time.Millisecond

// follow runs the program until ctx ends, with the files of a folder as they are.
func (p *program) follow(ctx context.Context, folder string, ticks <-chan time.Time) error {
	defer p.stop()
	var seen, built files
	for {
		now, err := filesIn(folder)
		if err != nil {
			return err
		}
		// An editor may be half-way through: built is what stays for one more look.
		if now.equal(seen) && !now.equal(built) {
			built = now
			p.restart(ctx)
		}
		seen = now
		select {
		case <-ctx.Done():
			return nil
		case err := <-p.ended:
			if ctx.Err() == nil { // else Ctrl-C has ended both
				p.replace(err)
			}
		case <-ticks:
		}
	}
}

func (p *program) say(format string, args ...any) {
	_, _ = fmt.Fprintf(p.out, "devweb: "+format+"\n", args...)
}
