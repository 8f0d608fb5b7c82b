package policy

import (
	"fmt"

	"github.com/devicegate/devicegate/domain/fault"
)

// The refusals of an approval. API clients show the sentences as they are.
var (
	// ErrTypedCodeRequired says that the person has to type the user code.
	ErrTypedCodeRequired = fault.New(fault.Forbidden, "typed_code_required",
		"Type the code that your device shows, then approve.")
	// ErrReauthenticationRequired says that the person has to sign in anew at the
	// identity provider.
	ErrReauthenticationRequired = fault.New(fault.Forbidden, "reauthentication_required",
		"Sign in again at your identity provider, then approve.")
	// ErrNetworkNotAllowed says that the networks of the device and of the person
	// do not allow the approval.
	ErrNetworkNotAllowed = fault.New(fault.Forbidden, "network_not_allowed",
		"The device is in another network than you, or in one that is not allowed here. Open this page in the device's own network, for instance through the same VPN, or ask your administrator to allow that network.")
	// ErrApprovalRefused says that the approval is refused for another reason.
	ErrApprovalRefused = fault.New(fault.Forbidden, "approval_refused",
		"The rules of this installation do not allow this approval. If you started the device yourself, ask your administrator.")
)

// ErrStartNotAllowed is [ErrNetworkNotAllowed] for a device that may not start in
// its network.
var ErrStartNotAllowed = ErrNetworkNotAllowed.Saying(
	"Devices may not be connected from this network. Start in an allowed network, for instance through the VPN, or ask your administrator.")

// ErrLoginHintRequired says that a device has to name the approving person.
var ErrLoginHintRequired = fault.InvalidRequest("login_hint is required here. Give the e-mail address of the person who will approve.")

// Outcome is what an approval costs. A greater one is stricter.
type Outcome int

// The outcomes.
const (
	none           Outcome = iota // a rule that has settings only
	Warn                          // the page says what is known
	Type                          // the person types the user code, even if a link carried it
	Reauthenticate                // the person signs in anew at the identity provider
	Refuse                        // there is no approval
)

var outcomes = map[Outcome]string{Warn: "warn", Type: "type", Reauthenticate: "reauthenticate", Refuse: "refuse"}

// ParseOutcome reads the word of an outcome.
func ParseOutcome(word string) (Outcome, error) {
	for o, w := range outcomes {
		if w == word {
			return o, nil
		}
	}
	return none, fmt.Errorf("%q: use warn, type, reauthenticate or refuse", shortened(word))
}

// String is the word of the outcome.
func (o Outcome) String() string { return outcomes[o] }

// shortened is enough of a value to find it.
func shortened(value string) string {
	if r := []rune(value); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return value
}
