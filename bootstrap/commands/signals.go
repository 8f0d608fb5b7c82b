package commands

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// signalled is the cause of a context that a signal has ended.
type signalled struct{ os.Signal }

func (s signalled) Error() string { return "received the signal: " + s.String() }

// untilSignalled returns a context that ends with the first SIGINT or SIGTERM.
// The second one ends the process at once.
func untilSignalled(parent context.Context) (ctx context.Context, stop func()) {
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		cancel(signalled{<-signals})
		second := <-signals
		fmt.Fprintln(os.Stderr, "devicegate: a second signal; ending at once")
		os.Exit(exitCode(second))
	}()
	return ctx, func() { cancel(nil) }
}

// outliveTheLog lets a process go on whose log is read by a program that has ended:
// by default, the next line would end it in the middle of its requests.
func outliveTheLog() { signal.Ignore(syscall.SIGPIPE) }

// exitCode is what shells report for a process that a signal has ended.
func exitCode(s os.Signal) int {
	if number, is := s.(syscall.Signal); is {
		return 128 + int(number)
	}
	return 1
}

// wasInterrupted reports whether a person at a terminal pressed Ctrl-C.
func wasInterrupted(ctx context.Context) bool {
	by, is := context.Cause(ctx).(signalled)
	return is && by.Signal == os.Interrupt
}
