package deviceclient

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Account is the person that a token acts for.
type Account struct {
	SubjectType string `json:"subject_type"`
	Email       string `json:"subject_email"`
	Issuer      string `json:"subject_issuer"`
}

// Session is one live token of the person.
type Session struct {
	ID         string     `json:"id"`
	Prefix     string     `json:"prefix"`
	ClientID   string     `json:"client_id"`
	Label      string     `json:"device_label"`
	CreatedAt  time.Time  `json:"created_at"`
	LastUsedAt *time.Time `json:"last_used_at"`
	ExpiresAt  time.Time  `json:"expires_at"`
}

// Account asks whom the token acts for.
func (c *Client) Account(ctx context.Context, token Secret) (Account, error) {
	var out Account
	err := c.call(ctx, "ask for the account", http.MethodGet, c.canonical().account, token, &out)
	return out, err
}

// sessionsMax is the largest page that the server gives.
const sessionsMax = 200

// Sessions lists all live sessions of the person, newest first.
func (c *Client) Sessions(ctx context.Context, token Secret) ([]Session, error) {
	all := []Session{}
	for page := 1; ; page++ {
		var out struct {
			HasMore bool      `json:"has_more"`
			Data    []Session `json:"data"`
		}
		query := url.Values{"page": {strconv.Itoa(page)}, "limit": {strconv.Itoa(sessionsMax)}}
		if err := c.call(ctx, "list the sessions", http.MethodGet, c.canonical().sessions+"?"+query.Encode(), token, &out); err != nil {
			return nil, err
		}
		all = append(all, out.Data...)
		if !out.HasMore || len(out.Data) == 0 {
			return all, nil
		}
	}
}

// Self names the session of the token that is shown.
const Self = "self"

// Revoke ends one session of the person: an id, or [Self].
func (c *Client) Revoke(ctx context.Context, token Secret, id string) error {
	err := c.call(ctx, "end the session", http.MethodDelete, c.canonical().sessions+"/"+url.PathEscape(id), token, nil)
	var r *Refusal
	if errors.As(err, &r) && r.Status == http.StatusNotFound && r.Code != "" {
		return ErrNoSession
	}
	return err
}

// Logout ends the token: by RFC 7009 where the server offers it, else by its
// session. A token that is dead already is no error.
func (c *Client) Logout(ctx context.Context, token Secret) error {
	const doing = "revoke the token"
	if err := c.discover(ctx); err != nil {
		return err
	}
	if c.endpoints.revocation == "" {
		if err := c.Revoke(ctx, token, Self); !errors.Is(err, ErrNotSignedIn) {
			return err
		}
		return nil
	}
	form := url.Values{"client_id": {c.ClientID}, "token": {token.Reveal()}, "token_type_hint": {"access_token"}}
	a, err := c.persist(ctx, doing, request{method: http.MethodPost, url: c.endpoints.revocation, form: form})
	if err == nil && a.status != http.StatusOK {
		err = refusal(doing, a)
	}
	return err
}

// call makes a request with the token; 401 is [ErrNotSignedIn].
func (c *Client) call(ctx context.Context, doing, method, address string, token Secret, out any) error {
	a, err := c.persist(ctx, doing, request{method: method, url: address, bearer: token})
	switch {
	case err != nil:
		return err
	case a.status == http.StatusUnauthorized:
		return ErrNotSignedIn
	case a.status/100 != 2:
		return refusal(doing, a)
	case out == nil:
		return nil
	}
	if err := a.json(out); err != nil {
		return &Refusal{Doing: doing, Status: a.status, Message: "the answer is not what it should be"}
	}
	return nil
}
