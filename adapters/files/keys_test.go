package files

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/devicegate/devicegate/domain/setting"
	"github.com/devicegate/devicegate/domain/spkeys"
	"github.com/devicegate/devicegate/ports/porttest"
)

// keyFolder holds the three key files.
type keyFolder struct {
	t    *testing.T
	cfg  KeysConfig
	logs bytes.Buffer
}

func newKeyFolder(t *testing.T, active spkeys.Pair) *keyFolder {
	dir := t.TempDir()
	f := &keyFolder{t: t, cfg: KeysConfig{
		Active: filepath.Join(dir, "active.pem"), Next: filepath.Join(dir, "next.pem"), Previous: filepath.Join(dir, "previous.pem"),
	}}
	f.write(active, spkeys.Pair{}, spkeys.Pair{})
	return f
}

func (f *keyFolder) write(active, next, previous spkeys.Pair) {
	f.t.Helper()
	for file, pair := range map[string]spkeys.Pair{f.cfg.Active: active, f.cfg.Next: next, f.cfg.Previous: previous} {
		var text []byte
		if !pair.IsZero() {
			var err error
			if text, err = pair.PEM(); err != nil {
				f.t.Fatal(err)
			}
		}
		f.fill(file, text)
	}
}

func (f *keyFolder) fill(file string, text []byte) {
	f.t.Helper()
	if err := os.WriteFile(file, text, 0o600); err != nil {
		f.t.Fatal(err)
	}
}

func (f *keyFolder) open() *Keys {
	f.t.Helper()
	k, err := OpenKeys(f.cfg, slog.New(slog.NewTextHandler(&f.logs, nil)))
	if err != nil {
		f.t.Fatal(err)
	}
	return k
}

var twoPairs = sync.OnceValues(func() ([2]spkeys.Pair, error) {
	one, err := spkeys.Generate(time.Now())
	two, err2 := spkeys.Generate(time.Now())
	return [2]spkeys.Pair{one, two}, errors.Join(err, err2)
})

func pairs(t *testing.T) (one, two spkeys.Pair) {
	t.Helper()
	both, err := twoPairs()
	if err != nil {
		t.Fatal(err)
	}
	return both[0], both[1]
}

func activeKey(t *testing.T, k *Keys) spkeys.Pair {
	t.Helper()
	all, err := k.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return all.Active()
}

func TestKeys(t *testing.T) {
	porttest.KeyStore(t, func(t *testing.T, active spkeys.Pair) porttest.KeyStoreUnderTest {
		f := newKeyFolder(t, active)
		k := f.open()
		return porttest.KeyStoreUnderTest{Keys: k, Replace: func(active, next, previous spkeys.Pair) {
			f.write(active, next, previous)
			k.Reload(t.Context())
		}}
	})
}

func TestChangedKeyFilesAreTakenUpBySecondReading(t *testing.T) {
	one, two := pairs(t)
	f := newKeyFolder(t, one)
	k := f.open()
	f.write(two, spkeys.Pair{}, one)
	k.poll(t.Context())
	if !activeKey(t, k).Key().Equal(one.Key()) {
		t.Error("got the new key after one reading, want the files to settle first")
	}
	k.poll(t.Context())
	if !activeKey(t, k).Key().Equal(two.Key()) || !k.Current() {
		t.Errorf("got the old key, current %t, want the new one, current", k.Current())
	}
}

func TestUnusableKeyFilesChangeNothing(t *testing.T) {
	one, two := pairs(t)
	good, err := two.PEM()
	if err != nil {
		t.Fatal(err)
	}
	key, certificate, _ := bytes.Cut(good, []byte("-----BEGIN CERTIFICATE"))
	_, foreign, _ := bytes.Cut(mustPEM(t, one), []byte("-----BEGIN CERTIFICATE"))
	for name, c := range map[string]struct {
		text []byte
		want string
	}{
		"an empty active file":  {nil, "no private key"},
		"no PEM":                {[]byte("hunter2"), "no private key"},
		"no certificate":        {key, "no certificate"},
		"no key":                {append([]byte("-----BEGIN CERTIFICATE"), certificate...), "no private key"},
		"a foreign certificate": {fmt.Appendf(nil, "%s-----BEGIN CERTIFICATE%s", key, foreign), "not that of its key"},
		"an encrypted key":      {append([]byte("-----BEGIN ENCRYPTED PRIVATE KEY-----\naHVudGVyMg==\n-----END ENCRYPTED PRIVATE KEY-----\n"), good...), "the key is encrypted"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newKeyFolder(t, one)
			k := f.open()
			f.fill(f.cfg.Active, c.text)
			for range 4 {
				k.poll(t.Context())
			}
			if !activeKey(t, k).Key().Equal(one.Key()) || k.Current() {
				t.Errorf("got another key, current %t, want the last good one, not current", k.Current())
			}
			if logs := f.logs.String(); strings.Count(logs, "level=ERROR") != 1 || !strings.Contains(logs, c.want) || strings.Contains(logs, "hunter2") {
				t.Errorf("got the log\n%s\nwant one error with %q", logs, c.want)
			}
			err := f.cfg.Check()
			var wrong setting.Problem
			if !errors.As(err, &wrong) || wrong.Field != "Active" {
				t.Errorf("got %v, want a problem of Active", err)
			}
			f.write(two, spkeys.Pair{}, spkeys.Pair{})
			k.Reload(t.Context())
			if !activeKey(t, k).Key().Equal(two.Key()) || !k.Current() {
				t.Errorf("got another key, current %t, want the mended one, current", k.Current())
			}
		})
	}
}

func mustPEM(t *testing.T, pair spkeys.Pair) []byte {
	t.Helper()
	text, err := pair.PEM()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestConfiguredKeyFilesHaveToExist(t *testing.T) {
	one, _ := pairs(t)
	f := newKeyFolder(t, one)
	cfg := f.cfg
	cfg.Next, cfg.Previous = "missing.pem", "gone.pem"
	var fields []string
	for _, err := range setting.Split(cfg.Check()) {
		var wrong setting.Problem
		if errors.As(err, &wrong) {
			fields = append(fields, wrong.Field)
		}
	}
	if got := strings.Join(fields, " "); got != "Next Previous" {
		t.Errorf("got problems of %q, want Next Previous", got)
	}
	if err := (KeysConfig{Previous: f.cfg.Active}).Check(); err != nil {
		t.Errorf("got %v without an active file, want none", err)
	}
}

func TestOwnKeyIsMadeOnce(t *testing.T) {
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	dir := filepath.Join(t.TempDir(), "data")
	sets := make([]spkeys.Set, 4)
	var wg sync.WaitGroup
	for i := range sets {
		wg.Go(func() {
			file, err := OwnKey(dir, at)
			if err != nil {
				t.Error(err)
				return
			}
			if sets[i], _, err = (KeysConfig{Active: file}).read(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, set := range sets {
		if set.IsZero() || !set.Active().Key().Equal(sets[0].Active().Key()) {
			t.Fatal("got different keys for processes that start at once, want one")
		}
	}
	if ends := sets[0].Active().Certificate().NotAfter; ends.Before(at.AddDate(10, 0, 0)) {
		t.Errorf("got a certificate until %s, want at least ten years", ends)
	}
	found, err := os.ReadDir(dir)
	if err != nil || len(found) != 1 {
		t.Fatalf("got files %v, %v, want one", found, err)
	}
	if info, err := found[0].Info(); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got mode %v, %v, want 0600", info.Mode(), err)
	}
}
