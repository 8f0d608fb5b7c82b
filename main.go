// Devicegate lets tools without a browser act for people whose identity lives
// in a company's SSO. See README.md.
package main

import (
	"os"

	"github.com/devicegate/devicegate/bootstrap/commands"
)

func main() { os.Exit(commands.Main(os.Args[1:])) }
