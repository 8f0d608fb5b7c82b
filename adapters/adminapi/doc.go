// Package adminapi serves the administrators' API on the operations listener:
//
//	/admin/v1/whoami
//	/admin/v1/tokens         list, show, revoke
//	/admin/v1/clients        list, show, add, edit, remove
//	/admin/v1/connections    list, show, add, edit, remove, test, refresh, apply; shadow
//	/admin/v1/migration      list, show, text, test, advance, revert, close
//	/admin/v1/keys           list, add-next, promote, retire
//	/admin/v1/audit          read
//	/admin/v1/incidents      list, show, contain, release
//	/admin/v1/jobs           list, show, retry
//	/admin/v1/pprof          profiles of the process
//
// Each resource is a struct with a Mount of its own. A request is authenticated
// before its route is looked for, so that without an administrator's token every
// address answers alike. A handler gets the [Caller] and hands it to a use case,
// which writes the audit event. No handler decides anything.
//
// Every answer is described in docs/openapi-admin.yaml.
package adminapi
