package config

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// envFile is read where ENV_FILE names no other one.
const envFile = ".env"

// Variables are what the settings are read from: the variables of the process
// and, for settings that it leaves out, those of an env file.
type Variables struct {
	Values map[string]string
	origin map[string]string // file:line of those that are from the file
}

// ReadVariables reads the env file that ENV_FILE names, or else .env in the
// working folder if there is one. environ is that of [os.Environ].
func ReadVariables(environ []string) (Variables, error) {
	v := Variables{Values: map[string]string{}, origin: map[string]string{}}
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		v.Values[name] = value
	}
	file := v.Values["ENV_FILE"]
	text, err := os.ReadFile(cmp.Or(file, envFile))
	switch {
	case file == "" && errors.Is(err, fs.ErrNotExist):
		return v, nil
	case err != nil:
		return v, fmt.Errorf("ENV_FILE: %w", err)
	}
	return v, v.add(cmp.Or(file, envFile), text)
}

// add takes from the file what the environment does not set.
func (v *Variables) add(file string, text []byte) error {
	entries, err := parseEnvFile(file, text)
	errs := []error{err}
	ignored := v.setElsewhere()
	seen := map[string]entry{}
	for _, one := range entries {
		if _, set := v.Values[one.name]; one.name == "ENV_FILE" || ignored[one.name] || set && v.origin[one.name] == "" {
			continue
		}
		at := fmt.Sprintf("%s:%d", file, one.line)
		if reason := refusal(one, seen); isSetting(one.name) && reason != "" {
			errs = append(errs, fmt.Errorf("%s: %s: %s", at, one.name, reason))
			continue
		}
		seen[one.name] = one
		v.Values[one.name], v.origin[one.name] = one.value, at
	}
	return errors.Join(errs...)
}

// refusal says why a line cannot be meant, or "". It repeats no value.
func refusal(one entry, seen map[string]entry) string {
	before, twice := seen[one.name]
	switch {
	case twice && before.value != one.value:
		return fmt.Sprintf("is set to something else in line %d", before.line)
	case !one.literal && strings.Contains(one.value, "${"):
		return "variables are not replaced in this file; write the value itself, or single quotes around it if the ${ belongs to it"
	case one.value == "":
		return ""
	}
	return cannotBeMeant(one.value)
}

// spellings are the variables that say one thing.
func (v variable) spellings() []string {
	all := []string{v.name}
	if alias := aliases[v.name]; alias != "" {
		all = append(all, alias)
	}
	if v.secret {
		all = append(all, v.name+"_FILE")
	}
	switch v.name {
	case "DATABASE_URL":
		all = append(all, "DB_HOST")
	case "REDIS_URL":
		all = append(all, "REDIS_HOST")
	}
	return all
}

// setElsewhere are the spellings of what the environment sets by another one.
// They would win over it, or be refused beside it.
func (v *Variables) setElsewhere() map[string]bool {
	other := map[string]bool{}
	for _, s := range variables() {
		for _, name := range s.spellings() {
			if v.Values[name] == "" {
				continue
			}
			for _, spelling := range s.spellings() {
				other[spelling] = other[spelling] || spelling != name
			}
		}
	}
	return other
}

func isSetting(name string) bool {
	for _, s := range variables() {
		if s.name == name || aliases[s.name] == name || s.secret && s.name+"_FILE" == name {
			return true
		}
	}
	return false
}
