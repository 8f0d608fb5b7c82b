package idps

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/devicegate/devicegate/e2e/services"
)

var capture = flag.String("capture", "", "write what the identity providers answer to this folder")

func TestMain(m *testing.M) { os.Exit(services.Main(m)) }

// errNotPackaged says that this system has no package of SimpleSAMLphp.
var errNotPackaged = errors.New("E2E_SIMPLESAMLPHP=none: there is no SimpleSAMLphp for this test; install simplesamlphp, which Debian has up to 12")

// lacks skips a test for want of a program; with CI=true that is a failure, unless
// the system has no package of it.
func lacks(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, errNotPackaged) && os.Getenv("CI") == "true" {
		t.Fatalf("got %v, want the program installed: CI=true allows no skipping", err)
	}
	t.Skip(err)
}

// debian is a check of Debian packages: a program that ends well if they are there.
func debian(packages, program string, args ...string) func() error {
	return func() error {
		if out, err := exec.Command(program, args...).CombinedOutput(); err != nil {
			return fmt.Errorf("%w: %s (apt-get install %s)", err, out, packages)
		}
		return nil
	}
}

// simpleSAMLphp is a check of its packages, which not every Debian has.
func simpleSAMLphp() error {
	if os.Getenv("E2E_SIMPLESAMLPHP") == "none" {
		return errNotPackaged
	}
	return debian("simplesamlphp php-cli php-xml php-mbstring", "php", "-r", "exit(is_dir('"+phpFolder+"') && class_exists('DOMDocument') && function_exists('mb_strlen') ? 0 : 1);")()
}

const npmFolder = "testdata/npm"

// npm installs what the lock file names, unless it is there.
var npm = sync.OnceValue(func() error {
	if _, err := os.Stat(filepath.Join(npmFolder, "node_modules/samlify")); err == nil {
		return nil
	}
	install := exec.Command("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	install.Dir = npmFolder
	if out, err := install.CombinedOutput(); err != nil {
		return errors.Join(err, errors.New(string(out)))
	}
	return nil
})
