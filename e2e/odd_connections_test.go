package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/devicegate/devicegate/bootstrap/demo"
)

// A client that reads its answer has a token that works, however it is connected
// (F03, F36).
func TestATokenArrivesOverOddConnections(t *testing.T) {
	everywhere(t, func(t *testing.T, w *fixture) {
		for name, c := range map[string]struct {
			protocol, header string
			half             bool
		}{
			"HTTP/1.0":              {"HTTP/1.0", "", false},
			"HTTP/1.0, half closed": {"HTTP/1.0", "", true},
			"closed afterwards":     {"HTTP/1.1", "Connection: close\r\n", false},
			"half closed":           {"HTTP/1.1", "Connection: close\r\n", true},
			"it announces its body": {"HTTP/1.1", "Connection: close\r\nExpect: 100-continue\r\n", false},
		} {
			t.Run(name, func(t *testing.T) {
				d := w.device()
				codes := w.start(d)
				w.ends(w.person("alice", "approve"), codes, "approved")
				body := fmt.Sprintf(`{"device_code":%q,"client_id":"difyctl"}`, codes.DeviceCode)
				answer := w.raw(t, c.half, fmt.Sprintf("POST /openapi/v1/oauth/device/token %s\r\nHost: localhost:%d\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%s\r\n%s",
					c.protocol, w.port, len(body), c.header, body))
				var token demo.Token
				_, text, _ := strings.Cut(answer, "{")
				if err := json.NewDecoder(strings.NewReader("{" + text)).Decode(&token); err != nil {
					t.Fatalf("got %q (%v), want a token as JSON", answer, err)
				}
				w.works(d, token, 200)
			})
		}
	})
}

// raw sends bytes and reads what comes until the connection ends.
func (w *fixture) raw(t *testing.T, half bool, request string) string {
	t.Helper()
	conn, err := net.Dial("tcp", fmt.Sprintf("localhost:%d", w.port))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	if half {
		if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
	}
	answer, err := io.ReadAll(conn)
	if err != nil {
		t.Fatalf("got %v after %s, want the end of the answer", err, answer)
	}
	return string(answer)
}
