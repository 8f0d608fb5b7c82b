// Package spkeystest gives tests RSA key pairs. Making one takes longer than most
// tests, so each is made once in a test binary.
package spkeystest

import (
	"sync"
	"testing"
	"time"

	"github.com/devicegate/devicegate/domain/spkeys"
)

var made struct {
	sync.Mutex
	pairs map[string]spkeys.Pair
}

// Pair is the pair called name, the same one in all tests of a binary.
func Pair(t testing.TB, name string) spkeys.Pair {
	t.Helper()
	made.Lock()
	defer made.Unlock()
	pair, found := made.pairs[name]
	if found {
		return pair
	}
	pair, err := spkeys.Generate(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if made.pairs == nil {
		made.pairs = map[string]spkeys.Pair{}
	}
	made.pairs[name] = pair
	return pair
}

// PEM is the text of a file that holds the pair called name.
func PEM(t testing.TB, name string) []byte {
	t.Helper()
	text, err := Pair(t, name).PEM()
	if err != nil {
		t.Fatal(err)
	}
	return text
}
