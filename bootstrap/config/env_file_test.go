package config

import (
	"strings"
	"testing"
)

func TestEnvFilesAreReadAsEditorsAndShellsWriteThem(t *testing.T) {
	for what, c := range map[string]struct{ text, want string }{
		"Windows line ends":             {"A=b\r\nC=d\r\n", "A=b C=d"},
		"a byte order mark":             {"\ufeffA=b\n", "A=b"},
		"a byte order mark and CR LF":   {"\ufeffA=b\r\n\r\n# c\r\nC='d'\r\n", "A=b C=d"},
		"no line end at the end":        {"A=b", "A=b"},
		"export":                        {"export A=b\nexport\tC=d", "A=b C=d"},
		"a name that begins as export":  {"exported=b", "exported=b"},
		"blanks around":                 {"  A = b  \n\tC=d\t", "A=b C=d"},
		"a blank inside":                {"A=b c", "A=b c"},
		"comments":                      {"# A=x\n  # B=y\nA=b # why\nC=d\t#why", "A=b C=d"},
		"only a comment":                {"A= # none yet", "A="},
		"a colour":                      {"A=#aabbcc\nB=a#b", "A=#aabbcc B=a#b"},
		"double quotes":                 {`A="b # c" # why`, "A=b # c"},
		"escapes between double quotes": {`A="b\"c\\d\$e\tf\x"`, "A=b\"c\\d$e\tf\\x"},
		"single quotes":                 {`A='b\"$c #d'`, `A=b\"$c #d`},
		"quotes inside":                 {`A=b"c"d`, `A=b"c"d`},
		"empty":                         {"A=\nB=\"\"\nC=''", "A= B= C="},
		"a value over two lines":        {"A=\"b\r\nc\"\r\nD=e", "A=b\nc D=e"},
		"an equals sign in the value":   {"A=b=c==", "A=b=c=="},
	} {
		t.Run(what, func(t *testing.T) {
			all, err := parseEnvFile(".env", []byte(c.text))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, one := range all {
				got = append(got, one.name+"="+one.value)
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("got %q, want %q", strings.Join(got, " "), c.want)
			}
		})
	}
}

func TestLinesOfAnEnvFileThatCannotBeReadAreNamed(t *testing.T) {
	for what, c := range map[string]struct{ text, want string }{
		"no equals sign":          {"A=b\nhunter2\n", ".env:2: has no ="},
		"a second line of base64": {"A=b\nhun/ter2=\n", ".env:2: has something else than a name"},
		"a blank in the name":     {"hunter2 A=b", ".env:1: has something else than a name"},
		"an open quote":           {"A=b\nC=\"hunter2\nD=e\n", ".env:2: has no closing quote"},
		"an open single quote":    {"A='hunter2", ".env:1: has no closing quote"},
		"text after the quote":    {`A="hunter2"hunter2`, ".env:1: has text after the closing quote"},
		"bytes that are no text":  {"A=b\nC=hunter2\xff", ".env:2: is not UTF-8 text"},
		"UTF-16, little-endian":   {"\xff\xfeA\x00=\x00b\x00", ".env: is not UTF-8 text"},
		"UTF-16, big-endian":      {"\xfe\xff\x00A\x00=\x00b", ".env: is not UTF-8 text"},
		"UTF-16 without a mark":   {"A\x00=\x00b\x00", ".env: is not UTF-8 text"},
	} {
		t.Run(what, func(t *testing.T) {
			_, err := parseEnvFile(".env", []byte(c.text))
			if err == nil || !strings.HasPrefix(err.Error(), c.want) || strings.Contains(err.Error(), "ter2") {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
	_, err := parseEnvFile(".env", []byte("A\nB\nC=d\nE"))
	if err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("got %v, want three lines", err)
	}
}
