package commands

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

const spMetadata = `<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://sso.example.com/saml/metadata">
<SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
<AssertionConsumerService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://sso.example.com/acs" index="0"/>
</SPSSODescriptor></EntityDescriptor>`

// TestTheDemoIdPFindsItsServiceWhenThatStarts lets the service answer only the
// second time that it is asked.
func TestTheDemoIdPFindsItsServiceWhenThatStarts(t *testing.T) {
	asked := 0
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked++; asked == 1 || r.URL.Path != "/saml/metadata" {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		_, _ = io.WriteString(w, spMetadata)
	}))
	defer service.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	_ = l.Close()

	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	out, says := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- demoIdPCommand{Listen: addr, URL: "http://" + addr, Service: service.URL}.Run(ctx, says)
		_ = says.Close()
	}()
	var all strings.Builder
	for buffer := make([]byte, 1<<10); !strings.Contains(all.String(), "service             "+service.URL); {
		n, err := out.Read(buffer)
		if err != nil {
			t.Fatalf("got the end (%v) after %q, want the address of the service", err, all.String())
		}
		all.Write(buffer[:n])
	}
	answer, err := http.Get("http://" + addr + "/metadata")
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Errorf("its metadata: got %s, want 200", answer.Status)
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("stopped: got %v, want nil", err)
	}
}
