package deviceclient

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/zalando/go-keyring"
)

// ErrNoSecret says that the keychain answered and has no such secret.
var ErrNoSecret = errors.New("the keychain has no such secret")

const (
	keychainService = "devicegate"
	// keychainTime bounds a call: a locked keychain may ask on a screen that is
	// not there.
	keychainTime = 5 * time.Second
)

// SystemKeychain returns the keychain of the operating system (the macOS
// Keychain, the Windows Credential Manager, the Secret Service on D-Bus), or nil
// where there is none to talk to.
func SystemKeychain() Keychain {
	if runtime.GOOS != "darwin" && runtime.GOOS != "windows" && !sessionBus() {
		return nil
	}
	return systemKeychain{}
}

// sessionBus reports whether a D-Bus session is there. Without one the library
// would start a bus of its own, on which no keychain answers.
func sessionBus() bool {
	if os.Getenv("DBUS_SESSION_BUS_ADDRESS") != "" {
		return true
	}
	dir := os.Getenv("XDG_RUNTIME_DIR")
	if dir == "" {
		return false
	}
	_, err := os.Stat(filepath.Join(dir, "bus"))
	return err == nil
}

type systemKeychain struct{}

func (systemKeychain) Set(account, secret string) error {
	_, err := bounded(func() (string, error) { return "", keyring.Set(keychainService, account, secret) })
	return err
}

func (systemKeychain) Get(account string) (string, error) {
	return bounded(func() (string, error) { return keyring.Get(keychainService, account) })
}

func (systemKeychain) Delete(account string) error {
	_, err := bounded(func() (string, error) { return "", keyring.Delete(keychainService, account) })
	return err
}

// bounded gives up on a call that does not return. Its goroutine ends with the
// program.
func bounded(call func() (string, error)) (string, error) {
	type result struct {
		secret string
		err    error
	}
	done := make(chan result, 1)
	go func() {
		secret, err := call()
		done <- result{secret, err}
	}()
	timer := time.NewTimer(keychainTime)
	defer timer.Stop()
	select {
	case r := <-done:
		if errors.Is(r.err, keyring.ErrNotFound) {
			return "", ErrNoSecret
		}
		return r.secret, r.err
	case <-timer.C:
		return "", fmt.Errorf("no answer within %s", keychainTime)
	}
}
