package guardtest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"testing"
	"time"

	"github.com/devicegate/devicegate/guard"
	"github.com/devicegate/devicegate/guard/guardtest"
)

func Example() {
	devicegate := guardtest.NewServer()
	config := devicegate.Config()
	config.MaxAge = -1 // see changes at once
	g, err := guard.New(config)
	if err != nil {
		panic(err)
	}
	api := g.Middleware(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	token := devicegate.Issue(guard.Token{Username: "ada@acme.example"})
	status := func() int {
		request := httptest.NewRequest("GET", "/", nil)
		request.Header.Set("Authorization", "Bearer "+token)
		answer := httptest.NewRecorder()
		api.ServeHTTP(answer, request)
		return answer.Code
	}

	fmt.Println("valid:", status())
	devicegate.SetDown(true)
	fmt.Println("devicegate is down:", status())
	devicegate.SetDown(false)
	devicegate.Revoke(token)
	fmt.Println("revoked:", status())
	fmt.Println("calls:", devicegate.Calls())
	// Output:
	// valid: 200
	// devicegate is down: 503
	// revoked: 401
	// calls: 3
}

func TestEveryFieldOfATokenIsRead(t *testing.T) {
	s := guardtest.NewServer()
	want := guard.Token{
		ID: "t1", Subject: "s1", Username: "ada@acme.example", Issuer: "https://sso.example.com", ClientID: "difyctl",
		Scopes: []string{"a", "b"}, Audience: []string{"x", "y"},
		IssuedAt: time.Unix(1700000000, 0), ExpiresAt: time.Unix(4102444800, 0),
	}
	got, err := s.Guard().Verify(t.Context(), s.Issue(want))
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v (%v), want %+v", got, err, want)
	}
}

func TestTheServerAnswersAtARealAddress(t *testing.T) {
	s := guardtest.NewServer()
	server := httptest.NewServer(s)
	defer server.Close()
	config := s.Config()
	config.Endpoint, config.HTTPClient = server.URL, nil
	g, err := guard.New(config)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.Verify(t.Context(), s.Issue(guard.Token{})); err != nil {
		t.Errorf("got %v, want a valid token", err)
	}
	config.ClientSecret = "another"
	if g, err = guard.New(config); err != nil {
		t.Fatal(err)
	}
	if _, err := g.Verify(t.Context(), s.Issue(guard.Token{})); err == nil {
		t.Error("got no error for wrong credentials, want one")
	}
}
