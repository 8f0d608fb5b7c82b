package e2e

import (
	"bufio"
	"bytes"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/devicegate/devicegate/e2e/services"
	"github.com/devicegate/devicegate/e2e/systemtest"
)

// process is one that serves or works.
type process struct {
	*systemtest.Process
	at string // its own address, whatever the public one is
}

// process starts one that listens on a port of its own, or on the public one.
func (w *fixture) process(port int) *process {
	w.t.Helper()
	address := fmt.Sprintf("localhost:%d", port)
	return &process{w.Serve(address), "http://" + address}
}

func productionWorld(t *testing.T) *fixture {
	database, redis := production.open(t)
	return newFixture(t, database, redis)
}

func TestOneOfFiftyPollsOverTwoProcessesGetsTheToken(t *testing.T) { // D07
	t.Parallel()
	w := productionWorld(t)
	first, second := w.process(w.port), w.process(services.Port(t))
	w.Introduce(first.at)
	device := w.device()
	codes := w.start(device)
	w.ends(w.person("alice", "approve"), codes, "approved")

	const polls = 50
	type answer struct {
		token   string
		refused string
		late    bool // it may be the one repetition that is allowed
	}
	answers := make(chan answer, polls)
	begin := make(chan struct{})
	var begun time.Time
	const gap = 4500 * time.Millisecond
	for i := range polls {
		poll := w.deviceAt([]string{first.at, second.at}[i%2]).Poll
		if i%4 >= 2 {
			poll = standardClient([]string{first.at, second.at}[i%2]).poll
		}
		go func() {
			<-begin
			token, refused, err := poll(t.Context(), codes.DeviceCode)
			if err != nil {
				refused = err.Error()
			}
			answers <- answer{token.AccessToken, refused, time.Since(begun) > gap}
		}()
	}
	begun = time.Now()
	close(begin)
	tokens := 0
	for range polls {
		switch a := <-answers; {
		case a.late:
			t.Logf("a poll took longer than the interval: %q", a.refused)
		case a.refused == "" && a.token != "":
			tokens++
		case a.refused != "slow_down":
			t.Errorf("got %q for a poll, want a token or slow_down", a.refused)
		}
	}
	if tokens > 1 {
		t.Fatalf("got %d tokens, want 1", tokens)
	}
	if n := w.liveTokens(); n != 1 {
		t.Errorf("got %d live rows, want 1", n)
	}
}

func TestAProcessThatDiesBetweenApprovalAndPollLosesNothing(t *testing.T) {
	t.Parallel()
	w := productionWorld(t)
	first := w.process(w.port)
	w.Introduce(first.at)
	device := w.device()
	codes := w.start(device)
	w.ends(w.person("alice", "approve"), codes, "approved")
	first.Kill()
	second := w.process(services.Port(t))
	token := w.polls(w.deviceAt(second.at), codes, "")
	w.works(w.deviceAt(second.at), token, http.StatusOK)
}

func TestLoginsGoOnWhenRedisIsFlushedOrStopped(t *testing.T) {
	for name, harm := range map[string]func(*testing.T, redisServer){
		"flushed": func(_ *testing.T, r redisServer) { r.Flush() },
		"stopped": func(_ *testing.T, r redisServer) { r.Stop() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, redis := fixtureWithRedis(t)
			w.serve()
			device := w.device()
			codes := w.start(device)
			w.polls(device, codes, "authorization_pending")
			harm(t, redis)
			w.ends(w.person("alice", "approve"), codes, "approved")
			token := w.redeems(device, codes)
			w.works(device, token, http.StatusOK)
		})
	}
}

func TestRequestsInFlightFinishBeforeTheProcessEnds(t *testing.T) { // O08
	t.Parallel()
	database, redis := embedded.open(t)
	w := newFixture(t, database, redis)
	p := w.process(w.port)
	c, err := net.Dial("tcp", strings.TrimPrefix(p.at, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	const body = `{"client_id":"difyctl"}`
	fmt.Fprintf(c, "POST /openapi/v1/oauth/device/code HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n", len(body))
	answers := bufio.NewReader(c)
	if line, err := answers.ReadString('\n'); err != nil || !strings.Contains(line, "100 Continue") { // the endpoint reads
		t.Fatalf("got %q, %v, want the first line", line, err)
	}
	if _, err := answers.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	if err := p.Cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	w.eventually("new requests are refused", func() bool {
		again, err := net.Dial("tcp", strings.TrimPrefix(p.at, "http://"))
		if err == nil {
			again.Close()
		}
		return err != nil
	})
	fmt.Fprint(c, body)
	resp, err := http.ReadResponse(answers, nil)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("the request in flight: got %v, %v, want 200", resp, err)
	}
	resp.Body.Close()
	if err := p.Cmd.Wait(); err != nil {
		t.Fatalf("got %v, want the process ended without an error\n%s", err, w.Logs)
	}
}

func TestSIGTERMEndsWithoutAnError(t *testing.T) {
	t.Parallel()
	database, redis := embedded.open(t)
	w := newFixture(t, database, redis)
	p := w.process(w.port)
	if err := p.Cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.Cmd.Wait(); err != nil {
		t.Fatalf("got %v, want the process ended without an error\n%s", err, w.Logs)
	}
}

func TestAPortThatIsTakenEndsTheStart(t *testing.T) { // O14
	t.Parallel()
	database, redis := embedded.open(t)
	w := newFixture(t, database, redis)
	p := w.process(w.port)
	var told bytes.Buffer
	again := exec.Command(systemtest.Program(t), "serve")
	again.Env, again.Stderr = p.Cmd.Env, &told
	if err := again.Run(); err == nil {
		t.Fatal("got it started, want an error")
	}
	if !bytes.Contains(told.Bytes(), []byte("address already in use")) {
		t.Errorf("got %s, want the address in use", told.String())
	}
}

func TestEverySettingThatIsWrongIsNamedAtOnce(t *testing.T) { // O19
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "connections.yaml")
	for name, content := range map[string]string{
		"bad.xml": "<x/>",
		"connections.yaml": `connections:
  - {slug: one, domains: [one.example], metadata_file: bad.xml, colour: red}
  - {slug: two, metadata_file: none.xml, allow_weak: [md5]}
`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	wrong := []string{
		"SECRET_KEY=hunter2", "SECRET_KEY_PREVIOUS=hunter2", "OAUTH_TTL_DAYS=999", "OPENAPI_RATE_LIMIT_PER_TOKEN=-1", "USER_CODE_GLOBAL_LIMIT=0",
		"LEGACY_ROUTES=perhaps", "LEGACY_SUNSET=soon", "SAML_CLOCK_SKEW=soon", "SAML_ENTITY_ID=a b", "SAML_SP_KEY_FILE=none.pem",
		"PUBLIC_URL=http://u:hunter2@sso.example.com", "WEB_URL=ftp://u:hunter2@web.example.com", "COOKIE_DOMAIN=bad domain", "TRUSTED_PROXIES=everybody",
		"LISTEN_ADDR=zz", "OPS_ADDR=zy", "DATABASE_URL=mysql://u:hunter2@x", "REDIS_URL=redis://u:hunter2@127.0.0.1:bad port",
		"MIGRATE=maybe", "ACCOUNT_DIRECTORY=ldap", "LICENSE_STATUS=maybe", "ENTERPRISE_API_URL=inner:8080", "LOG_LEVEL=loud", "SHUTDOWN_DELAY=-1s",
		"OPENAPI_KNOWN_CLIENT_IDS=,", "OPENAPI_CORS_ALLOW_ORIGINS=https://a.example/path", "BRAND_COLOR=reddish", "SUPPORT_URL=ftp://help.example",
	}
	var told bytes.Buffer
	serve := exec.Command(systemtest.Program(t), "serve")
	serve.Dir, serve.Stderr = dir, &told
	serve.Env = append([]string{"CONNECTIONS_FILE=" + file}, wrong...)
	err := serve.Run()
	if code := serve.ProcessState.ExitCode(); code != 2 {
		t.Errorf("got the exit code %d (%v), want 2", code, err)
	}
	head, list, _ := strings.Cut(told.String(), "\n")
	if head != "devicegate: these settings have to be mended first:" {
		t.Errorf("got %q first, want the heading", head)
	}
	named := map[string]int{}
	for line := range strings.Lines(list) {
		setting, _, _ := strings.Cut(strings.TrimSpace(line), ": ")
		named[setting]++
	}
	want := map[string]int{"connection one": 2, "connection two": 3, "ENTERPRISE_API_SECRET_KEY": 1}
	for _, pair := range wrong {
		setting, _, _ := strings.Cut(pair, "=")
		want[setting] = 1
	}
	if !maps.Equal(named, want) {
		t.Errorf("got %v, want %v in:\n%s", named, want, list)
	}
	if strings.Contains(list, "hunter2") {
		t.Errorf("got a secret, want none in\n%s", list)
	}
	if made, err := os.ReadDir(dir); err != nil || len(made) != 2 {
		t.Errorf("got %v left (%v), want nothing", made, err)
	}
}
