package e2e

import (
	"os"
	"testing"

	"github.com/devicegate/devicegate/e2e/services"
)

func TestMain(m *testing.M) { os.Exit(services.Main(m)) }
