package e2e

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/devicegate/devicegate/domain/spkeys"
	"github.com/devicegate/devicegate/e2e/services"
	"github.com/devicegate/devicegate/e2e/systemtest"
)

// signalledProcess is a process with an operations listener.
func signalledProcess(t *testing.T, delay string) (w *fixture, p *process, metrics string) {
	database, redis := embedded.open(t)
	w = newFixture(t, database, redis)
	ops := fmt.Sprintf("localhost:%d", services.Port(t))
	w.Env["OPS_ADDR"], w.Env["SHUTDOWN_DELAY"] = ops, delay
	return w, w.process(w.port), "http://" + ops + "/metrics"
}

func TestASecondSignalEndsAtOnceAndMetricsOutliveTheDrain(t *testing.T) { // F12
	for _, second := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(second.String(), func(t *testing.T) {
			t.Parallel()
			w, p, metrics := signalledProcess(t, "10m")
			p.Signal(syscall.SIGTERM)
			w.eventually("it is not ready", func() bool { return systemtest.Status(p.at+"/readyz") == http.StatusServiceUnavailable })
			for url, want := range map[string]int{p.at + "/healthz": http.StatusOK, metrics: http.StatusOK} {
				if got := systemtest.Status(url); got != want {
					t.Errorf("%s while draining: got %d, want %d", url, got, want)
				}
			}
			p.Signal(second)
			_ = p.Cmd.Wait()
			if got, want := p.Cmd.ProcessState.ExitCode(), 128+int(second); got != want {
				t.Errorf("got exit code %d, want %d\n%s", got, want, w.Logs)
			}
		})
	}
}

func TestAnInterruptDoesNotWaitForLoadBalancers(t *testing.T) {
	t.Parallel()
	w, p, _ := signalledProcess(t, "10m")
	p.Signal(syscall.SIGINT)
	if err := p.Cmd.Wait(); err != nil {
		t.Errorf("got %v, want the process ended without an error\n%s", err, w.Logs)
	}
}

func TestSIGHUPReadsFilesAgainAndEndsNothing(t *testing.T) { // F14
	t.Parallel()
	w, p, metrics := signalledProcess(t, "0s")
	const both = `connections:
  - {slug: acme, domains: [acme.example], metadata_file: acme.xml}
  - {slug: second, domains: [second.example], metadata_url: "https://idp.invalid/"}
`
	second := p.at + "/saml/metadata/second"
	if got := systemtest.Status(second); got != http.StatusNotFound {
		t.Fatalf("got %d before, want 404", got)
	}
	w.Write("connections.yaml", []byte(both))
	p.Signal(syscall.SIGHUP)
	w.eventually("the second connection is served", func() bool { return systemtest.Status(second) == http.StatusOK })

	w.Write("connections.yaml", []byte("connections: ["))
	p.Signal(syscall.SIGHUP)
	w.eventually("the refusal is seen", func() bool { return strings.Contains(w.body(metrics), "devicegate_connections_file_current 0") })
	if got := systemtest.Status(second); got != http.StatusOK {
		t.Errorf("got %d after a file that cannot be right, want the last good state", got)
	}

	w.Write("connections.yaml", []byte("connections: []\n"))
	w.eventually("the mended file is taken up without a signal", func() bool { return systemtest.Status(second) == http.StatusNotFound })
	if got := systemtest.Status(p.at + "/readyz"); got != http.StatusOK {
		t.Errorf("got %d, want 200", got)
	}
	p.Signal(syscall.SIGTERM)
	if err := p.Cmd.Wait(); err != nil {
		t.Errorf("got %v, want the process ended without an error\n%s", err, w.Logs)
	}
}

// A start that fails does not serve, and so has nothing to drain (F48).
func TestAnOperationsAddressThatIsTakenEndsTheStart(t *testing.T) {
	t.Parallel()
	database, redis := embedded.open(t)
	w := newFixture(t, database, redis)
	taken, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	var told bytes.Buffer
	serve := exec.Command(systemtest.Program(t), "serve")
	serve.Stderr = &told
	for name, value := range w.Env {
		serve.Env = append(serve.Env, name+"="+value)
	}
	serve.Env = append(serve.Env, "SHUTDOWN_DELAY=10m", "OPS_ADDR="+taken.Addr().String())
	if err := serve.Run(); err == nil {
		t.Fatal("got it started, want an error")
	}
	if !strings.Contains(told.String(), "address already in use") || strings.Contains(told.String(), fmt.Sprintf(":%d", w.port)) {
		t.Errorf("got %s, want the address in use, and nothing served before", told.String())
	}
}

func TestKeyFilesAreReadAgainWhileTheProcessRuns(t *testing.T) { // contract section 10 item 17
	t.Parallel()
	certificates := make([]string, 2)
	texts := make([][]byte, 2)
	for i := range texts {
		pair, err := spkeys.Generate(time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if texts[i], err = pair.PEM(); err != nil {
			t.Fatal(err)
		}
		certificates[i] = base64.StdEncoding.EncodeToString(pair.Certificate().Raw)
	}
	database, redis := embedded.open(t)
	w := newFixture(t, database, redis)
	ops := fmt.Sprintf("localhost:%d", services.Port(t))
	w.Env["OPS_ADDR"], w.Env["SHUTDOWN_DELAY"] = ops, "0s"
	w.Env["SAML_SP_KEY_FILE"], w.Env["SAML_SP_KEY_FILE_PREVIOUS"] = w.Write("active.pem", texts[0]), w.Write("previous.pem", nil)
	p := w.process(w.port)
	published := func() string { return w.body(p.at + "/saml/metadata") }
	if !strings.Contains(published(), certificates[0]) {
		t.Fatal("got metadata without the configured key, want it")
	}

	w.Write("active.pem", []byte("-----BEGIN"))
	p.Signal(syscall.SIGHUP)
	w.eventually("the refusal is seen", func() bool {
		return strings.Contains(w.body("http://"+ops+"/metrics"), "devicegate_saml_key_files_current 0")
	})
	if !strings.Contains(published(), certificates[0]) {
		t.Error("got metadata without the last good key, want it")
	}

	w.Write("previous.pem", texts[0])
	w.Write("active.pem", texts[1])
	w.eventually("the new key is published without a signal", func() bool { return strings.Contains(published(), certificates[1]) })
	if strings.Contains(published(), certificates[0]) {
		t.Error("got metadata with the previous key, want it gone")
	}
	p.Signal(syscall.SIGTERM)
	if err := p.Cmd.Wait(); err != nil {
		t.Errorf("got %v, want the process ended without an error\n%s", err, w.Logs)
	}
}
