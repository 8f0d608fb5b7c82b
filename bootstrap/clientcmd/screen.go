package clientcmd

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/devicegate/devicegate/adapters/deviceclient"
	"github.com/devicegate/devicegate/bootstrap/demo"
)

// screen is the one line that changes while a person decides.
type screen struct {
	w io.Writer // nil without a terminal
}

const clearLine = "\r\033[K"

func (s screen) clear() {
	if s.w != nil {
		fmt.Fprint(s.w, clearLine)
	}
}

// countdown lets c show the time that is left while it waits, and say why it
// goes on. Without a terminal there is no countdown.
func (t tool) countdown(c *deviceclient.Client, until time.Time) screen {
	s := screen{}
	if t.terminal {
		s.w = t.err
		c.Wait = func(ctx context.Context, d time.Duration) error {
			for end := t.now().Add(d); ; {
				left := end.Sub(t.now())
				if left <= 0 {
					return ctx.Err()
				}
				fmt.Fprintf(t.err, clearLine+"Waiting for the approval, %s left. Ctrl-C stops.", max(0, until.Sub(t.now())).Round(time.Second))
				if err := t.wait(ctx, min(left, time.Second)); err != nil {
					return err
				}
			}
		}
	}
	c.Notice = func(sentence string) {
		s.clear()
		fmt.Fprintln(t.err, sentence)
	}
	return s
}

func (t tool) drawQR(address string) {
	if picture, err := demo.QR(address); err == nil {
		fmt.Fprintln(t.err, picture)
	}
}
