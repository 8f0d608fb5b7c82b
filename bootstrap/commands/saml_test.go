package commands

import (
	"strings"
	"testing"

	"github.com/devicegate/devicegate/application"
)

func TestWhatIsExplainedIsAFileStdinOrAReference(t *testing.T) {
	for name, c := range map[string]struct {
		command explainResponse
		want    application.ToExplain
		says    string
	}{
		"stdin":                     {explainResponse{Response: "-", stdin: strings.NewReader("RelayState=x&SAMLResponse=PGEvPg%3D%3D")}, application.ToExplain{Response: "PGEvPg=="}, ""},
		"a reference":               {explainResponse{Response: "0199d1a2-9f5c-7c3e-8a11-5d0c6a2b7f10"}, application.ToExplain{Reference: "0199d1a2-9f5c-7c3e-8a11-5d0c6a2b7f10"}, ""},
		"a file that is not there":  {explainResponse{Response: "there-is-none.xml"}, application.ToExplain{}, "no such file"},
		"a path that is not there":  {explainResponse{Response: "/there/is/none"}, application.ToExplain{}, "no such file"},
		"an empty stdin":            {explainResponse{Response: "-", stdin: strings.NewReader("")}, application.ToExplain{}, "empty"},
		"a folder":                  {explainResponse{Response: t.TempDir()}, application.ToExplain{}, "directory"},
		"a recording without sense": {explainResponse{Response: "-", stdin: strings.NewReader("{}")}, application.ToExplain{}, "no SAMLResponse"},
		"a file without end":        {explainResponse{Response: "/dev/zero"}, application.ToExplain{}, "larger than 64 MiB"},
	} {
		var got application.ToExplain
		err := c.command.read(&got)
		if c.says == "" && (err != nil || got != c.want) || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s: got %+v, %v, want %+v, %q", name, got, err, c.want, c.says)
		}
	}
}

func TestWhatIsNeitherAFileNorAReferenceIsNamed(t *testing.T) {
	moving(t)
	_, err := run(t, "saml", "explain", "response.txt")
	if err == nil || !strings.Contains(err.Error(), `no file "response.txt"`) || !strings.Contains(err.Error(), "response_not_kept") {
		t.Errorf("got %v, want that there is no such file and no such reference", err)
	}
}
