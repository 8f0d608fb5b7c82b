package client_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/devicegate/devicegate/domain/client"
	"github.com/devicegate/devicegate/domain/scope"
	"github.com/devicegate/devicegate/domain/setting"
	"github.com/devicegate/devicegate/domain/token"
)

func set(t *testing.T, text string) scope.Set {
	t.Helper()
	s, err := scope.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func directory(t *testing.T, of client.Source, ids ...string) client.Directory {
	t.Helper()
	var all []client.Client
	for _, id := range ids {
		all = append(all, client.Must(client.Settings{ID: id, Name: id + " of " + string(of), Source: of}))
	}
	d, err := client.NewDirectory(all...)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDefaultsAreFilledIn(t *testing.T) {
	c, err := client.New(client.Settings{ID: "difyctl"})
	s := c.Settings()
	if err != nil || c.ID() != "difyctl" || c.Name() != "difyctl" || c.DefaultLabel() != "difyctl" ||
		!slices.Equal(s.Grants, []client.Grant{client.DeviceCode}) || s.Scopes != scope.External {
		t.Errorf("got %+v, %v, want the defaults", s, err)
	}
	if err := c.CheckUsable(); err != nil {
		t.Errorf("got %v, want it to get tokens", err)
	}
	if !c.MayConnect("anything") || c.TokenLife(token.Lifetime(time.Hour)) != token.Lifetime(time.Hour) {
		t.Error("got limits that were not set, want none")
	}
	c = client.Must(client.Settings{ID: "x", Name: "X", Label: "a device", TokenLife: time.Minute, Connections: []string{"acme"}, Suspended: true})
	if c.DefaultLabel() != "a device" || c.TokenLife(token.Lifetime(time.Hour)) != token.Lifetime(time.Minute) || c.MayConnect("other") || !c.MayConnect("acme") {
		t.Errorf("got %+v, want what was set", c.Settings())
	}
	if err := c.CheckConnection("other"); !errors.Is(err, client.ErrConnection) {
		t.Errorf("got %v, want ErrConnection", err)
	}
	if err := c.CheckUsable(); !errors.Is(err, client.ErrSuspended) {
		t.Errorf("got %v, want ErrSuspended", err)
	}
}

func TestEverythingThatIsWrongIsNamed(t *testing.T) {
	long := strings.Repeat("x", 400)
	for name, c := range map[string]struct {
		set  func(*client.Settings)
		want string
	}{
		"no id":                    {func(s *client.Settings) { s.ID = "" }, "id: "},
		"a long id":                {func(s *client.Settings) { s.ID = strings.Repeat("x", 65) }, "id: "},
		"a blank before the id":    {func(s *client.Settings) { s.ID = " x" }, "id: "},
		"a control character":      {func(s *client.Settings) { s.ID = "x\ny" }, "id: "},
		"markup in the name":       {func(s *client.Settings) { s.Name = "<b>Dify</b>" }, "name: "},
		"markup in the id alone":   {func(s *client.Settings) { s.ID = "<b>x" }, "name: "},
		"a direction mark":         {func(s *client.Settings) { s.Name = "Dify\u202egpj" }, "name: "},
		"an isolate":               {func(s *client.Settings) { s.Publisher = "\u2066Dify\u2069" }, "publisher: "},
		"an invisible character":   {func(s *client.Settings) { s.Name = "Di\u200bfy" }, "name: "},
		"a filler":                 {func(s *client.Settings) { s.Name = "Dify\u3164" }, "name: "},
		"a line break":             {func(s *client.Settings) { s.Name = "Dify\nverified" }, "name: "},
		"a long name":              {func(s *client.Settings) { s.Name = long }, "name: "},
		"no UTF-8":                 {func(s *client.Settings) { s.Publisher = "Dify\xff" }, "publisher: "},
		"a home page over http":    {func(s *client.Settings) { s.HomePage = "http://example.com" }, "home_page: "},
		"a script as home page":    {func(s *client.Settings) { s.HomePage = "javascript:alert(1)" }, "home_page: "},
		"a user in the home page":  {func(s *client.Settings) { s.HomePage = "https://dify.ai@evil.example/" }, "home_page: "},
		"a long home page":         {func(s *client.Settings) { s.HomePage = "https://example.com/" + long }, "home_page: "},
		"an unknown grant":         {func(s *client.Settings) { s.Grants = []client.Grant{"password"} }, "grants: "},
		"the scope of accounts":    {func(s *client.Settings) { s.Scopes = scope.Account }, "scopes: "},
		"a scope with a quote":     {func(s *client.Settings) { s.Scopes = scope.Restore(`a"b`) }, "scopes: "},
		"a sentence for no scope":  {func(s *client.Settings) { s.ScopeTexts = client.ScopeTexts{"orders": {"en": "x"}} }, "scope_texts: "},
		"markup in a sentence":     {func(s *client.Settings) { s.ScopeTexts = client.ScopeTexts{"apps:run": {"en": "<i>x"}} }, "scope_texts: "},
		"an empty sentence":        {func(s *client.Settings) { s.ScopeTexts = client.ScopeTexts{"apps:run": {"en": ""}} }, "scope_texts: "},
		"a language that is none":  {func(s *client.Settings) { s.ScopeTexts = client.ScopeTexts{"apps:run": {"e n": "x"}} }, "scope_texts: "},
		"a negative life":          {func(s *client.Settings) { s.TokenLife = -time.Hour }, "token_ttl: "},
		"a life of a second":       {func(s *client.Settings) { s.TokenLife = time.Second }, "token_ttl: "},
		"a life of two years":      {func(s *client.Settings) { s.TokenLife = 2 * 365 * 24 * time.Hour }, "token_ttl: "},
		"a connection with blanks": {func(s *client.Settings) { s.Connections = []string{"AC ME"} }, "connections: "},
	} {
		s := client.Settings{ID: "x", Scopes: scope.External}
		c.set(&s)
		got, err := client.New(s)
		if err == nil || !got.IsZero() || len(setting.Split(err)) != 1 || !strings.HasPrefix(err.Error(), c.want) || len(err.Error()) > 250 {
			t.Errorf("%s: got %v, want one problem that begins with %q", name, err, c.want)
		}
	}
	_, err := client.New(client.Settings{ID: "", Name: "<", Grants: []client.Grant{"a", "b"}, TokenLife: -1})
	if got := len(setting.Split(err)); got != 5 {
		t.Errorf("got %d problems, want 5: %v", got, err)
	}
}

// What New makes, stores read again with New: else no replica would start.
func TestSettingsThatNewReturnsAreAcceptedByNew(t *testing.T) {
	for _, s := range []client.Settings{
		{ID: "x"},
		{ID: "<b>x", Name: "X"},
		{ID: "a'b\"&"},
		{ID: "a b"},
		{ID: strings.Repeat("x", 64)},
		{ID: "x", Scopes: scope.Restore("a:b  c\nd"), Connections: []string{"acme", "acme"}, TokenLife: time.Minute},
	} {
		once, err := client.New(s)
		if err != nil {
			t.Errorf("%q: got %v, want it taken", s.ID, err)
			continue
		}
		if _, err := client.New(once.Settings()); err != nil {
			t.Errorf("%q: got %v the second time, want it taken", s.ID, err)
		}
	}
}

func TestOrdinaryValuesAreTaken(t *testing.T) {
	for _, name := range []string{"Dify CLI", "R&D tool", "笔记本", "Bücher & Mehr", "O'Reilly", "مثال"} {
		if _, err := client.New(client.Settings{ID: "x", Name: name, Publisher: name, HomePage: "https://example.com/a?b=c#d"}); err != nil {
			t.Errorf("%q: got %v, want it taken", name, err)
		}
	}
}

// F22: a token has the scopes that were asked for, at most those of the client.
func TestGrantedScopesAreThoseAskedForAndAllowed(t *testing.T) {
	for _, c := range []struct {
		may, asked, want string
		err              error
	}{
		{"", "", "apps:run apps:read:permitted-external", nil},
		{"", "apps:run", "apps:run", nil},
		{"", "apps:run full", "apps:run", nil},
		{"", "full", "", scope.ErrInvalid},
		{"apps:run", "", "apps:run", nil},
		{"apps:run", "apps:read:permitted-external apps:run", "apps:run", nil},
		{"apps:run", "apps:read:permitted-external", "", scope.ErrInvalid},
		{"", "root", "", scope.ErrInvalid},
		{"", "apps:run root", "", scope.ErrInvalid},
		{"", "APPS:RUN", "", scope.ErrInvalid},
		{"", "apps:run,full", "", scope.ErrInvalid},
		{"orders:read apps:run", "", "orders:read apps:run", nil},
		{"orders:read apps:run", "orders:read", "orders:read", nil},
		{"orders:read apps:run", "orders:read orders:write", "", scope.ErrInvalid},
	} {
		got, err := client.Must(client.Settings{ID: "x", Scopes: set(t, c.may)}).Grant(set(t, c.asked))
		if got != set(t, c.want) || !errors.Is(err, c.err) {
			t.Errorf("%q of %q: got %q, %v, want %q, %v", c.asked, c.may, got, err, c.want, c.err)
		}
	}
}

func TestAScopesSentenceIsInTheReadersLanguageIfThereIsOne(t *testing.T) {
	c := client.Must(client.Settings{ID: "x", Scopes: set(t, "a b c"), ScopeTexts: client.ScopeTexts{
		"a": {"en": "read", "de": "lesen"}, "b": {"fr": "lire"},
	}})
	for _, want := range []struct{ scope, language, text string }{
		{"a", "de", "lesen"}, {"a", "ja", "read"}, {"b", "de", "lire"}, {"c", "en", ""},
	} {
		if got := c.ScopeText(want.scope, want.language); got != want.text {
			t.Errorf("%s in %s: got %q, want %q", want.scope, want.language, got, want.text)
		}
	}
}

func TestOnlyKnownClientsGetTokens(t *testing.T) {
	d, err := client.NewDirectory(client.Must(client.Settings{ID: "difyctl"}), client.Must(client.Settings{ID: "tv", Name: "Television", Suspended: true}))
	if err != nil {
		t.Fatal(err)
	}
	for id, name := range map[string]string{"difyctl": "difyctl", "tv": "Television"} {
		if c, err := d.Find(id); err != nil || c.ID() != id || c.Name() != name || d.Name(id) != name || !d.Has(id) {
			t.Errorf("%s: got %+v, %v, want %s", id, c, err, name)
		}
	}
	for _, id := range []string{"", "Difyctl", "difyctl ", "tv2", "*"} {
		if _, err := d.Usable(id); !errors.Is(err, client.ErrUnsupported) {
			t.Errorf("%q: got %v, want ErrUnsupported", id, err)
		}
	}
	if _, err := d.Usable("difyctl"); err != nil {
		t.Errorf("got %v, want it usable", err)
	}
	if _, err := d.Usable("tv"); !errors.Is(err, client.ErrSuspended) {
		t.Errorf("got %v, want ErrSuspended", err)
	}
	if d.Name("gone") != "gone" {
		t.Errorf("got %q for a client that is no longer known, want its id", d.Name("gone"))
	}
}

func TestTwoClientsOfOneIDAreRefused(t *testing.T) {
	x := client.Must(client.Settings{ID: "x"})
	if _, err := client.NewDirectory(x, x); err == nil || !strings.Contains(err.Error(), "client x") {
		t.Errorf("got %v, want a refusal that names x", err)
	}
}

func TestSourcesAreMerged(t *testing.T) {
	all, err := client.Merge(directory(t, client.Environment, "a", "b", "c"), directory(t, client.File, "b", "d"), directory(t, client.Database, "c", "e"))
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]client.Source{"a": client.Environment, "b": client.File, "c": client.Database, "d": client.File, "e": client.Database} {
		if c, err := all.Find(id); err != nil || c.Settings().Source != want {
			t.Errorf("%s: got %s, %v, want %s", id, c.Settings().Source, err, want)
		}
	}
	_, err = client.Merge(client.Directory{}, directory(t, client.File, "a", "b"), directory(t, client.Database, "a", "b"))
	if problems := setting.Split(err); len(problems) != 2 || !strings.Contains(err.Error(), "devicegate clients remove") {
		t.Errorf("got %v, want both conflicts and what to do", err)
	}
}
