package commands

import (
	"fmt"
	"io"
	"strings"
)

type completionCommand struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Run prints a script for the shell to read.
func (c completionCommand) Run(out io.Writer) error {
	all := describe().all()
	script := map[string]func([]described) string{"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion}[c.Shell]
	_, err := io.WriteString(out, script(all))
	return err
}

// walk is the part that bash and zsh share: which command the words before the
// cursor name, and what may follow.
func walk(all []described, words string) string {
	var paths, cases strings.Builder
	for _, d := range all {
		if d.path != "" {
			fmt.Fprintf(&paths, "|'%s'", d.path)
		}
		fmt.Fprintf(&cases, "    '%s') next='%s' ;;\n", d.path, strings.Join(d.next(), " "))
	}
	// In zsh a variable called path would be PATH.
	return "  local at= next= word\n" +
		"  for word in " + words + "; do\n" +
		"    case \"${at:+$at }$word\" in " + strings.TrimPrefix(paths.String(), "|") + ") at=\"${at:+$at }$word\" ;; esac\n" +
		"  done\n" +
		"  case \"$at\" in\n" + cases.String() + "  esac\n"
}

// next are the words that may follow a command.
func (d described) next() (words []string) {
	for _, c := range d.commands {
		words = append(words, c.path[strings.LastIndex(c.path, " ")+1:])
	}
	for _, f := range d.flags {
		if f.name != "help" {
			words = append(words, f.words()...)
		}
	}
	words = append(words, "--help")
	if d.path == "completion" {
		words = append(words, "bash", "zsh", "fish")
	}
	return words
}

// words are the flag's names on a command line.
func (f flagDescription) words() []string {
	if f.negatable {
		return []string{"--" + f.name, "--no-" + f.name}
	}
	return []string{"--" + f.name}
}

func bashCompletion(all []described) string {
	return "# bash completion of devicegate: source this file\n_devicegate() {\n" +
		walk(all, `"${COMP_WORDS[@]:1:COMP_CWORD-1}"`) +
		"  COMPREPLY=($(compgen -W \"$next\" -- \"${COMP_WORDS[COMP_CWORD]}\"))\n}\ncomplete -o default -F _devicegate devicegate\n"
}

func zshCompletion(all []described) string {
	return "#compdef devicegate\n_devicegate() {\n" +
		walk(all, `"${(@)words[2,CURRENT-1]}"`) +
		"  compadd -- ${=next} || _files\n}\ncompdef _devicegate devicegate\n"
}

func fishCompletion(all []described) string {
	var out strings.Builder
	out.WriteString("# fish completion of devicegate\nfunction __devicegate_path\n  set -l path\n  for word in (commandline -opc)[2..-1]\n    switch (string join ' ' $path $word)\n      case")
	for _, d := range all[1:] {
		fmt.Fprintf(&out, " '%s'", d.path)
	}
	out.WriteString("\n        set path $path $word\n    end\n  end\n  string join ' ' $path\nend\n")
	for _, d := range all {
		when := fmt.Sprintf("complete -c devicegate -n 'test \"$(__devicegate_path)\" = \"%s\"'", d.path)
		for _, c := range d.commands {
			fmt.Fprintf(&out, "%s -f -a '%s' -d '%s'\n", when, c.path[strings.LastIndex(c.path, " ")+1:], quoteFish(c.help))
		}
		for _, f := range d.flags {
			if f.name == "help" { // every command has it; see below
				continue
			}
			takes := ""
			if f.value != "" {
				takes = " -r"
			}
			for _, word := range f.words() {
				fmt.Fprintf(&out, "%s -l '%s'%s -d '%s'\n", when, strings.TrimPrefix(word, "--"), takes, quoteFish(f.help))
			}
		}
	}
	out.WriteString("complete -c devicegate -l 'help' -d 'Show how it is called.'\n")
	out.WriteString("complete -c devicegate -n 'test \"$(__devicegate_path)\" = \"completion\"' -f -a 'bash zsh fish'\n")
	return out.String()
}

var fishEscape = strings.NewReplacer(`\`, `\\`, `'`, `\'`)

func quoteFish(text string) string { return fishEscape.Replace(text) }
