package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync/atomic"
	"time"
)

// program is one that is built and run again and again.
type program struct {
	module    string // its folder
	into      string // where the builds go
	arguments []string
	ready     string // stands in the line that it writes when it serves
	out       io.Writer

	running *exec.Cmd
	output  *output
	ended   chan error // gets what the program that runs ended with
	good    string     // the last build that served: it runs again if the next one does not
}

// restart builds the program and runs it in place of the one that runs.
func (p *program) restart(ctx context.Context) {
	to, err := p.free()
	if err != nil {
		p.say("%v", err)
		return
	}
	build := exec.CommandContext(ctx, "go", "build", "-o", to, ".")
	build.Dir, build.Stdout, build.Stderr = p.module, p.out, p.out
	p.say("go build")
	if err := build.Run(); err != nil {
		p.say("the page stays as it is: go build: %v", err)
		return
	}
	if p.running != nil && p.output.ready.Load() {
		p.good = p.running.Path
	}
	p.stop()
	p.start(to)
}

// free is the path of a build that does not run, because Windows cannot replace one
// that does, and that need not run again.
func (p *program) free() (string, error) {
	folder, err := filepath.Abs(p.into)
	for i := range 3 {
		path := filepath.Join(folder, "devicegate-web-"+strconv.Itoa(i))
		if runtime.GOOS == "windows" {
			path += ".exe"
		}
		if path != p.good && (p.running == nil || p.running.Path != path) {
			return path, err
		}
	}
	return "", err
}

func (p *program) start(path string) {
	running, output := exec.Command(path, p.arguments...), &output{to: p.out, line: p.ready}
	running.Stdout, running.Stderr = output, output
	if err := running.Start(); err != nil {
		p.say("%v", err)
		return
	}
	ended := make(chan error, 1)
	go func() { ended <- running.Wait() }()
	p.running, p.output, p.ended = running, output, ended
}

// replace runs the last build that served, after one has ended that did not: a
// template that cannot be parsed, for example, ends a program when it starts.
func (p *program) replace(err error) {
	why, served := p.output.panicked, p.output.ready.Load()
	if why == "" {
		why = fmt.Sprint(err)
	}
	path := p.running.Path
	p.running, p.ended = nil, nil
	if served || p.good == "" || p.good == path {
		p.say("the page has ended: %s; it starts again when a file is saved", why)
		return
	}
	p.say("%s", why)
	p.say("the page is as it was before, until a file is saved")
	p.start(p.good)
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
	p.running, p.ended = nil, nil
}

// output passes on what a program writes, and looks for two lines in it.
type output struct {
	to       io.Writer
	line     string // part of the one that says that the program serves
	ready    atomic.Bool
	panicked string // what it panicked with, which a stack would push out of sight; valid after its end
	begun    []byte // a line without its end
}

func (o *output) Write(text []byte) (int, error) {
	o.begun = append(o.begun, text...)
	for {
		line, rest, complete := bytes.Cut(o.begun, []byte("\n"))
		if !complete {
			return o.to.Write(text)
		}
		o.begun = rest
		if bytes.Contains(line, []byte(o.line)) {
			o.ready.Store(true)
		}
		if message, is := bytes.CutPrefix(line, []byte("panic: ")); is && o.panicked == "" {
			o.panicked = string(message)
		}
	}
}
