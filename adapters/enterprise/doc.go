// Package enterprise signs people in through a Dify Enterprise inner API, which
// speaks to the company's identity provider on devicegate's behalf.
//
//	devicegate ──signed state envelope──▶ inner API        (Begin)
//	browser    ──────────────────────────▶ inner API ──▶ identity provider
//	browser    ◀──signed sso_assertion───  inner API
//	devicegate reads the assertion                         (Verify)
//
// Both messages are JWS of one form: HS256 under the secret that the two
// services share, header kid "dify-shared-v1". Their audiences keep them apart,
// so that neither can be passed off as the other.
//
// The inner API also knows whether sign-in through SSO is licensed ([Edition]).
package enterprise
