package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/devicegate/devicegate/internal/logtest"
)

// The program says what is in its file, and then runs until it is interrupted.
const said = `package main

import (
	_ "embed"
	"fmt"
	"os"
	"os/signal"
	"text/template"
)

//go:embed page/page.html
var page string

func main() {
	template.Must(template.New("page.html").Parse(page))
	c := make(chan os.Signal, 1)
	signal.Notify(c, os.Interrupt)
	fmt.Println("page:", page)
	<-c
	fmt.Println("ended:", page)
}
`

func TestEachWayOfSavingAFileStartsThePageAgain(t *testing.T) {
	module := t.TempDir()
	folder := filepath.Join(module, "page")
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(module, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("go.mod", "module page\n")
	write("main.go", said)
	write("page/page.html", "one")

	out := &logtest.Log{}
	p := &program{module: module, into: t.TempDir(), ready: "page:", out: out}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	ticks := time.NewTicker(10 * time.Millisecond)
	defer ticks.Stop()
	go func() { ended <- p.follow(ctx, folder, ticks.C) }()
	says := func(want string) {
		t.Helper()
		for deadline := time.After(2 * time.Minute); !strings.Contains(out.String(), want); {
			select {
			case <-ticks.C:
			case <-deadline:
				t.Fatalf("got %q, want %q in it", out, want)
			}
		}
	}
	says("page: one")

	write("page/page.html", "two, in place")
	says("page: two, in place")

	// As vim and sed -i do, with a file beside it that comes and goes.
	write("page/page.html~", "not this")
	write("page/new", "three, by a rename")
	if err := os.Rename(filepath.Join(folder, "new"), filepath.Join(folder, "page.html")); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(folder, "page.html~")); err != nil {
		t.Fatal(err)
	}
	says("page: three, by a rename")

	write("main.go", said+"\nno")
	write("page/page.html", "no")
	says("the page stays as it is")
	if strings.Contains(out.String(), "ended: three") {
		t.Errorf("got %q, want the page that runs left alone", out)
	}
	write("main.go", said)
	write("page/page.html", "four")
	says("page: four")

	// A template with a mistake ends the program that was built with it; saved twice,
	// as an editor may.
	for _, mistake := range []string{"mistaken\n{{ if }}", "again\n\n{{ end }}"} {
		write("page/page.html", mistake)
	}
	says("page.html:3: unexpected {{end}}\ndevweb: the page is as it was before")
	for deadline := time.After(2 * time.Minute); strings.Count(out.String(), "page: four") < 2; {
		select {
		case <-ticks.C:
		case <-deadline:
			t.Fatalf("got %q, want the page before the mistake again", out)
		}
	}
	write("page/page.html", "five")
	says("page: five")

	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if n, m := strings.Count(out.String(), "page: "), strings.Count(out.String(), "ended: "); n != 6 || m != 6 {
		t.Errorf("got %d starts and %d ends, want 6 of each:\n%s", n, m, out)
	}
}

func TestTestsAndCopiesOfEditorsAreNoPartOfThePage(t *testing.T) {
	for name, want := range map[string]bool{
		"layout.html": true, "mail.txt": true, "style.css": true, "script.js": true, "en.json": true, "icon.svg": true, "render.go": true,
		"render_test.go": false, "layout.html~": false, ".layout.html.swp": false, "4913": false, ".#en.json": false, "#en.json#": false,
	} {
		if got := isPart(name); got != want {
			t.Errorf("%s: got %t, want %t", name, got, want)
		}
	}
}
