package porttest

import (
	"net/netip"
	"reflect"
	"testing"
	"time"

	"github.com/devicegate/devicegate/domain/approval"
	"github.com/devicegate/devicegate/domain/connection"
	"github.com/devicegate/devicegate/domain/device"
	"github.com/devicegate/devicegate/domain/identity"
	"github.com/devicegate/devicegate/domain/scope"
	"github.com/devicegate/devicegate/domain/secret"
	"github.com/devicegate/devicegate/domain/token"
	"github.com/devicegate/devicegate/domain/uid"
)

// variant is a snapshot that differs from another one in one field.
type variant[S comparable] struct {
	field    string
	snapshot S
	// cleared says that the field has no value. Some have to have one, so a
	// store may refuse the variant.
	cleared bool
}

// variants changes each field of the given snapshots, and clears it. Those that
// possible refuses are left out; but each field must be changed at least once,
// so that a new field cannot be forgotten. Fields that are keys, and those that
// only special values fit, are set by the caller instead.
func variants[S comparable](t *testing.T, w *fixture, possible func(S) error, special map[string]any, from ...S) []variant[S] {
	t.Helper()
	var out []variant[S]
	changed := map[string]bool{}
	for _, base := range from {
		for _, f := range fields(reflect.TypeFor[S](), "") {
			values := []reflect.Value{reflect.Zero(f.of)}
			if value, ok := special[f.name]; !ok {
				values = append(values, w.other(t, f, reflect.ValueOf(base).FieldByIndex(f.index)))
			} else if value == nil {
				changed[f.name] = true
				continue
			} else {
				values = append(values, reflect.ValueOf(value))
			}
			for _, value := range values {
				v := base
				reflect.ValueOf(&v).Elem().FieldByIndex(f.index).Set(value)
				if v == base || possible(v) != nil {
					continue
				}
				changed[f.name] = true
				out = append(out, variant[S]{f.name, v, value.IsZero()})
			}
		}
	}
	for _, f := range fields(reflect.TypeFor[S](), "") {
		if !changed[f.name] {
			t.Errorf("got no possible snapshot that changes %s, want one: give a state in which it can be changed", f.name)
		}
	}
	return out
}

type field struct {
	name  string
	of    reflect.Type
	index []int
}

// fields are those of a struct, and of the structs in it that have exported
// fields.
func fields(of reflect.Type, prefix string) []field {
	var out []field
	for i := range of.NumField() {
		f := of.Field(i)
		if !f.IsExported() {
			continue
		}
		inner := []field{}
		if f.Type.Kind() == reflect.Struct {
			inner = fields(f.Type, prefix+f.Name+".")
		}
		if len(inner) == 0 {
			out = append(out, field{prefix + f.Name, f.Type, []int{i}})
		}
		for _, in := range inner {
			in.index = append([]int{i}, in.index...)
			out = append(out, in)
		}
	}
	return out
}

// other is a value that now is not.
func (w *fixture) other(t *testing.T, f field, now reflect.Value) reflect.Value {
	t.Helper()
	switch v := now.Interface().(type) {
	case uid.ID:
		return reflect.ValueOf(uid.New(w.now))
	case secret.Digest:
		return reflect.ValueOf(random())
	case time.Time:
		return reflect.ValueOf(w.now.Add(7 * time.Microsecond))
	case netip.Addr:
		return reflect.ValueOf(netip.MustParseAddr("203.0.113.77"))
	case device.UserCode:
		return reflect.ValueOf(device.NewUserCode())
	case identity.Email:
		return reflect.ValueOf(w.email("other@example.com"))
	case identity.Subject:
		return reflect.ValueOf(w.subject("other@example.com", "id-of-other"))
	case connection.Mount:
		if v == connection.Legacy {
			return reflect.ValueOf(connection.Canonical)
		}
		return reflect.ValueOf(connection.Legacy)
	case approval.Purpose:
		if v == approval.ApproveDevice {
			return reflect.ValueOf(approval.ManageDevices)
		}
		return reflect.ValueOf(approval.ApproveDevice)
	case scope.Set:
		return reflect.ValueOf(scope.Restore("apps:run"))
	case token.Lifetime:
		return reflect.ValueOf(v + token.Lifetime(time.Minute))
	case device.Status:
		return reflect.ValueOf(device.Denied)
	case bool:
		return reflect.ValueOf(!v)
	case string:
		return reflect.ValueOf("other")
	}
	t.Fatalf("%s: got a field of the type %s, want one of which the suite can make another value", f.name, f.of)
	return now
}

// noZero makes sure that a snapshot has every field.
func noZero[S any](t *testing.T, full S) {
	t.Helper()
	for _, f := range fields(reflect.TypeFor[S](), "") {
		if reflect.ValueOf(full).FieldByIndex(f.index).IsZero() {
			t.Errorf("got no value of %s, want a snapshot with every field", f.name)
		}
	}
}
