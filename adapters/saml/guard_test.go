package saml

import (
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/devicegate/devicegate/domain/approval"
)

// FuzzGuard gives the first two steps anything at all.
func FuzzGuard(f *testing.F) {
	files, err := filepath.Glob(filepath.Join("testdata", "vendors", "*", "*.xml"))
	if err != nil || len(files) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, file := range files {
		document, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(base64.StdEncoding.EncodeToString(document))
	}
	f.Add("")
	f.Add("PGE+")
	f.Fuzz(func(t *testing.T, raw string) {
		root, err := guard(raw)
		if err == nil {
			_, err = locate(root)
		}
		var r *approval.Refusal
		if err != nil && (!errors.As(err, &r) || r.Reason == "" || r.Reason == "internal_error") {
			t.Errorf("%v", err)
		}
	})
}

func TestWhatIsShownCannotForgeALog(t *testing.T) {
	if got := shown("a\nb\x1b[31m\u202e\u2028c\ufeff\xff"); got != "a·b·[31m··c··" {
		t.Errorf("shown %q", got)
	}
}
