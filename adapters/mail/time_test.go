package mail

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	smtp "github.com/wneessen/go-mail"
)

func TestASendingHasAnEnd(t *testing.T) {
	m, err := New(Config{URL: "smtp://mail.example.com", From: "no-reply@devicegate.example"})
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		err := m.connected(t.Context(), func(_ *smtp.Client, sending context.Context) error {
			if ends, has := sending.Deadline(); !has || !ends.Equal(time.Now().Add(sendTime)) {
				t.Errorf("got a sending that ends at %s, want after %s", ends, sendTime)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
