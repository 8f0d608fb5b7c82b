package client

import (
	"errors"
	"slices"

	"github.com/devicegate/devicegate/domain/setting"
)

// Directory holds the clients of this installation.
type Directory struct {
	all  []Client
	byID map[string]Client
}

// NewDirectory refuses two clients of one id; each [setting.Problem] names the
// client.
func NewDirectory(all ...Client) (Directory, error) {
	d := Directory{slices.Clone(all), make(map[string]Client, len(all))}
	var errs []error
	for _, c := range all {
		if other, taken := d.byID[c.ID()]; taken {
			errs = append(errs, setting.Wrong("client "+c.ID(), "%s", conflict(c.s.Source, other.s.Source)))
			continue
		}
		d.byID[c.ID()] = c
	}
	if err := errors.Join(errs...); err != nil {
		return Directory{}, err
	}
	return d, nil
}

func conflict(one, other Source) string {
	switch {
	case one == other:
		return "there are two of that id"
	case one == Environment || other == Environment:
		return "it is also named by OPENAPI_KNOWN_CLIENT_IDS"
	}
	return "it is in CLIENTS_FILE and in the database; take it out of the file, or run: devicegate clients remove"
}

// Merge joins the clients of the three sources. The environment names clients
// without saying anything about them: one that the file or the database
// describes is theirs. A client in both of those is refused.
func Merge(environment, file, database Directory) (Directory, error) {
	all := append(file.All(), database.All()...)
	for _, c := range environment.all {
		if !file.Has(c.ID()) && !database.Has(c.ID()) {
			all = append(all, c)
		}
	}
	return NewDirectory(all...)
}

// All lists the clients in the order of the configuration.
func (d Directory) All() []Client { return slices.Clone(d.all) }

// Has reports whether there is a client called id.
func (d Directory) Has(id string) bool {
	_, known := d.byID[id]
	return known
}

// Find returns the client called id, or [ErrUnsupported].
func (d Directory) Find(id string) (Client, error) {
	if c, known := d.byID[id]; known {
		return c, nil
	}
	return Client{}, ErrUnsupported
}

// Usable returns the client called id if it gets tokens here; else
// [ErrUnsupported] or what [Client.CheckUsable] says.
func (d Directory) Usable(id string) (Client, error) {
	c, err := d.Find(id)
	if err == nil {
		err = c.CheckUsable()
	}
	return c, err
}

// Name is what people call the client, or its id if it is no longer known.
func (d Directory) Name(id string) string {
	if c, err := d.Find(id); err == nil {
		return c.Name()
	}
	return id
}
