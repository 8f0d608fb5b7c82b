// Package webui is the page that people see: /device and what lies below it.
//
//	/device            enter the code                        state enter
//	  POST             is it one?
//	/device/leave      on the way to the sign-in             state choose
//	/device/sign-in    choose how to sign in                 state choose
//	  POST             by work e-mail
//	/device/code       enter the code after the sign-in      state enter
//	  POST             is it one?
//	/device/decide     compare, then decide                  state decide
//	/device/approve    POST
//	/device/deny       POST
//	/device/approved   done                                  state approved
//	/device/denied     done                                  state denied
//	/device/undo       POST: ends an approval just given
//	/device/undone     done                                  state undone
//	/device/sessions   one's own devices                     state sessions
//	  POST             sign in to see them, or end the access of some
//	/device/sessions/sign-in  on to the identity provider
//	/device/sign-out   POST: forgets the person at this browser
//	/device/signed-out done                                  state left
//	/device/problem    what happened and what to do next     state error
//
// The ways in are /device?user_code=…, ?sso_verified=1, ?choose=1 and
// ?sso_error=… (with sso_reason, ref and, in seconds, retry_after). The
// parameters are kept in a cookie, and a redirect takes them out of the address
// bar. The cookie proves nothing and holds no secret: a forged one shows another
// page, and does no more.
//
// Nothing is decided by a GET, and no code gets past the page on
// which a person compares it with what the device shows.
//
// Every page works without a script and in one column of 320 pixels. Its
// sentences stand in languages/, one file a language, and nowhere else.
//
// # Hooks
//
// Tests may rely on these. <main> carries data-state (see above; closed if
// sign-in is not possible here) and data-code, the code of the refusal that the
// page is about, or empty. A code that is not valid is an error on the page that
// asks for it. Identifiers: the field code and the button continue (enter); the
// link sign-in if there is one connection, else the field login-hint, the button
// continue and a link connection-<slug> for each public one (choose); the buttons
// approve and deny, and the field code where the code has to be typed (decide);
// the button undo (approved); the button sign-in, or the buttons end-<session>
// and end-all, which leads to the button confirm and the link keep (sessions);
// the way out of a page is called next, and renew when a countdown has ended.
// With one connection, a code that is valid leads to /device/leave, whose link
// sign-in a browser follows by itself. Where it is known, data-reference is the
// request id of the failed request; the page shows its last characters.
package webui
