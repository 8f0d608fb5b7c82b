package files

import (
	"bytes"
	"context"
	"errors"
	"log/slog"

	"github.com/devicegate/devicegate/adapters/lastgood"
	"github.com/devicegate/devicegate/domain/setting"
	"github.com/devicegate/devicegate/domain/spkeys"
)

// KeysConfig names the files of the service provider's key pairs, each with a
// key and its certificate in PEM. Next and Previous may be "", and their files
// may be empty: a rotation then needs no restart.
type KeysConfig struct{ Active, Next, Previous string }

// Keys is [ports.KeyStore] from files.
type Keys struct {
	polled[spkeys.Set]
}

// OpenKeys reads the files. Its error lists everything that is wrong with them.
func OpenKeys(cfg KeysConfig, log *slog.Logger) (*Keys, error) {
	k := &Keys{polled[spkeys.Set]{
		read: cfg.read,
		Source: lastgood.NewSource("SAML key files", log, func(ctx context.Context, all spkeys.Set) {
			log.InfoContext(ctx, "SAML key files read", "published", len(all.Published()), "decrypting", len(all.Decrypting()))
		}),
	}}
	if err := k.open(); err != nil {
		return nil, err
	}
	return k, nil
}

// Keys implements [ports.KeyStore].
func (k *Keys) Keys(context.Context) (spkeys.Set, error) { return k.Get(), nil }

// Check reads the files and lists everything that is wrong with them; each
// [setting.Problem] names a field. Active may be "" here: [OwnKey] comes later.
func (c KeysConfig) Check() error {
	_, _, err := c.read()
	if c.Active == "" && errors.Is(err, spkeys.ErrNone) {
		return nil
	}
	return err
}

// Read reads the files once.
func (c KeysConfig) Read() (spkeys.Set, error) {
	all, _, err := c.read()
	return all, err
}

func (c KeysConfig) read() (spkeys.Set, digest, error) {
	files := newDigester()
	var errs []error
	pair := func(field, file string) spkeys.Pair {
		if file == "" {
			return spkeys.Pair{}
		}
		text, err := files.file(file)
		if err != nil {
			errs = append(errs, setting.Wrong(field, "%v", err))
			return spkeys.Pair{}
		}
		if len(bytes.TrimSpace(text)) == 0 && field != "Active" {
			return spkeys.Pair{}
		}
		pair, err := spkeys.ParsePEM(text)
		if err != nil {
			errs = append(errs, setting.Wrong(field, "%s: %v", file, err))
		}
		return pair
	}
	active, next, previous := pair("Active", c.Active), pair("Next", c.Next), pair("Previous", c.Previous)
	if err := errors.Join(errs...); err != nil {
		return spkeys.Set{}, files.sum(), err
	}
	set, err := spkeys.NewSet(active, next, previous)
	return set, files.sum(), err
}
