package explain

import "time"

// Outcome is how a check ended.
type Outcome string

// The outcomes.
const (
	Passed  Outcome = "pass"
	Failed  Outcome = "fail"
	Skipped Outcome = "skipped" // a check before it failed, and nothing is read that was not verified
)

// Check is one check of a response.
type Check struct {
	Name     string  `json:"check"`
	Outcome  Outcome `json:"outcome"`
	Reason   string  `json:"reason,omitempty"` // of a failure, one word as in the audit
	Expected string  `json:"expected,omitempty"`
	Received string  `json:"received,omitempty"`
}

// Trace is what the verifier recorded of one response.
type Trace struct {
	Checks   []Check
	Verified Verified // zero where the signature does not hold
	Metadata Metadata
}

// Verified is what a response says whose signature holds.
type Verified struct {
	NameID, NameIDFormat string
	Attributes           []Attribute
	Encrypted            bool
}

// Attribute is one of an assertion.
type Attribute struct {
	Name         string   `json:"name"`
	FriendlyName string   `json:"friendly_name,omitempty"`
	Values       []string `json:"values"`
}

// Metadata says which metadata of the identity provider a response was checked
// against.
type Metadata struct {
	FromURL   bool
	FetchedAt time.Time // zero: a document that was not fetched, or not known
	EntityID  string
	Keys      int // that may sign
}

// Claim is what a response says about itself. Nothing of it is verified.
type Claim struct {
	Issuer      string
	Destination string
	RequestID   string // InResponseTo
	IssuedAt    time.Time
}
