package adminapi

import (
	"encoding/pem"
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/devicegate/devicegate/application"
	"github.com/devicegate/devicegate/domain/fault"
	"github.com/devicegate/devicegate/domain/spkeys"
)

// Keys serves the key pairs of the SAML service provider. It never answers a
// private key.
type Keys struct {
	respond *Responder
	rotate  *application.RotateKeys
}

// NewKeys makes the handlers.
func NewKeys(respond *Responder, rotate *application.RotateKeys) *Keys {
	return &Keys{respond, rotate}
}

// Mount adds the routes.
func (k *Keys) Mount(r chi.Router) {
	r.Get("/keys", k.respond.json(k.list, pageParameters...))
	r.Post("/keys/add-next", k.respond.json(k.addNext))
	r.Post("/keys/promote", k.respond.json(k.promote))
	r.Post("/keys/retire", k.respond.json(k.retire))
}

type pairBody struct {
	Role        spkeys.Role `json:"role"`
	Since       string      `json:"since"`
	Fingerprint string      `json:"certificate_sha256"`
	NotAfter    string      `json:"not_after"`
	Certificate string      `json:"certificate"` // PEM
}

func pairBodies(ring spkeys.RingSnapshot) []pairBody {
	all := []pairBody{} // an empty list, not null
	for _, one := range []struct {
		role spkeys.Role
		held spkeys.RingPair
	}{{spkeys.Active, ring.Active}, {spkeys.Next, ring.Next}, {spkeys.Previous, ring.Previous}} {
		if one.held.IsZero() {
			continue
		}
		certificate := one.held.Certificate()
		all = append(all, pairBody{
			one.role, jsonTime(one.held.Since), one.held.Fingerprint(), jsonTime(certificate.NotAfter),
			string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw})),
		})
	}
	return all
}

// list answers GET keys.
func (k *Keys) list(w http.ResponseWriter, r *http.Request, _ Caller) error {
	page, err := pageOf(r.URL.Query())
	if err != nil {
		return err
	}
	ring, err := k.rotate.List(r.Context())
	if err != nil {
		return err
	}
	setTag(w, ring.Version())
	all := pairBodies(ring)
	return answer(w, http.StatusOK, pageBody(page, len(all), pageFrom(page, all)))
}

// keyStep is the body of a step.
type keyStep struct {
	Early  bool        `json:"early"`
	Role   spkeys.Role `json:"role"`
	DryRun *bool       `json:"dry_run"`
}

// rotation reads a step. One without a body has only its defaults.
func (k *Keys) rotation(w http.ResponseWriter, r *http.Request, by Caller) (in keyStep, how application.Rotation, err error) {
	version, err := ifMatchTag(r)
	if err != nil {
		return in, how, err
	}
	if r.ContentLength != 0 {
		err = readJSON(w, r, bodyMax, &in)
	}
	return in, application.Rotation{
		Early: in.Early, DryRun: in.DryRun == nil || *in.DryRun, Version: version, By: by.Actor, Origin: by.Origin,
	}, err
}

func answerKeys(w http.ResponseWriter, status int, dry bool, ring spkeys.RingSnapshot, err error) error {
	if err != nil {
		return err
	}
	if !dry {
		setTag(w, ring.Version())
	}
	return answer(w, status, struct {
		DryRun bool       `json:"dry_run"`
		Keys   []pairBody `json:"keys"`
	}{dry, pairBodies(ring)})
}

var (
	errNotOfPromote = fault.InvalidRequest("Only early and dry_run can be given here.")
	errNotOfRetire  = fault.InvalidRequest("Only role, previous or next, and dry_run can be given here.")
	errNotOfAdd     = fault.InvalidRequest("Only dry_run can be given here.")
)

// addNext answers POST keys/add-next. It is a dry run only if dry_run is true.
func (k *Keys) addNext(w http.ResponseWriter, r *http.Request, by Caller) error {
	in, how, err := k.rotation(w, r, by)
	switch {
	case err != nil:
		return err
	case in.Early || in.Role != "":
		return errNotOfAdd
	}
	how.DryRun = in.DryRun != nil && *in.DryRun
	ring, err := k.rotate.AddNext(r.Context(), how)
	status := http.StatusCreated
	if how.DryRun {
		status = http.StatusOK
	}
	return answerKeys(w, status, how.DryRun, ring, err)
}

// promote answers POST keys/promote. It is a dry run unless dry_run is false.
func (k *Keys) promote(w http.ResponseWriter, r *http.Request, by Caller) error {
	in, how, err := k.rotation(w, r, by)
	switch {
	case err != nil:
		return err
	case in.Role != "":
		return errNotOfPromote
	}
	ring, err := k.rotate.Promote(r.Context(), how)
	return answerKeys(w, http.StatusOK, how.DryRun, ring, err)
}

// retire answers POST keys/retire. It is a dry run unless dry_run is false.
func (k *Keys) retire(w http.ResponseWriter, r *http.Request, by Caller) error {
	in, how, err := k.rotation(w, r, by)
	switch {
	case err != nil:
		return err
	case in.Role == "":
		in.Role = spkeys.Previous
	case in.Role != spkeys.Previous && in.Role != spkeys.Next:
		return errNotOfRetire
	}
	if in.Early {
		return errNotOfRetire
	}
	ring, err := k.rotate.Retire(r.Context(), in.Role, how)
	return answerKeys(w, http.StatusOK, how.DryRun, ring, err)
}
