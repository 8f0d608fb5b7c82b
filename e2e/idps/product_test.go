package idps

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/devicegate/devicegate/e2e/services"
)

// variant is how an identity provider answers. Its script reads it.
type variant struct {
	name           string // also that of the recording
	Sign           string `json:"sign,omitempty"` // response, assertion, both; empty: as the product does by itself
	Encrypted      bool   `json:"encrypted"`
	SignedRequests bool   `json:"signed_requests"`      // it checks the signature of ours
	Attributes     string `json:"attributes,omitempty"` // how the e-mail attribute is named, in the product's words
	Order          string `json:"order,omitempty"`      // samlify: encrypt-then-sign
	Cipher         string `json:"cipher,omitempty"`     // pysaml2
	Algorithm      string `json:"algorithm,omitempty"`  // SimpleSAMLphp
}

type product struct {
	name     string
	lacks    func() error
	files    []string // of testdata, which its folder begins with
	prepare  func(t *testing.T, folder string)
	program  string
	args     func(port string) []string
	metadata string // path
	variants []variant
	nameless string // why a person without an e-mail address is refused
}

const phpFolder = "/usr/share/simplesamlphp/www"

var products = []product{
	{
		name:  "simplesamlphp",
		lacks: simpleSAMLphp,
		files: []string{"simplesamlphp/config.php", "simplesamlphp/authsources.php", "simplesamlphp/saml20-idp-hosted.php", "simplesamlphp/saml20-sp-remote.php"},
		prepare: func(t *testing.T, folder string) {
			for _, name := range []string{"metadata", "tmp", "www"} {
				must(t, os.Mkdir(filepath.Join(folder, name), 0o700))
			}
			for _, name := range []string{"saml20-idp-hosted.php", "saml20-sp-remote.php"} {
				must(t, os.Rename(filepath.Join(folder, name), filepath.Join(folder, "metadata", name)))
			}
			must(t, os.Symlink(phpFolder, filepath.Join(folder, "www", "simplesaml")))
		},
		program: "/usr/bin/php",
		args: func(port string) []string {
			return []string{"-d", "error_reporting=E_ALL & ~E_DEPRECATED", "-S", local + ":" + port, "-t", "www"}
		},
		metadata: "/simplesaml/saml2/idp/metadata.php",
		variants: []variant{
			{name: "plain"},
			{name: "assertion", Sign: "assertion", Attributes: "oid", Algorithm: "rsa-sha512", SignedRequests: true},
			{name: "encrypted", Sign: "both", Encrypted: true},
			{name: "outer", Sign: "response", Encrypted: true, Attributes: "urn"},
		},
		nameless: "email_missing",
	},
	{
		name: "lemonldap",
		lacks: debian("liblemonldap-ng-portal-perl liblasso-perl libxml-simple-perl libio-string-perl",
			"perl", "-MLasso", "-MXML::Simple", "-MIO::String", "-MPlack", "-MLemonldap::NG::Portal", "-e", "1"),
		files:   []string{"lemonldap/idp.psgi"},
		prepare: func(*testing.T, string) {},
		program: "/usr/bin/plackup",
		args: func(port string) []string {
			return []string{"--host", local, "--port", port, "idp.psgi"}
		},
		metadata: "/saml/metadata",
		variants: []variant{
			{name: "plain", Attributes: "mail"},
			{name: "encrypted", Encrypted: true, Attributes: "urn:oid:0.9.2342.19200300.100.1.3", SignedRequests: true},
		},
		nameless: "name_id_blank", // it sends the address as NameID, and a blank one for want of an address
	},
	{
		name:     "lasso",
		lacks:    debian("liblasso-perl libplack-perl libjson-perl", "perl", "-MLasso", "-MPlack::Request", "-MJSON", "-e", "1"),
		files:    []string{"lasso/idp.psgi"},
		prepare:  func(*testing.T, string) {},
		program:  "/usr/bin/plackup",
		args:     func(port string) []string { return []string{"--host", local, "--port", port, "idp.psgi"} },
		metadata: "/metadata",
		variants: []variant{
			{name: "plain"},
			{name: "encrypted", Encrypted: true},
		},
		nameless: "email_missing",
	},
	{
		name:     "pysaml2",
		lacks:    debian("python3-pysaml2 xmlsec1", "/usr/bin/python3", "-c", "import saml2.server, os; os.stat('/usr/bin/xmlsec1')"),
		files:    []string{"pysaml2/idp.py"},
		prepare:  func(*testing.T, string) {},
		program:  "/usr/bin/python3",
		args:     func(string) []string { return []string{"idp.py"} },
		metadata: "/metadata",
		variants: []variant{
			{name: "plain"},
			{name: "encrypted", Encrypted: true, SignedRequests: true},
			{name: "outer", Sign: "response", Encrypted: true, Cipher: "aes128-gcm"},
		},
		nameless: "email_missing",
	},
	{
		name: "node-samlp", lacks: npm, files: []string{"npm/login.mjs", "npm/samlp.mjs"}, prepare: modules,
		program: "node", args: func(string) []string { return []string{"samlp.mjs"} }, metadata: "/metadata",
		variants: []variant{
			{name: "plain"},
			{name: "both", Sign: "both", Attributes: "claims"},
			{name: "encrypted", Encrypted: true},
			{name: "outer", Sign: "response", Encrypted: true},
		},
		nameless: "email_missing",
	},
	{
		name: "samlify", lacks: npm, files: []string{"npm/login.mjs", "npm/samlify.mjs"}, prepare: modules,
		program: "node", args: func(string) []string { return []string{"samlify.mjs"} }, metadata: "/metadata",
		variants: []variant{
			{name: "plain", Sign: "both"},
			{name: "assertion", Sign: "assertion"},
			{name: "encrypted", Sign: "both", Encrypted: true},
			{name: "outer", Sign: "response", Encrypted: true, Order: "encrypt-then-sign"},
		},
		nameless: "email_missing",
	},
}

// modules lets Node find what npm has installed.
func modules(t *testing.T, folder string) {
	t.Helper()
	from, err := filepath.Abs(filepath.Join(npmFolder, "node_modules"))
	must(t, err)
	must(t, os.Symlink(from, filepath.Join(folder, "node_modules")))
}

// idp is a product that is set up, in a folder of its own.
type idp struct {
	product
	folder, port string
}

// setUp makes the folder: scripts, our metadata and a key pair.
func (p product) setUp(t *testing.T, ours []byte) *idp {
	t.Helper()
	i := &idp{product: p, folder: t.TempDir(), port: strconv.Itoa(services.Port(t))}
	for _, name := range p.files {
		text, err := os.ReadFile(filepath.Join("testdata", name))
		must(t, err)
		i.write(t, filepath.Base(name), text)
	}
	p.prepare(t, i.folder)
	i.write(t, "sp.xml", ours)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	must(t, err)
	now := time.Now()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: p.name + " in a test"}, NotBefore: now.AddDate(-1, 0, 0), NotAfter: now.AddDate(20, 0, 0)}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	must(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	i.write(t, "idp.crt", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}))
	i.write(t, "idp.key", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}))
	return i
}

func (i *idp) write(t *testing.T, name string, text []byte) {
	t.Helper()
	must(t, os.WriteFile(filepath.Join(i.folder, name), text, 0o600))
}

// url has a name, because cookies of some are for a domain.
func (i *idp) url() string { return "http://" + i.name + ".idp.test:" + i.port }

// start runs it in a variant.
func (i *idp) start(t *testing.T, v variant) (stop func()) {
	t.Helper()
	text, err := json.Marshal(v)
	must(t, err)
	i.write(t, "variant.json", text)
	path, err := exec.LookPath(i.program)
	must(t, err)
	return services.Program{
		Path: path, Args: i.args(i.port), Folder: i.folder, Addr: local + ":" + i.port,
		Env: []string{"URL=" + i.url(), "FOLDER=" + i.folder, "SIMPLESAMLPHP_CONFIG_DIR=" + i.folder},
	}.Start(t)
}

// published is its metadata.
func (i *idp) published(t *testing.T) []byte {
	t.Helper()
	answer, err := (&http.Client{Transport: elsewhere}).Get(i.url() + i.metadata)
	must(t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	must(t, err)
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("metadata of %s: got %s: %s, want 200", i.name, answer.Status, text)
	}
	return text
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
