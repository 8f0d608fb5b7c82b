package main

import (
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"time"
)

// program is one that is built and run again and again.
type program struct {
	module    string // its folder
	into      string // where the builds go
	arguments []string
	out       io.Writer

	builds  int
	running *exec.Cmd
	ended   chan struct{} // closed when running has
}

// restart builds the program and runs it in place of the one that runs.
func (p *program) restart(ctx context.Context) {
	p.builds++
	// Two in turn: Windows cannot replace a program that runs.
	to, err := filepath.Abs(filepath.Join(p.into, "devicegate-web-"+strconv.Itoa(p.builds%2)))
	if err != nil {
		p.say("%v", err)
		return
	}
	if runtime.GOOS == "windows" {
		to += ".exe"
	}
	build := exec.CommandContext(ctx, "go", "build", "-o", to, ".")
	build.Dir, build.Stdout, build.Stderr = p.module, p.out, p.out
	p.say("go build")
	if err := build.Run(); err != nil {
		p.say("the page stays as it is: go build: %v", err)
		return
	}
	p.stop()
	running := exec.Command(to, p.arguments...)
	running.Stdout, running.Stderr = p.out, p.out
	if err := running.Start(); err != nil {
		p.say("%v", err)
		return
	}
	p.running, p.ended = running, make(chan struct{})
	go func(ended chan struct{}) {
		defer close(ended)
		if err := running.Wait(); err != nil && ctx.Err() == nil {
			p.say("%v; it starts again when a file is saved", err)
		}
	}(p.ended)
}

// stopTimeout is how long the program may take to stop.
const stopTimeout = 5 * time.Second

// stop ends the program, as Ctrl-C does where there is such a signal.
func (p *program) stop() {
	if p.running == nil {
		return
	}
	if runtime.GOOS == "windows" || p.running.Process.Signal(os.Interrupt) != nil {
		_ = p.running.Process.Kill()
	}
	select {
	case <-p.ended:
	case <-time.After(stopTimeout):
		_ = p.running.Process.Kill()
		<-p.ended
	}
	p.running = nil
}
