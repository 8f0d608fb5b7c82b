package bench

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/devicegate/devicegate/e2e/services"
)

// program is the service or the ceiling, running as a child process.
type program struct {
	addr    string // host:port of what is measured
	control string // host:port of usage and profiles
	log     string
}

// startProgram runs a copy of this binary until the test ends. The child ends
// with its standard input, so none goes on when this process dies.
func startProgram(t *testing.T, name string, env map[string]string) *program {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &program{
		addr:    fmt.Sprintf("127.0.0.1:%d", services.Port(t)),
		control: fmt.Sprintf("127.0.0.1:%d", services.Port(t)),
		log:     filepath.Join(t.TempDir(), name+".log"),
	}
	output, err := os.Create(p.log)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), programEnv+"="+name, "LISTEN_ADDR="+p.addr, "BENCH_CONTROL="+p.control)
	for key, value := range env {
		cmd.Env = append(cmd.Env, key+"="+value)
	}
	cmd.Stdout, cmd.Stderr = output, output
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s: got %v, want no error\n%s", name, err, p.lastLines())
		}
		_ = output.Close()
	})
	p.await(t)
	return p
}

// await returns when the program answers.
func (p *program) await(t *testing.T) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); <-tick.C {
		if _, err := p.usage(); err == nil {
			return
		}
	}
	t.Fatalf("got no answer of the program within a minute, want one\n%s", p.lastLines())
}

func (p *program) lastLines() string {
	text, _ := os.ReadFile(p.log)
	return string(text[max(0, len(text)-2000):])
}

// usage is what a program has used since it started.
type usage struct {
	CPU    time.Duration
	Allocs uint64
}

func (p *program) usage() (u usage, err error) {
	resp, err := http.Get("http://" + p.control + "/usage")
	if err != nil {
		return u, err
	}
	defer func() { _ = resp.Body.Close() }()
	return u, json.NewDecoder(resp.Body).Decode(&u)
}

// profile writes a profile of the program to a file while fn runs: "profile" for
// CPU time, "allocs" for allocations.
func (p *program) profile(kind, file string, seconds int, fn func()) error {
	failed := make(chan error, 1)
	go func() {
		resp, err := http.Get(fmt.Sprintf("http://%s/debug/pprof/%s?seconds=%d", p.control, kind, seconds))
		if err != nil {
			failed <- err
			return
		}
		defer func() { _ = resp.Body.Close() }()
		out, err := os.Create(file)
		if err != nil {
			failed <- err
			return
		}
		_, err = io.Copy(out, resp.Body)
		failed <- errors.Join(err, out.Close())
	}()
	fn()
	return <-failed
}

// fileName turns the name of an operation into that of a file.
func fileName(name string) string {
	return strings.NewReplacer(" ", "-", ",", "", "+", "and", "(", "", ")", "").Replace(name)
}
