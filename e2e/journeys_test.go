package e2e

import (
	"net/http"
	"testing"
	"time"
)

func TestApprove(t *testing.T) {
	everywhere(t, func(t *testing.T, w *fixture) {
		device := w.device()
		codes := w.start(device)
		w.polls(device, codes, "authorization_pending")
		w.polls(device, codes, "slow_down")
		w.ends(w.person("alice", "approve"), codes, "approved")
		token := w.redeems(device, codes)
		if token.SubjectEmail != "alice@acme.example" {
			t.Errorf("got it approved by %s, want alice", token.SubjectEmail)
		}
		w.works(device, token, http.StatusOK)
		w.polls(device, codes, "slow_down")
		w.skip(31 * time.Second)
		w.polls(device, codes, "expired_token")
		w.works(device, token, http.StatusOK)
	})
}

func TestANewLoginReplacesTheOldOne(t *testing.T) {
	everywhere(t, func(t *testing.T, w *fixture) {
		device := w.device()
		first := w.start(device)
		w.ends(w.person("alice", "approve"), first, "approved")
		old := w.polls(device, first, "")
		second := w.start(device)
		w.ends(w.person("alice", "approve"), second, "approved")
		renewed := w.polls(device, second, "")
		w.works(device, old, http.StatusUnauthorized)
		w.works(device, renewed, http.StatusOK)
	})
}

func TestDeny(t *testing.T) {
	everywhere(t, func(t *testing.T, w *fixture) {
		device := w.device()
		codes := w.start(device)
		w.ends(w.person("alice", "deny"), codes, "denied")
		w.polls(device, codes, "access_denied")
		w.ends(w.person("bob", "approve"), codes, "invalid_user_code")
		w.skip(16 * time.Minute)
		w.polls(device, codes, "expired_token")
	})
}

func TestAnAssertionForAForeignDomainIsRefused(t *testing.T) {
	everywhere(t, func(t *testing.T, w *fixture) {
		device := w.device()
		codes := w.start(device)
		w.ends(w.person("mallory", "approve"), codes, "invalid_sso_assertion")
		w.polls(device, codes, "authorization_pending")
		w.ends(w.person("alice", "approve"), codes, "approved")
	})
}

func TestACodeExpiresAfterFifteenMinutes(t *testing.T) {
	everywhere(t, func(t *testing.T, w *fixture) {
		device := w.device()
		codes := w.start(device)
		w.skip(15 * time.Minute)
		w.polls(device, codes, "expired_token")
		w.ends(w.person("alice", "approve"), codes, "invalid_user_code")
	})
}

func TestApprovedInTheLastSecond(t *testing.T) {
	everywhere(t, func(t *testing.T, w *fixture) {
		device := w.device()
		codes := w.start(device)
		w.skip(15*time.Minute - 30*time.Second)
		w.ends(w.person("alice", "approve"), codes, "approved")
		w.skip(40 * time.Second)
		w.works(device, w.polls(device, codes, ""), http.StatusOK)
	})
}
