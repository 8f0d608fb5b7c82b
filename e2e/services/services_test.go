package services_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/devicegate/devicegate/e2e/services"
)

func TestMain(m *testing.M) { os.Exit(services.Main(m)) }

func TestEachDatabaseIsEmptyAndGoesWithItsTest(t *testing.T) {
	var first string
	for i := range 2 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			u := services.Postgres(t)
			if u == first {
				t.Fatal("got the same database twice, want another")
			}
			first = u
			c := connect(t, u)
			if _, err := c.Exec(t.Context(), "CREATE TABLE t (n int)"); err != nil {
				t.Fatal(err)
			}
		})
	}
	u, err := url.Parse(first)
	if err != nil {
		t.Fatal(err)
	}
	var n int
	err = connect(t, services.Postgres(t)).
		QueryRow(t.Context(), "SELECT count(*) FROM pg_database WHERE datname = $1", strings.TrimPrefix(u.Path, "/")).Scan(&n)
	if err != nil || n != 0 {
		t.Errorf("got %d databases left, %v, want none", n, err)
	}
}

func TestCopiesOfATemplateAreFilledOnceAndApart(t *testing.T) {
	filled := 0
	template := services.Template{Fill: func(ctx context.Context, u string) error {
		filled++
		c, err := pgx.Connect(ctx, u)
		if err != nil {
			return err
		}
		_, err = c.Exec(ctx, "CREATE TABLE t AS SELECT 1 AS n")
		return errors.Join(err, c.Close(ctx))
	}}
	for range 2 {
		t.Run("", func(t *testing.T) {
			var n int
			err := connect(t, template.Postgres(t)).QueryRow(t.Context(), "WITH more AS (INSERT INTO t VALUES (2)) SELECT count(*) FROM t").Scan(&n)
			if err != nil || n != 1 {
				t.Errorf("got %d rows, %v, want the one of the template", n, err)
			}
		})
	}
	if filled != 1 {
		t.Errorf("got the template filled %d times, want once", filled)
	}
}

func connect(t *testing.T, u string) *pgx.Conn {
	t.Helper()
	c, err := pgx.Connect(t.Context(), u)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(context.Background()) })
	return c
}

func TestTheSharedRedisAnswers(t *testing.T) {
	if got := say(t, services.Redis(t), "PING"); got != "+PONG" {
		t.Errorf("got %s, want +PONG", got)
	}
}

func TestAPrivateRedisCanBeStoppedAndComesBackEmptyAtTheSameAddress(t *testing.T) {
	s := services.PrivateRedis(t)
	if got := say(t, s.URL(), "SET k v"); got != "+OK" {
		t.Fatalf("got %s, want +OK", got)
	}
	s.Stop()
	if c, err := net.Dial("tcp", strings.TrimPrefix(s.URL(), "redis://")); err == nil {
		_ = c.Close()
		t.Error("got a connection to a stopped server, want none")
	}
	s.Start()
	if got := say(t, s.URL(), "EXISTS k"); got != ":0" {
		t.Errorf("got %s, want :0", got)
	}
}

// The race detector sees here whatever the starts share.
func TestServersMayStartBesideEachOther(t *testing.T) {
	for range 3 {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			if got := say(t, services.PrivateRedis(t).URL(), "PING"); got != "+PONG" {
				t.Errorf("got %s, want +PONG", got)
			}
			connect(t, services.Postgres(t))
		})
	}
}

func TestAPrivateRedisCanBeFlushed(t *testing.T) {
	s := services.PrivateRedis(t)
	say(t, s.URL(), "SET k v")
	s.Flush()
	if got := say(t, s.URL(), "EXISTS k"); got != ":0" {
		t.Errorf("got %s, want :0", got)
	}
}

func TestAPrivateRedisCanHang(t *testing.T) {
	s := services.PrivateRedis(t)
	s.Hang()
	c, err := net.Dial("tcp", strings.TrimPrefix(s.URL(), "redis://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	_, _ = fmt.Fprint(c, "PING\r\n")
	_ = c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %v from a hanging server, want a timeout", err)
	}
	s.Resume()
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	if got, err := bufio.NewReader(c).ReadString('\n'); got != "+PONG\r\n" {
		t.Errorf("got %s, %v, want +PONG", got, err)
	}
}

func say(t *testing.T, u, command string) string {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(u, "redis://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	_, _ = fmt.Fprint(c, command+"\r\n")
	got, err := bufio.NewReader(c).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(got)
}

func TestNothingIsLeftOfAKilledTestBinary(t *testing.T) {
	if os.Getenv("E2E_DATABASE_URL") != "" || os.Getenv("E2E_REDIS_URL") != "" {
		t.Skip("the servers were not started by this test")
	}
	services.Postgres(t) // skips where there is none
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "-test.run=^TestHoldServersUntilKilled$", "-test.v")
	cmd.Env = append(os.Environ(), "E2E_HOLD=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var addrs []string
	for lines := bufio.NewScanner(out); len(addrs) < 2 && lines.Scan(); {
		if addr, ok := strings.CutPrefix(lines.Text(), "holding "); ok {
			addrs = append(addrs, addr)
		}
	}
	_ = cmd.Process.Signal(syscall.SIGKILL)
	_ = cmd.Wait()
	if len(addrs) != 2 {
		t.Fatalf("got %q from the other binary, want two addresses", addrs)
	}
	for _, addr := range addrs {
		eventually(t, "nothing listens at "+addr, func() bool {
			c, err := net.Dial("tcp", addr)
			if err == nil {
				_ = c.Close()
			}
			return err != nil
		})
	}
}

// TestHoldServersUntilKilled is the other half of the test above.
func TestHoldServersUntilKilled(t *testing.T) {
	if os.Getenv("E2E_HOLD") == "" {
		t.SkipNow()
	}
	for _, text := range []string{services.Postgres(t), services.Redis(t)} {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Println("holding " + u.Host)
	}
	<-t.Context().Done()
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(20 * time.Second); !is(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("got a timeout, want: %s", what)
		}
	}
}

func TestChromiumIsAProgram(t *testing.T) {
	if _, err := exec.LookPath(services.Chromium(t)); err != nil {
		t.Error(err)
	}
}
