package services

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Keychain runs the GNOME keyring, unlocked or locked, on a D-Bus session of its own
// until the test ends. A program with this environment finds it; home is where it
// keeps its files.
func Keychain(t testing.TB, locked bool) (env []string, home string) {
	t.Helper()
	for program, of := range map[string]string{"dbus-run-session": "dbus-daemon", "dbus-send": "dbus-bin", "gnome-keyring-daemon": "gnome-keyring"} {
		if _, err := exec.LookPath(program); err != nil {
			missing(t, fmt.Errorf("no %s for this test: install %s", program, of))
		}
	}
	home = t.TempDir()
	run := filepath.Join(home, "run")
	if err := os.Mkdir(run, 0o700); err != nil {
		t.Fatal(err)
	}
	// The daemon reads the password to its end, and goes when its bus does.
	start := `printf password | gnome-keyring-daemon --foreground --unlock --components=secrets >&2 &`
	if locked {
		start = `gnome-keyring-daemon --foreground --components=secrets </dev/null >&2 &`
	}
	session := exec.Command("dbus-run-session", "--", "sh", "-c", start+` echo "$DBUS_SESSION_BUS_ADDRESS"; cat >/dev/null`)
	session.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "XDG_RUNTIME_DIR=" + run, "LC_ALL=C.UTF-8"}
	if path, set := os.LookupEnv("LD_LIBRARY_PATH"); set {
		session.Env = append(session.Env, "LD_LIBRARY_PATH="+path)
	}
	open, err := session.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	said, err := session.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := session.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = open.Close()
		_ = session.Wait()
	})
	bus, err := bufio.NewReader(said).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	bus = strings.TrimSpace(bus)
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	err = await(ctx, nil, func(ctx context.Context) error {
		out, err := exec.CommandContext(ctx, "dbus-send", "--bus="+bus, "--print-reply", "--dest=org.freedesktop.DBus",
			"/org/freedesktop/DBus", "org.freedesktop.DBus.NameHasOwner", "string:org.freedesktop.secrets").Output()
		if err == nil && !strings.Contains(string(out), "boolean true") {
			err = errors.New("the keyring is not on the bus")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return []string{"DBUS_SESSION_BUS_ADDRESS=" + bus, "XDG_RUNTIME_DIR=" + run}, home
}
