// Command docsite makes a small site of the Markdown in this repository, and
// checks every relative link and anchor in it.
//
//	cd tools && go run ./docsite -out ../site
//	cd tools && go run ./docsite -check
package main

import (
	"bytes"
	_ "embed"
	"flag"
	"fmt"
	"html/template"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
)

//go:embed page.html
var pageText string

var page = template.Must(template.New("page").Parse(pageText))

func main() {
	root := flag.String("root", "..", "the repository")
	out := flag.String("out", "../site", "folder for the site")
	check := flag.Bool("check", false, "check links, and write nothing")
	flag.Parse()
	problems, err := run(*root, *out, *check)
	for _, p := range problems {
		fmt.Fprintln(os.Stderr, p)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "docsite:", err)
	}
	if err != nil || len(problems) > 0 {
		os.Exit(1)
	}
}

// site is the rendered documents, by path below the repository.
type site struct {
	root  string
	pages map[string]string // HTML
}

func run(root, out string, check bool) (problems []string, err error) {
	s := site{root, map[string]string{}}
	if err := s.render(); err != nil {
		return nil, err
	}
	if problems = s.broken(); check || len(problems) > 0 {
		return problems, nil
	}
	return nil, s.write(out)
}

// folders hold documents; those of the repository itself are in ".".
var folders = []string{".", "docs"}

func (s site) render() error {
	md := goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithParserOptions(parser.WithAutoHeadingID()))
	return filepath.WalkDir(s.root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(s.root, file)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		top, _, nested := strings.Cut(name, "/")
		if d.IsDir() {
			if name != "." && !slices.Contains(folders, top) {
				return fs.SkipDir
			}
			return nil
		}
		if path.Ext(name) != ".md" || nested && top != "docs" {
			return nil
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		var html bytes.Buffer
		if err := md.Convert(text, &html, parser.WithContext(parser.NewContext(parser.WithIDs(anchors{})))); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		s.pages[name] = html.String()
		return nil
	})
}

// anchors are the ids of headings, as code hosts make them.
type anchors map[string]int

var notInAnchor = regexp.MustCompile(`[^\p{L}\p{N} _-]`)

// Generate implements [parser.IDs].
func (a anchors) Generate(heading []byte, _ ast.NodeKind) []byte {
	id := strings.ReplaceAll(notInAnchor.ReplaceAllString(strings.ToLower(string(heading)), ""), " ", "-")
	a[id]++
	if n := a[id]; n > 1 {
		id = fmt.Sprintf("%s-%d", id, n-1)
	}
	return []byte(id)
}

// Put implements [parser.IDs].
func (a anchors) Put(id []byte) { a[string(id)]++ }

var (
	links = regexp.MustCompile(`(?:href|src)="([^"]+)"`)
	ids   = regexp.MustCompile(`id="([^"]+)"`)
)

// broken lists the relative links that lead nowhere.
func (s site) broken() (problems []string) {
	known := map[string]map[string]bool{}
	for name, html := range s.pages {
		known[name] = map[string]bool{}
		for _, found := range ids.FindAllStringSubmatch(html, -1) {
			known[name][found[1]] = true
		}
	}
	for name, html := range s.pages {
		for _, found := range links.FindAllStringSubmatch(html, -1) {
			to, anchor, _ := strings.Cut(found[1], "#")
			if strings.Contains(to, ":") || strings.HasPrefix(to, "//") {
				continue // another site's
			}
			target := name
			if to != "" {
				target = path.Join(path.Dir(name), to)
			}
			if _, err := os.Stat(filepath.Join(s.root, target)); err != nil {
				problems = append(problems, fmt.Sprintf("%s: links to %s, which there is not", name, found[1]))
			} else if headings, isPage := known[target]; isPage && anchor != "" && !headings[anchor] {
				problems = append(problems, fmt.Sprintf("%s: links to %s, which has no such heading", name, found[1]))
			}
		}
	}
	slices.Sort(problems)
	return slices.Compact(problems)
}

// write makes one HTML file of each document, and copies what documents show.
func (s site) write(out string) error {
	for name, html := range s.pages {
		target := filepath.Join(out, filepath.FromSlash(htmlName(name)))
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		up := strings.Repeat("../", strings.Count(name, "/"))
		var text bytes.Buffer
		err := page.Execute(&text, map[string]any{
			"Title": title(html, name), "Up": up, "Body": template.HTML(linksToHTML(html, s.pages, name)),
		})
		if err != nil {
			return err
		}
		if err := os.WriteFile(target, text.Bytes(), 0o644); err != nil {
			return err
		}
	}
	for _, shown := range []string{"docs/images", "docs/operate", "docs/openapi.yaml", "docs/openapi-admin.yaml"} {
		if err := copyAll(filepath.Join(s.root, shown), filepath.Join(out, shown)); err != nil {
			return err
		}
	}
	return nil
}

func htmlName(name string) string {
	folder, file := path.Split(name)
	if file == "README.md" {
		return folder + "index.html"
	}
	return strings.TrimSuffix(name, ".md") + ".html"
}

// linksToHTML leads links between documents to their pages.
func linksToHTML(html string, pages map[string]string, from string) string {
	return links.ReplaceAllStringFunc(html, func(link string) string {
		found := links.FindStringSubmatch(link)[1]
		to, anchor, _ := strings.Cut(found, "#")
		if _, isPage := pages[path.Join(path.Dir(from), to)]; !isPage || to == "" {
			return link
		}
		next := htmlName(to)
		if anchor != "" {
			next += "#" + anchor
		}
		return strings.Replace(link, found, next, 1)
	})
}

var (
	firstHeading = regexp.MustCompile(`<h1[^>]*>(.*?)</h1>`)
	tags         = regexp.MustCompile(`<[^>]+>`)
)

func title(html, name string) string {
	if found := firstHeading.FindStringSubmatch(html); found != nil {
		return tags.ReplaceAllString(found[1], "")
	}
	return name
}

func copyAll(from, to string) error {
	return filepath.WalkDir(from, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(file) == ".md" {
			return err
		}
		below, err := filepath.Rel(from, file)
		if err != nil {
			return err
		}
		target := filepath.Join(to, below)
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		return os.WriteFile(target, text, 0o644)
	})
}
