package phishing

import (
	"flag"
	"os"
	"testing"

	"github.com/devicegate/devicegate/e2e/services"
)

var (
	whole   = flag.Bool("whole", false, "play the whole campaigns and print the tables")
	victims = flag.Int("victims", 8, "with -whole: victims of each campaign")
	honest  = flag.Int("honest", 4, "with -whole: honest logins after each victim")
	past    = flag.Int("past", 0, "with -whole: honest logins on the day before")
	again   = flag.Bool("again", false, "with -past: most honest people are those of the day before; else all are new")
)

func TestMain(m *testing.M) { os.Exit(services.Main(m)) }
