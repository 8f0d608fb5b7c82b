package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"

	"go.uber.org/fx"

	"github.com/devicegate/devicegate/adapters/files"
	"github.com/devicegate/devicegate/adapters/lifecycle"
	"github.com/devicegate/devicegate/adapters/stored"
	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/spkeys"
	"github.com/devicegate/devicegate/ports"
)

// spKeys joins the SAML service provider's keys: those of files or, where none is
// configured, those of the database.
func spKeys(c Config) fx.Option {
	if c.Keys == (files.KeysConfig{}) {
		return fx.Provide(application.NewPrepareKeys, firstPair, storedKeys, func() *files.Keys { return nil })
	}
	return fx.Options(fx.Provide(keyFiles), files.KeysModule)
}

// keyFiles are the configured files. A next or previous pair can accompany the
// pair that is in DATA_DIR.
func keyFiles(c Config) (files.KeysConfig, error) {
	if c.Keys.Active != "" {
		return c.Keys, nil
	}
	var err error
	if c.Keys.Active, err = files.OwnKey(c.DataDir, c.Clock()); err != nil {
		return c.Keys, fmt.Errorf("DATA_DIR (or set SAML_SP_KEY_FILE): %w", err)
	}
	return c.Keys, nil
}

// firstPair is the pair that an earlier release kept in DATA_DIR, which identity
// providers know, or a new one.
func firstPair(c Config) application.FirstPair {
	return func() (spkeys.Pair, string, error) {
		file := files.OwnKeyFile(c.DataDir)
		if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
			pair, err := spkeys.Generate(c.Clock())
			return pair, "made", err
		}
		set, err := files.KeysConfig{Active: file}.Read()
		if err != nil {
			return spkeys.Pair{}, "", fmt.Errorf("DATA_DIR: the SAML key: %w", err)
		}
		return set.Active(), "imported", nil
	}
}

// storedKeys are ready when the service starts, and follow changes while it runs.
func storedKeys(lc fx.Lifecycle, prepare *application.PrepareKeys, store ports.Store, changes ports.Changes, log *slog.Logger) ports.KeyStore {
	keys := stored.NewKeys(store, changes, log)
	lc.Append(lifecycle.AfterOpening(func(ctx context.Context) error {
		if err := prepare.Execute(ctx); err != nil {
			return err
		}
		return keys.Open(ctx)
	}, keys.Run))
	return keys
}
