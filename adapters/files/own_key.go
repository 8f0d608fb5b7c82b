package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/devicegate/devicegate/domain/spkeys"
)

// ownKeyFile holds the key and the certificate in one file, so that neither can
// be lost alone.
const ownKeyFile = "saml-sp.pem"

// OwnKeyFile is where [OwnKey] keeps the pair.
func OwnKeyFile(dir string) string { return filepath.Join(dir, ownKeyFile) }

// OwnKey is the file in dir that holds the pair of an installation without a
// configured one; it makes the pair if there is none. Replicas have to be given
// one pair: a replica could not decrypt what an identity provider has encrypted
// for the pair of another one.
func OwnKey(dir string, at time.Time) (file string, err error) {
	file = OwnKeyFile(dir)
	_, err = os.Stat(file)
	if errors.Is(err, fs.ErrNotExist) {
		err = makeKey(dir, file, at)
	}
	if err != nil {
		return "", fmt.Errorf("the SAML key: %w", err)
	}
	return file, nil
}

// makeKey writes the pair under another name and links it, so that several
// processes that start at once use one pair.
func makeKey(dir, file string, at time.Time) error {
	pair, err := spkeys.Generate(at)
	if err != nil {
		return err
	}
	text, err := pair.PEM()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	draft, err := os.CreateTemp(dir, ownKeyFile+"-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(draft.Name()) }()
	_, err = draft.Write(text)
	if err = errors.Join(err, draft.Close()); err != nil {
		return err
	}
	if err := os.Link(draft.Name(), file); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}
