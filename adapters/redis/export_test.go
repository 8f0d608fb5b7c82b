package redis

// Settle returns when the writes that p has gathered are sent.
func (p *PollThrottle) Settle() { p.later.settle() }
