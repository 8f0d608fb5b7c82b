// Command setup makes .env out of .env.example, with a fresh SECRET_KEY. A file
// that is there stays as it is. It runs in the folder of the two files.
package main

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
)

func main() {
	if err := run("."); err != nil {
		fmt.Fprintln(os.Stderr, "setup:", err)
		os.Exit(1)
	}
}

var emptyKey = regexp.MustCompile(`(?m)^SECRET_KEY=\r?$`)

func run(folder string) error {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	example, err := root.ReadFile(".env.example")
	if err != nil {
		return err
	}
	key := make([]byte, 42)
	_, _ = rand.Read(key) // never fails
	text := emptyKey.ReplaceAllLiteral(example, []byte("SECRET_KEY="+base64.StdEncoding.EncodeToString(key)))
	file, err := root.OpenFile(".env", os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		fmt.Println(".env is there already and stays as it is")
		return nil
	}
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	fmt.Println(".env was made, with a fresh SECRET_KEY")
	return nil
}
