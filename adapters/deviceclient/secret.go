package deviceclient

import "log/slog"

// Secret is a device code or a token. It prints as "[secret]" however it is
// formatted, logged or marshalled; only Reveal yields it.
type Secret struct {
	value *string // package fmt follows no pointer to a string
}

// NewSecret wraps value.
func NewSecret(value string) Secret { return Secret{&value} }

// Reveal yields the secret.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// IsZero reports whether there is no secret.
func (s Secret) IsZero() bool { return s.Reveal() == "" }

// String returns "[secret]".
func (s Secret) String() string { return "[secret]" }

// GoString returns "[secret]".
func (s Secret) GoString() string { return "[secret]" }

// LogValue returns "[secret]".
func (s Secret) LogValue() slog.Value { return slog.StringValue("[secret]") }

// MarshalText returns "[secret]".
func (s Secret) MarshalText() ([]byte, error) { return []byte("[secret]"), nil }
