package memory_test

import (
	"testing"

	"github.com/devicegate/devicegate/adapters/memory"
	"github.com/devicegate/devicegate/ports"
	"github.com/devicegate/devicegate/ports/porttest"
)

func TestPlaces(t *testing.T) {
	porttest.Places(t, func(*testing.T) ports.Places { return memory.Places(porttest.PlacesUnderTest) })
}
