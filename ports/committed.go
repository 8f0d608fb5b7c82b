package ports

// Committed is a refusal whose record must be kept: the transaction that
// returns it commits.
type Committed struct{ refusal error }

// CommitWith makes [Store.Update] keep what the function wrote and return
// refusal. It has to be returned as it is: an error that wraps it or joins it
// with another one keeps nothing.
func CommitWith(refusal error) error { return &Committed{refusal} }

// Error implements error.
func (c *Committed) Error() string { return c.refusal.Error() }

// Unwrap returns the refusal, which is what Update returns.
func (c *Committed) Unwrap() error { return c.refusal }
