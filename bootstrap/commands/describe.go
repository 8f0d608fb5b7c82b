package commands

import (
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

const (
	programName = "devicegate"
	programHelp = "Device login (RFC 8628) for people behind a company's SAML single sign-on."
)

// described is one command as completions, the man page and the reference need it.
type described struct {
	path     string // "jobs list"; "" is the program itself
	help     string
	usage    string // its arguments
	flags    []flagDescription
	commands []described // below it
}

type flagDescription struct {
	name, short, help, value, fallback string
	env                                []string
	negatable                          bool
}

// describe reads the commands from the same model that parses them.
func describe() described {
	parser, err := kong.New(&commands{}, kong.Name(programName), kong.Description(programHelp))
	if err != nil {
		panic(err) // the commands' own tags cannot be read
	}
	return describeNode(parser.Model.Node, "")
}

func describeNode(n *kong.Node, path string) described {
	d := described{path: path, help: n.Help}
	for _, group := range n.Positional {
		d.usage += " " + group.Summary()
	}
	for _, f := range n.Flags {
		if f.Hidden {
			continue
		}
		one := flagDescription{name: f.Name, help: f.Help, fallback: f.Default, env: f.Envs, negatable: f.Tag.Negatable != ""}
		if f.Short != 0 {
			one.short = string(f.Short)
		}
		if !f.IsBool() {
			one.value = f.FormatPlaceHolder()
		}
		d.flags = append(d.flags, one)
	}
	for _, child := range n.Children {
		if child.Hidden || child.Type != kong.CommandNode {
			continue
		}
		d.commands = append(d.commands, describeNode(child, strings.TrimSpace(path+" "+child.Name)))
	}
	return d
}

// all lists d and everything below it.
func (d described) all() []described {
	list := []described{d}
	for _, c := range d.commands {
		list = append(list, c.all()...)
	}
	return list
}

// synopsis is how the command is called.
func (d described) synopsis() string {
	text := strings.TrimSpace(programName+" "+d.path) + d.usage
	if len(d.commands) > 0 {
		text += " <command>"
	}
	if slices.ContainsFunc(d.flags, func(f flagDescription) bool { return f.name != "help" }) {
		text += " [flags]"
	}
	return text
}

// spelled is the flag with what it takes.
func (f flagDescription) spelled() string {
	text := "--" + f.name
	if f.negatable {
		text = "--[no-]" + f.name
	}
	if f.value != "" {
		text += "=" + f.value
	}
	if f.short != "" {
		text = "-" + f.short + ", " + text
	}
	return text
}
