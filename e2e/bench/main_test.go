package bench

import (
	"fmt"
	"os"
	"testing"

	"github.com/devicegate/devicegate/e2e/services"
)

// programEnv makes a copy of the test binary one of the programs under
// measurement.
const programEnv = "DEVICEGATE_BENCH_PROGRAM"

func TestMain(m *testing.M) {
	var err error
	switch program := os.Getenv(programEnv); program {
	case "":
		os.Exit(services.Main(m))
	case "service":
		err = runService()
	case "ceiling":
		err = runCeiling()
	default:
		err = fmt.Errorf("%s=%s: no such program", programEnv, program)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
