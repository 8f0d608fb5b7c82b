package deviceclient

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/zalando/go-keyring"
)

func TestSystemKeychain(t *testing.T) {
	keyring.MockInit()
	k := systemKeychain{}
	if _, err := k.Get("https://a.example"); !errors.Is(err, ErrNoSecret) {
		t.Errorf("got %v, want ErrNoSecret", err)
	}
	if err := k.Set("https://a.example", "secret"); err != nil {
		t.Fatal(err)
	}
	if got, err := k.Get("https://a.example"); err != nil || got != "secret" {
		t.Errorf("Get() = %q, %v, want secret", got, err)
	}
	if err := k.Delete("https://a.example"); err != nil {
		t.Error(err)
	}
	locked := errors.New("locked")
	keyring.MockInitWithError(locked)
	if err := k.Set("https://a.example", "secret"); !errors.Is(err, locked) {
		t.Errorf("got %v, want %v", err, locked)
	}
}

func TestNoBusIsStartedForAKeychain(t *testing.T) {
	if runtime.GOOS == "darwin" || runtime.GOOS == "windows" {
		t.Skip("needs no bus")
	}
	dir := t.TempDir()
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "")
	t.Setenv("XDG_RUNTIME_DIR", dir)
	if SystemKeychain() != nil {
		t.Error("got a keychain without a bus, want none")
	}
	if err := os.WriteFile(filepath.Join(dir, "bus"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if SystemKeychain() == nil {
		t.Error("got no keychain with a bus, want one")
	}
}
