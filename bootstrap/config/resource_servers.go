package config

import (
	"strings"

	"github.com/devicegate/devicegate/domain/resource"
)

const resourceSecretAdvised = 16 // characters

// resourceServers reads id:secret pairs. Nothing of a pair that is wrong is
// repeated, because it may be a secret.
func (p *problems) resourceServers(setting, text string) resource.Servers {
	var known []resource.Server
	if text == "" {
		return resource.Servers{}
	}
	for i, entry := range strings.Split(text, ",") {
		entry = strings.TrimSpace(entry)
		server, err := resource.ParseServer(entry)
		if err != nil {
			p.add(setting, "entry %d: write id:secret, the id of at most 64 characters; entries are separated by commas", i+1)
			continue
		}
		if _, key, _ := strings.Cut(entry, ":"); cannotBeMeant(key) != "" {
			p.add(setting, "entry %d: the secret %s", i+1, cannotBeMeant(key))
			continue
		}
		if len(entry)-len(server.ID)-1 < resourceSecretAdvised {
			p.warn(setting, "the secret of "+server.ID+" is short; make one: openssl rand -hex 32")
		}
		known = append(known, server)
	}
	return resource.NewServers(known...)
}
